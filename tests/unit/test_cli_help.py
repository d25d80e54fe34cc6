"""Every command explains itself, with an example."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from scripts.cli_reference import commands
from uuidmig.cli.app import app

COMMANDS = (
    "plan",
    "backup",
    "migrate",
    "status",
    "verify",
    "cutover",
    "pause",
    "resume",
    "abort",
    "rollback",
    "finish",
    "export-map",
    "import-map",
    "rewrite-file",
    "lookup",
    "inspect",
    "decode",
    "keys",
    "scan",
    "doctor",
    "report",
    "demo",
    "bench inserts",
    "bench index",
    "bench runtime",
    "bench compare",
)
SILENT = {"decode", "keys", "rewrite-file"}  # little happens that could be told
OFFLINE = {"scan", "bench compare", *SILENT}


def test_these_are_all_commands() -> None:
    assert tuple(commands()) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_text_examples_and_the_connection_panel(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "100"})
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    assert "Examples:" in result.stdout
    assert f"uuidmig {command}" in result.stdout.partition("Examples:")[2]
    connection = ("--dsn", "-d", "--server", "UUIDMIG_DSN") if command not in OFFLINE else ()
    talk = ("--verbose", "--quiet") if command not in SILENT else ()
    for option in (*connection, *talk):
        assert option in result.stdout


@pytest.mark.parametrize("command", ["inserts"])
def test_help_of_a_benchmark(command: str) -> None:
    result = CliRunner().invoke(app, ["bench", command, "--help"], env={"COLUMNS": "100"})
    assert result.exit_code == 0
    assert f"uuidmig bench {command}" in result.stdout.partition("Examples:")[2]


def test_version_goes_to_stdout() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("uuidmig ")
    assert result.stderr == ""


def test_help_loads_nothing_slow() -> None:
    """`--help` is quick: what takes long to load is loaded by the commands that need it."""
    code = (
        "import sys\n"
        "from uuidmig.cli.app import app\n"
        "slow = {'alembic', 'psycopg', 'sqlalchemy', 'uuidmig.engine'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_key_map_is_written_without_alembic() -> None:
    """Half of the memory of an export would be what it never uses."""
    code = (
        "import sys, uuidmig.cli.session, uuidmig.keymap.export, uuidmig.servers.dsn\n"
        "large = {'alembic', 'sqlalchemy', 'rich', 'pyarrow'} & set(sys.modules)\n"
        "assert not large, large"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
