"""Backups on a server that speaks another language: what pg_dump quotes of it is understood."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import LiteralString

import psycopg
import pytest

from tests.servers import binaries_of
from uuidmig import RunOptions, migrate
from uuidmig.backup.make import back_up
from uuidmig.errors import BackupFailed, LockNotObtained
from uuidmig.planner.model import PlanOptions
from uuidmig.servers import embedded
from uuidmig.servers.binaries import clean_environment
from uuidmig.servers.embedded import EmbeddedPostgres


@pytest.fixture
def german_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPostgres]:
    """PostgreSQL 15 of the distribution, which can speak other languages; the wheel's cannot."""
    programs, localedef = binaries_of("15"), shutil.which("localedef")
    if localedef is None:
        pytest.skip("a German locale needs localedef")
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server may run as another user
        command = [localedef, "-i", "de_DE", "-f", "UTF-8", f"{folder}/de_DE.UTF-8"]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a German locale cannot be made: there are no sources of locales")
        environment = {**clean_environment(), "LOCPATH": folder}
        monkeypatch.setattr(embedded, "clean_environment", lambda: environment)
        settings = {"lc_messages": "de_DE.UTF-8", "fsync": "off"}
        with embedded.embedded_server(bin=programs, settings=settings) as server:
            yield server


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1"])
def test_it_knows_a_lock_in_any_language(
    german_server: EmbeddedPostgres, tmp_path: Path, encoding: LiteralString
) -> None:
    """As an ordinary role, which may not choose the language of the server."""
    with psycopg.connect(german_server.dsn(), autocommit=True) as admin:
        admin.execute("CREATE ROLE clerk LOGIN")
        admin.execute(
            f"CREATE DATABASE shop OWNER clerk TEMPLATE template0 ENCODING {encoding} LOCALE 'C'"
        )
    dsn = german_server.dsn("shop", user="clerk")
    with psycopg.connect(dsn) as other:
        other.execute("CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid())")
        other.execute('CREATE TABLE "Zähler" (id int)')
        other.execute("CREATE TABLE gone (id int)")
        other.execute("INSERT INTO orders DEFAULT VALUES")
        other.commit()
        migrate(dsn, PlanOptions(), RunOptions(cutover="manual"))  # else it has to plan first
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Berechtigung"):
            other.execute("SET lc_messages = 'C'")
        other.rollback()
        other.execute('LOCK TABLE "Zähler" IN ACCESS EXCLUSIVE MODE')
        with pytest.raises(LockNotObtained, match="300 ms"):
            back_up(
                dsn, tmp_path / "a", PlanOptions(), programs=german_server.bin, lock_timeout_ms=300
            )
        other.rollback()
        with psycopg.connect(german_server.dsn("shop"), autocommit=True) as admin:
            admin.execute("ALTER TABLE gone OWNER TO postgres")
        with pytest.raises(BackupFailed, match="keine Berechtigung für Tabelle gone"):
            back_up(dsn, tmp_path / "a", PlanOptions(), programs=german_server.bin)
    assert list(tmp_path.iterdir()) == []
