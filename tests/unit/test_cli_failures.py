"""Exit codes and messages: right, short, on stderr, without secrets."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from uuidmig.cli.app import app
from uuidmig.cli.failures import report_failure
from uuidmig.cli.talk import Talk
from uuidmig.errors import (
    AlreadyRunning,
    Interrupted,
    LockNotObtained,
    PreflightRefused,
    UuidmigError,
    VerificationFailed,
)

NOBODY = "host=/nonexistent dbname=shop user=app password=s3cr3t-word"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)  # no configuration file of whoever runs the tests
    return CliRunner()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UuidmigError("x"), 1),
        (PreflightRefused(["view public.v"]), 3),
        (AlreadyRunning(), 3),
        (LockNotObtained(), 4),
        (VerificationFailed(), 5),
        (Interrupted(), 130),
        (KeyboardInterrupt(), 130),
        (psycopg.OperationalError("gone"), 1),
        (RuntimeError("bug"), 1),
    ],
)
def test_each_cause_has_its_exit_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_failure(error, Talk()) == code
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert said.out == ""


def test_a_message_holds_no_secret_and_no_escape_sequence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    talk = Talk(verbosity=1)
    talk.hide("s3cr3t-word")
    report_failure(UuidmigError("table \x1b[31m s3cr3t-word\nsecond line"), talk)
    said = capsys.readouterr().err
    assert "s3cr3t-word" not in said
    assert "\x1b" not in said
    assert "second line" in said


def test_the_traceback_comes_with_verbose_only(capsys: pytest.CaptureFixture[str]) -> None:
    for verbosity, shown in ((0, False), (1, True)):
        try:
            raise RuntimeError("bug")
        except RuntimeError as error:
            report_failure(error, Talk(verbosity=verbosity))
        assert ("Traceback" in capsys.readouterr().err) is shown


def test_quiet_does_not_silence_errors(capsys: pytest.CaptureFixture[str]) -> None:
    report_failure(UuidmigError("really"), Talk(verbosity=-1))
    assert "really" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "plan", "doctor", "migrate", "inspect"])
@pytest.mark.parametrize("flags", [[], ["-v"]])
def test_a_server_that_does_not_answer(run: CliRunner, command: str, flags: list[str]) -> None:
    result = run.invoke(app, [command, "--dsn", NOBODY, *flags])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "cannot connect to" in result.stderr
    assert "shop" in result.stderr
    assert "s3cr3t-word" not in result.stderr


def test_a_dsn_that_is_none_does_not_show_itself(run: CliRunner) -> None:
    result = run.invoke(app, ["status", "--dsn", "postgresql://app:s3cr3t-word@host:x/y?z"])
    assert result.exit_code == 2
    assert "s3cr3t-word" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["plan", "--nonsense"],
        ["plan", "--non-v4", "maybe"],
        ["plan", "--timestamp", "no-equals-sign"],
        ["plan", "--json", "--sql"],
        ["plan", "--server", "moon"],
        ["plan", "--dsn", NOBODY, "--server", "embedded"],
        ["migrate", "--batch", "0"],
        ["migrate", "--batch", "many"],
        ["migrate", "--workers", "0"],
        ["migrate", "--cutover", "perhaps"],
        ["migrate", "--lock-timeout", "soon"],
        ["lookup"],
        ["lookup", "no-uuid"],
        ["demo", "--writers", "-1"],
    ],
)
def test_usage_errors_are_exit_code_2(run: CliRunner, arguments: list[str]) -> None:
    result = run.invoke(app, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr != ""


def test_the_message_names_the_setting_and_its_flag(run: CliRunner) -> None:
    result = run.invoke(app, ["migrate", "--lock-timeout", "soon"])
    assert "lock_timeout (--lock-timeout, UUIDMIG_LOCK_TIMEOUT)" in result.stderr
    assert "500ms" in result.stderr
