"""Asking: on a terminal a question, without one --yes or a refusal; never a hang."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from uuidmig.cli.confirm import confirm, confirm_database
from uuidmig.cli.talk import Talk
from uuidmig.errors import ConfigurationError


def test_without_a_terminal_yes_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match="--yes"):
        confirm("it happens", "Go on?", Talk(), yes=False)
    with pytest.raises(ConfigurationError, match="--yes"):
        confirm_database("it happens", "shop", Talk(), yes=False)
    assert capsys.readouterr().err == ""


def test_yes_says_what_happens_and_does_not_ask(capsys: pytest.CaptureFixture[str]) -> None:
    confirm("it happens", "Go on?", Talk(), yes=True)
    confirm_database("it happens", "shop", Talk(), yes=True)
    said = capsys.readouterr()
    assert said.err == "it happens\nit happens\n"
    assert said.out == ""


ASK = """
from uuidmig.cli.confirm import confirm, confirm_database
from uuidmig.cli.talk import Talk
import typer
try:
    {call}
    print("went on")
except typer.Exit as leaving:
    print("left with", leaving.exit_code)
"""
BY_NAME = 'confirm_database("it happens", "shop", Talk(verbosity=-1), yes=False)'
BY_YES = 'confirm("it happens", "Go on?", Talk(), yes=False)'


@pytest.mark.parametrize(
    ("call", "answer", "outcome"),
    [
        (BY_YES, "y", "went on"),
        (BY_YES, "n", "left with 1"),
        (BY_YES, "", "left with 1"),
        (BY_NAME, "shop", "went on"),
        (BY_NAME, "y", "left with 1"),
        (BY_NAME, "", "left with 1"),
    ],
)
def test_answers_on_a_terminal(call: str, answer: str, outcome: str) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        process = subprocess.Popen(
            [sys.executable, "-c", ASK.format(call=call)],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(theirs)
        keyboard.write(f"{answer}\n".encode())
        out, err = process.communicate(timeout=120)
    assert out.strip() == outcome  # the question itself is not on stdout
    assert "it happens" in err
