"""Measurements: what they find, what they leave (nothing), and how the journal keeps them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from rich.console import Console

from tests.cli_runner import Run, commands_on
from tests.schema_dump import schema_dump
from tests.servers import OWNER, TestDatabase
from uuidmig import PlanOptions, RunOptions, abort, cutover, migrate, rollback
from uuidmig.bench.insert_probe import LEAST_ROWS, NothingToProbe, probe_inserts
from uuidmig.bench.measure import measure
from uuidmig.bench.measurement import Measurement, from_json, to_json
from uuidmig.bench.page_fill import NOT_INSTALLED, NOT_PERMITTED
from uuidmig.catalog.model import KeyCounts, RelationName, Table
from uuidmig.catalog.read import read_catalog
from uuidmig.engine.migration_record import read_migration
from uuidmig.report.progress import progress

ODD = RelationName('Odd "S" Schema', "Odd Table")
SCHEMA = """
CREATE SCHEMA "Odd ""S"" Schema";
CREATE DOMAIN "Odd ""S"" Schema"."Key" AS uuid;
CREATE TABLE "Odd ""S"" Schema"."Odd Table" (
    "The Id" "Odd ""S"" Schema"."Key" PRIMARY KEY DEFAULT gen_random_uuid(),
    number bigserial UNIQUE,
    email text NOT NULL UNIQUE,
    doubled bigint GENERATED ALWAYS AS (length(email) * 2) STORED NOT NULL,
    parent uuid,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX "By Parent" ON "Odd ""S"" Schema"."Odd Table" (parent);
CREATE INDEX part ON "Odd ""S"" Schema"."Odd Table" (parent) WHERE parent IS NOT NULL;
CREATE INDEX expression ON "Odd ""S"" Schema"."Odd Table" (upper(email));
INSERT INTO "Odd ""S"" Schema"."Odd Table" (email, parent, created_at)
SELECT n || '@example.org', gen_random_uuid(), '2024-01-01'::timestamptz + n * interval '1 minute'
FROM generate_series(1, 6000) n;
CREATE TABLE few (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
INSERT INTO few SELECT FROM generate_series(1, 10);
CREATE TABLE pairs (odd uuid REFERENCES few, other uuid REFERENCES few, PRIMARY KEY (odd, other));
ANALYZE;
"""


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield connection


@pytest.fixture
def run(
    database: TestDatabase,
    connection: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    return commands_on(database.dsn, tmp_path, monkeypatch)


def install(database: TestDatabase, *extensions: str) -> None:
    with database.connect_admin(autocommit=True) as admin:
        for extension in extensions:
            admin.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))
        owner = sql.Identifier(OWNER)
        admin.execute(sql.SQL("GRANT pg_stat_scan_tables TO {}").format(owner))


def table(connection: psycopg.Connection, name: RelationName = ODD) -> Table:
    return read_catalog(connection).table(name)


def traces(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    """What inserts of the probe would change, if they went where they must not."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    return connection.execute(
        """
        SELECT c.oid::regclass::text, pg_relation_size(c.oid), c.relfilenode,
            pg_stat_get_tuples_inserted(c.oid), pg_stat_get_dead_tuples(c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        UNION ALL SELECT sequencename, last_value, 0, 0, 0 FROM pg_sequences
        UNION ALL SELECT nspname, 0, 0, 0, 0 FROM pg_namespace
        ORDER BY 1, 2
        """
    ).fetchall()


def test_a_measurement_leaves_nothing(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    install(database, "pgstattuple")
    before, dump = traces(connection), schema_dump(database)
    found = measure(connection)
    assert [probe.table for probe in found.probes] == [ODD]
    assert traces(connection) == before
    assert schema_dump(database) == dump
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_the_probe_has_the_indexes_of_uuid_columns(connection: psycopg.Connection) -> None:
    probe = probe_inserts(connection, table(connection), None)
    assert probe.indexes == ("Odd Table_pkey", "By Parent")
    assert (probe.key_version, probe.generator) == (4, "default gen_random_uuid()")
    assert (probe.preloaded, probe.rows) == (6000, 1000 * len(probe.batch_ms))
    assert probe.wal_bytes is not None
    assert probe.wal_bytes > 100 * probe.rows
    assert probe.rows_per_second > 0


def test_ordered_keys_leave_the_index_dense_and_random_ones_do_not(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    install(database, "pgstattuple")
    connection.execute(
        'ALTER TABLE "Odd ""S"" Schema"."Odd Table" ALTER "The Id" DROP DEFAULT; ANALYZE'
    )
    version_4, version_7 = KeyCounts(6000, 0, 0, exact=True), KeyCounts(0, 6000, 0, exact=True)
    random = probe_inserts(connection, table(connection), version_4)
    mixed = probe_inserts(connection, table(connection), version_7)
    connection.execute(
        'UPDATE "Odd ""S"" Schema"."Odd Table" SET "The Id" ='
        " overlay(lpad(to_hex(number), 32, '0') placing '7' from 13)::uuid"
    )
    ordered = probe_inserts(connection, table(connection), version_7)
    assert [one.key_version for one in (random, mixed, ordered)] == [4, 7, 7]
    assert "no default" in ordered.generator
    assert (mixed.leaf_density or 0) < 65 < (random.leaf_density or 0) < 82
    assert (ordered.leaf_density or 0) > 88


def test_a_default_of_the_users_is_not_run(connection: psycopg.Connection) -> None:
    connection.execute(
        """
        CREATE FUNCTION loud() RETURNS uuid LANGUAGE plpgsql AS
            'BEGIN RAISE EXCEPTION ''I ran''; END';
        ALTER TABLE "Odd ""S"" Schema"."Odd Table" ALTER "The Id" SET DEFAULT loud();
        """
    )
    assert "loud()" in probe_inserts(connection, table(connection), None).generator


def test_a_partitioned_table_has_a_probe(connection: psycopg.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE parts (id uuid DEFAULT gen_random_uuid(), at int, PRIMARY KEY (id, at))
            PARTITION BY RANGE (at);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
        CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
        INSERT INTO parts (at) SELECT n % 20 FROM generate_series(1, 4000) n;
        ANALYZE;
        """
    )
    found = measure(connection, [RelationName("public", "parts")])
    assert [probe.preloaded for probe in found.probes] == [4000]
    assert {index.index for index in found.indexes} == {"parts_1_pkey", "parts_2_pkey"}


@pytest.mark.parametrize(
    ("name", "why"),
    [("few", f"fewer than {LEAST_ROWS} rows"), ("pairs", "no uuid key of its own")],
)
def test_tables_without_a_probe(connection: psycopg.Connection, name: str, why: str) -> None:
    with pytest.raises(NothingToProbe, match=why):
        probe_inserts(connection, table(connection, RelationName("public", name)), None)


def test_what_is_missing_is_said(database: TestDatabase, connection: psycopg.Connection) -> None:
    assert NOT_INSTALLED in measure(connection).missing
    install(database, "pageinspect")
    with database.connect_admin(autocommit=True) as admin:
        name = sql.Identifier(database.name)
        admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(name))
    found = measure(connection)
    assert found.probes == ()
    assert NOT_PERMITTED in found.missing
    assert any("permission denied for database" in line for line in found.missing)
    assert any("pgstattuple is not installed" in line for line in found.missing)


def test_a_locked_table_is_not_waited_for(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    subject = table(connection)
    with database.connect() as other:
        other.execute('LOCK TABLE "Odd ""S"" Schema"."Odd Table"')
        with pytest.raises(psycopg.errors.LockNotAvailable):
            probe_inserts(connection, subject, None)


def test_pages_are_told_apart_by_the_version_of_their_keys(database: TestDatabase) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("CREATE EXTENSION pageinspect")
        admin.execute(
            """
            CREATE TABLE old (id uuid PRIMARY KEY);
            INSERT INTO old SELECT gen_random_uuid() FROM generate_series(1, 4000);
            CREATE TABLE new (id uuid PRIMARY KEY);
            INSERT INTO new SELECT overlay(lpad(to_hex(n), 32, '0') placing '7' from 13)::uuid
                FROM generate_series(1, 4000) n;
            CREATE TABLE mixed (id uuid PRIMARY KEY);
            INSERT INTO mixed SELECT id FROM old UNION ALL SELECT id FROM new;
            """
        )
        found = {fill.table.name: fill for fill in measure(admin).page_fill}
    assert sum(found["old"].v4) == found["old"].pages > 10
    assert sum(found["new"].v7) == found["new"].pages > 10
    assert found["new"].v7[17] + found["new"].v7[18] >= found["new"].pages - 1  # 90 % full
    assert sum(found["mixed"].mixed) > 0
    assert sum(found["mixed"].v4) > 0


def test_a_measurement_survives_its_json(connection: psycopg.Connection) -> None:
    found = measure(connection)
    assert from_json(to_json(found)) == found


def stages(database: TestDatabase) -> list[str]:
    return [one.stage for one in read_migration(database.dsn).measurements]


def measurements(database: TestDatabase) -> dict[str, Measurement]:
    return {one.stage: one for one in read_migration(database.dsn).measurements}


MEASURED = RunOptions(measure=True)


def test_a_measured_run_has_both_and_finish_leaves_nothing_of_them(
    database: TestDatabase, run: Run
) -> None:
    dump = schema_dump(database)
    run("migrate", "--yes", "--measure")
    found = measurements(database)
    assert list(found) == ["before", "after"]
    old, new = (found[stage].probes[0] for stage in ("before", "after"))
    assert (old.key_version, new.key_version) == (4, 7)
    assert old.table == new.table == ODD
    with database.connect(autocommit=True) as connection:
        before = connection.execute("SELECT count(*) FROM uuidmig.measurement").fetchone()
    run("migrate", "--yes", "--measure")
    with database.connect(autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM uuidmig.measurement").fetchone() == before
    rollback(database.dsn)
    abort(database.dsn)
    assert schema_dump(database) == dump


def test_while_it_measures_the_status_line_says_so(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    said = StringIO()
    with progress(Console(file=said, width=200), status_seconds=0.02) as observer:
        migrate(database.dsn, PlanOptions(), MEASURED, observer)
    for stage in ("before", "after"):
        start, end = (
            rf"measure: measure indexes and inserts {stage} the cutover\n",
            "measure: done in",
        )
        between = re.search(rf"^{start}(.*?)^{end}", said.getvalue(), re.MULTILINE | re.DOTALL)
        assert between, said.getvalue()
        ticks = between[1].splitlines()
        assert ticks
        assert [line for line in ticks if not re.search(r" m?s measure(;|$)", line)] == []


def test_a_run_without_it_has_no_table_of_measurements(database: TestDatabase, run: Run) -> None:
    run("migrate", "--yes")
    assert stages(database) == []
    with database.connect(autocommit=True) as connection:
        row = connection.execute("SELECT to_regclass('uuidmig.measurement')").fetchone()
    assert row == (None,)


def test_the_cutover_completes_a_measured_run(database: TestDatabase, run: Run) -> None:
    run("migrate", "--yes", "--measure", "--cutover", "manual")
    assert stages(database) == ["before"]
    cutover(database.dsn)
    assert stages(database) == ["before", "after"]


def test_what_a_crash_took_away_is_measured_when_it_resumes(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    """Prepared, and killed before the measurement was kept: as a run without one."""
    migrate(database.dsn, PlanOptions(), RunOptions(cutover="manual"))
    assert stages(database) == []
    migrate(database.dsn, PlanOptions(), MEASURED)
    assert stages(database) == ["before", "after"]


def test_default_only_is_measured_too(database: TestDatabase, run: Run) -> None:
    run("migrate", "--yes", "--measure", "--strategy", "default-only")
    found = measurements(database)
    assert found["after"].probes[0].key_version == 7
    assert found["before"].probes[0].key_version == 4


def test_bench_index_prints_and_during_a_migration_keeps(database: TestDatabase, run: Run) -> None:
    alone = json.loads(run("bench", "index", "--json").stdout)
    assert alone["measurement"]["stage"] == "now"
    run("migrate", "--yes", "--cutover", "manual")
    kept = run("bench", "index")
    assert "Insert probe" in kept.stdout
    assert "kept in the journal" in kept.stderr
    assert stages(database) == ["before"]
    run("bench", "index", "--table", "public.few")
    assert measurements(database)["before"].probes[0].table == ODD
    run("cutover", "--yes")
    run("bench", "index", "--quiet")
    assert stages(database) == ["before", "after"]
