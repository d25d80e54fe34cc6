"""Commands run in this process, against one database, from an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from uuidmig.cli.app import app

Run = Callable[..., Result]


def commands_on(dsn: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command; `code` is the exit code it must have."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("UUIDMIG_DSN", dsn)

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, result.output
        return result

    return invoke
