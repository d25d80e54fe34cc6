"""Makes the document of a report and writes it to a file: `report`, `finish` and `demo` do."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uuidmig import __version__
from uuidmig.errors import ConfigurationError, ReportUnavailable, ReportUnreadable

if TYPE_CHECKING:
    from uuidmig.cli.talk import Talk
    from uuidmig.demo.run import DemoReport
    from uuidmig.report.html.model import ReportDocument


def migration_document(dsn: str, bench: Mapping[str, Any] | None = None) -> ReportDocument:
    """Return the report of the migration of this database. Raises NoJournal."""
    from uuidmig.engine.migration_record import read_migration
    from uuidmig.report.html.model import ReportDocument

    return ReportDocument(
        created_at=datetime.now(UTC),
        tool_version=__version__,
        migration=read_migration(dsn),
        bench=bench,
    )


def bench_only_document(bench: Mapping[str, Any]) -> ReportDocument:
    """Return the report of a benchmark without a migration."""
    from uuidmig.report.html.model import ReportDocument

    return ReportDocument(created_at=datetime.now(UTC), tool_version=__version__, bench=bench)


def demo_report(shown: DemoReport) -> ReportDocument:
    """Return the report of a demo that was measured."""
    from uuidmig.report.html.model import ReportDocument

    return ReportDocument(
        created_at=datetime.now(UTC),
        tool_version=__version__,
        migration=shown.migration,
        application=shown.application,
    )


def read_bench(path: str) -> Mapping[str, Any]:
    """Return the document that `bench inserts --json` wrote there. Raises ReportUnreadable."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ReportUnreadable(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("benchmarks"), list):
        raise ReportUnreadable(
            f"{path} is no document of `uuidmig bench inserts --json`: it has no list of benchmarks"
        )
    return found


def render(report: ReportDocument, *, as_json: bool) -> str:
    """Return the report as text. Raises ReportUnavailable."""
    from uuidmig.report.document import document
    from uuidmig.report.html import render_report

    return document({"report": report}) if as_json else render_report(report)


def require_renderer(path: str) -> None:
    """Raise ReportUnavailable at once rather than after a long run, if the file is to be HTML."""
    if not path.endswith(".json") and importlib.util.find_spec("matplotlib") is None:
        raise ReportUnavailable


def write_report(report: ReportDocument, path: str, talk: Talk, *, as_json: bool = False) -> None:
    """Write the report to the file, whole or not at all, and say so: HTML, or JSON if it ends in
    .json.

    Raises ReportUnavailable, ConfigurationError when the file cannot be written.
    """
    from uuidmig.report.units import size

    text = render(report, as_json=as_json or path.endswith(".json"))
    target = Path(path)
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        written = os.stat(file.name).st_size
        os.replace(file.name, target)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    talk.say(f"the report is in {path}, {size(written)}")
