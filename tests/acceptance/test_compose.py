"""Every command of the README runs on the server of docker-compose.yml, as it is typed there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.compose import DEFAULT_PORT, ROOT, Compose, compose_project

pytestmark = [pytest.mark.docker, pytest.mark.slow]

README = (ROOT / "README.md").read_text()
DOCKER_PAGE = (ROOT / "docs" / "docker.md").read_text()

# What the README names in its table of commands and types in no block. ID is a key of the shop.
OTHERS = (
    "uuidmig backup --output BACKUP",
    "uuidmig migrate --cutover manual",
    "uuidmig pause",
    "uuidmig resume",
    "uuidmig inspect",
    "uuidmig abort",
    "uuidmig migrate",
    "uuidmig lookup ID",
    "uuidmig export-map --output MAP",
    "uuidmig import-map MAP --into public.key_map",
    "uuidmig rewrite-file --map MAP --column old MAP",
    "uuidmig report --json",
    "uuidmig bench index",
    "uuidmig rollback",
    "uuidmig decode ID",
    "uuidmig keys",
    "uuidmig scan scripts",
    'uuidmig demo --orders 1000 --writers 1 --dsn "$UUIDMIG_DSN"',
)
ANSWERS = {"migrate": "y", "abort": "y", "cutover": "shop", "rollback": "shop", "finish": "shop"}


def lines(text: str, heading: str) -> list[str]:
    """The command lines of the sh blocks below that heading, without comments."""
    section = re.split(r"^#+ ", text.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)
    typed = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in typed if line]


UP, DSN, LOAD, *SERVER = lines(README, "A server to try it on")
QUICK_START = lines(README, "Quick start against your own database")


@dataclass(frozen=True, slots=True)
class Shell:
    """Types command lines at a terminal; `variables` are those that were exported."""

    compose: Compose
    variables: dict[str, str] = field(default_factory=dict)

    def type(self, line: str) -> str:
        """What the line prints. AssertionError with all it said when it fails."""
        here = self.compose.here(line)
        if export := re.fullmatch(r"export (\w+)=(\S+)", here):
            self.variables[export[1]] = export[2]
            return ""
        return run(here, {**self.compose.environment, **self.variables}, answer(line))

    def one(self, query: LiteralString) -> Any:
        """The one value of a query."""
        with psycopg.connect(self.variables["UUIDMIG_DSN"]) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def answer(line: str) -> str:
    program, command, *_ = [*shlex.split(line), ""]
    return ANSWERS.get(command, "") if program == "uuidmig" else ""


def run(line: str, environment: Mapping[str, str], typed: str) -> str:
    """Run the line with a terminal as its input, on which the answer was typed ahead."""
    keyboard, terminal = os.openpty()
    try:
        os.write(keyboard, f"{typed}\n".encode())
        done = subprocess.run(
            line,
            shell=True,
            cwd=ROOT,
            env=environment,
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert done.returncode == 0, f"{line}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def started() -> Iterator[Shell]:
    with compose_project() as compose:
        shell = Shell(compose)
        shell.type(UP)
        compose.wait_until_healthy()
        shell.type(DSN)
        yield shell
        shell.type("docker compose down --volumes")
        assert compose.leftovers() == []


@pytest.fixture
def shell(started: Shell) -> Iterator[Shell]:
    """A shell beside a server that has the shop, as it was before any migration."""
    started.type(LOAD)
    yield started
    with psycopg.connect(started.variables["UUIDMIG_DSN"]) as connection:
        connection.execute("DROP SCHEMA shop CASCADE")


def test_the_quick_start_runs_from_doctor_to_finish(shell: Shell) -> None:
    assert shell.one("SELECT min(uuid_extract_version(id)) FROM shop.orders") == 4
    for line in SERVER:
        assert "shop.orders_pkey" in shell.type(line)
    ran = [line for line in QUICK_START if not line.startswith("export UUIDMIG_DSN=")]
    assert len(ran) > 6
    for line in ran:
        shell.type(line)
    assert shell.one("SELECT min(uuid_extract_version(id)) FROM shop.orders") == 7
    assert shell.one("SELECT to_regnamespace('uuidmig')") is None


def test_the_other_commands_run(shell: Shell, tmp_path: Path) -> None:
    named = set(re.findall(r"`uuidmig ([\w-]+)", README.split("## Commands")[1].split("## ")[0]))
    typed = {line.split()[1] for line in (*OTHERS, *SERVER, *QUICK_START) if "uuidmig " in line}
    assert named - typed == set(), "give them a line in OTHERS"
    for line in OTHERS:
        key = str(shell.one("SELECT id FROM shop.orders LIMIT 1"))
        files = {"MAP": str(tmp_path / "map.csv"), "BACKUP": str(tmp_path / "shop.dump")}
        for name, text in {"ID": key, **files}.items():
            line = re.sub(rf"\b{name}\b", text, line)
        shell.type(line)
    assert shell.one("SELECT min(uuid_extract_version(id)) FROM shop.orders") == 4


def test_the_commands_of_the_page_run(started: Shell) -> None:
    up, dsn, *others, down = lines(DOCKER_PAGE, "A server to try it on, in Docker")
    assert (up, dsn) == (UP, DSN)
    assert down == "docker compose down --volumes"
    for line in others:
        started.type(line)
    with psycopg.connect(started.variables["UUIDMIG_DSN"]) as connection:
        connection.execute("DROP SCHEMA shop CASCADE")


def test_memory_is_limited_and_only_this_machine_gets_in(started: Shell) -> None:
    assert started.compose.inspect("{{.HostConfig.Memory}}") == [str(1536 * 2**20)]
    bindings = started.compose.inspect("{{range .HostConfig.PortBindings}}{{.}}{{end}}")
    assert bindings == ["[{127.0.0.1", f"{started.compose.port}}}]"]
    assert f":-{DEFAULT_PORT}}}" in (ROOT / "docker-compose.yml").read_text()
    assert started.one("SHOW shared_buffers") == "256MB"


def test_extensions_that_look_into_indexes_can_be_had(started: Shell) -> None:
    with psycopg.connect(started.variables["UUIDMIG_DSN"]) as connection:
        for extension in ("pgstattuple", "pageinspect", "pg_stat_statements"):
            create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}")
            connection.execute(create.format(sql.Identifier(extension)))
        connection.rollback()


def test_data_outlives_the_container(started: Shell) -> None:
    with psycopg.connect(started.variables["UUIDMIG_DSN"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id uuid)")
    started.compose.run("down")
    started.type(UP)
    started.compose.wait_until_healthy()
    assert started.one("SELECT count(*) FROM kept") == 0
    with psycopg.connect(started.variables["UUIDMIG_DSN"], autocommit=True) as connection:
        connection.execute("DROP TABLE kept")


def test_another_password_can_be_set() -> None:
    with compose_project() as compose:
        shell = Shell(compose, {"POSTGRES_PASSWORD": "s3cret"})
        shell.type(UP)
        compose.wait_until_healthy()
        shell.type(DSN)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            shell.one("SELECT 1")
        shell.variables["UUIDMIG_DSN"] = shell.variables["UUIDMIG_DSN"].replace(
            "local-only", "s3cret"
        )
        assert shell.one("SELECT 1") == 1
