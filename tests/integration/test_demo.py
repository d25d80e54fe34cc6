"""The demo around the migration: set up, measured, compared, and cleared away."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import psycopg
import pytest
from rich.console import Console

from tests.servers import TestDatabase, TestServer
from uuidmig.demo import run
from uuidmig.demo.migration import migrate_shop
from uuidmig.demo.place import demo_place
from uuidmig.demo.run import DemoReport, run_demo
from uuidmig.engine.progress import Observer, StepFinished, StepStarted
from uuidmig.errors import ConfigurationError
from uuidmig.report.demo import demo_document, demo_table
from uuidmig.report.document import document

Migration = Callable[[str, Observer], int]


def leftovers(server: TestServer) -> list[tuple[str]]:
    with psycopg.connect(server.admin_dsn) as connection:
        return connection.execute(
            "SELECT datname FROM pg_database WHERE datname ^@ 'uuidmig_demo_'"
            " UNION ALL SELECT rolname FROM pg_roles WHERE rolname ^@ 'uuidmig_demo_'"
        ).fetchall()


def rebuild(dsn: str, observer: Observer) -> int:
    """Stands in for the migration: makes the indexes dense and holds the writers up for a while."""
    observer.notify(StepStarted("copy", "Copy"))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("REINDEX TABLE CONCURRENTLY shop.orders")
        observer.notify(StepFinished("copy", 0.1))
        observer.notify(StepStarted("cutover", "Cut over"))
        with connection.transaction():
            connection.execute("LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE")
            connection.execute("SELECT pg_sleep(0.3)")
        observer.notify(StepFinished("cutover", 0.3))
    return 100


def tamper(dsn: str, observer: Observer) -> int:
    """Stands in for a migration that goes wrong."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        changed = "UPDATE shop.customers SET country = 'XX' WHERE email ^@ 'w1-'"
        return connection.execute(changed).rowcount


def fail(dsn: str, observer: Observer) -> int:
    raise RuntimeError("the migration failed")


def run_with(
    migration: Migration, server: TestServer, monkeypatch: pytest.MonkeyPatch, writers: int = 2
) -> DemoReport:
    monkeypatch.setattr(run, "migrate_shop", migration)
    monkeypatch.setattr(run, "CALM_SECONDS", 0.5)
    monkeypatch.setattr(run, "AFTERMATH_SECONDS", 0.2)
    return run_demo(server.admin_dsn, orders=2000, writers=writers)


def test_demo_measures_before_and_after_and_leaves_nothing(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = run_with(rebuild, server, monkeypatch)
    assert report.application_errors == ()
    assert report.differences == ()
    assert report.transactions > 20
    assert report.rows_migrated == 100
    assert report.rows_loaded > 10_000
    assert report.stall_at_verify_ms is None
    assert report.stall_at_cutover_ms is not None
    assert report.stall_at_cutover_ms > 200
    assert report.longest_stall_ms == report.stall_at_cutover_ms
    before, after = (side.indexes["orders_pkey"] for side in (report.before, report.after))
    assert before.leaf_density is not None
    assert after.leaf_density is not None
    assert before.leaf_density < 80 < after.leaf_density
    assert report.before.keys["orders"].v4 == 2000
    assert leftovers(server) == []


def test_demo_report_is_json_and_text(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run_with(rebuild, server, monkeypatch)
    data = json.loads(document(demo_document(report)))
    assert data["schema_version"] == 1
    assert data["keys_before"]["orders"] == {"v4": 2000, "v7": 0, "other": 0, "exact": True}
    assert data["application_errors"] == 0
    assert data["density_before"].keys() == data["fragmentation_after"].keys()
    assert "orders_pkey" in data["density_after"]
    text = io.StringIO()
    Console(file=text, width=100).print(demo_table(report))
    assert "orders_pkey" in text.getvalue()
    assert "all as they left them" in text.getvalue()


def test_demo_notices_rows_that_changed(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = run_with(tamper, server, monkeypatch)
    assert any("country is 'XX'" in line for line in report.differences)


def test_demo_works_without_writers(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run_with(rebuild, server, monkeypatch, writers=0)
    assert (report.longest_stall_ms, report.p99_before_ms) == (None, None)


def test_demo_clears_away_after_a_failure(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError, match="the migration failed"):
        run_with(fail, server, monkeypatch)
    assert leftovers(server) == []


def test_the_migrating_role_is_an_ordinary_one(server: TestServer) -> None:
    with demo_place(server.admin_dsn) as place, psycopg.connect(place.dsn) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, False, False)


def test_without_the_rights_it_says_what_it_needs(database: TestDatabase) -> None:
    with pytest.raises(ConfigurationError, match="needs a superuser"), demo_place(database.dsn):
        pass


def test_demo_migrates_all_keys_under_load(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = run_with(migrate_shop, server, monkeypatch, writers=4)
    assert report.application_errors == ()
    assert report.differences == ()
    assert report.rows_migrated >= report.rows_loaded
    for table, keys in report.after.keys.items():
        assert (keys.v4, keys.other) == (0, 0), table
        assert keys.v7 >= report.before.keys[table].v4, table
    assert report.stall_at_verify_ms is not None
    assert report.stall_at_cutover_ms is not None
    assert leftovers(server) == []
