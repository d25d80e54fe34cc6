"""Key maps: written from a migrated database, read, loaded elsewhere, looked up."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from pyarrow import parquet

from tests.cli_runner import Run, commands_on
from tests.servers import TestDatabase, TestServer, fresh_database
from uuidmig import migrate, rollback, uuid7
from uuidmig.engine.find_keys import KeyPair
from uuidmig.errors import NoJournal, WrongState
from uuidmig.keymap import binary_copy, compression, export
from uuidmig.keymap.export import export_map
from uuidmig.keymap.read import KeyMapUnreadable, find_in_map, read_map
from uuidmig.planner.model import PlanOptions

SCHEMA: LiteralString = """
CREATE SCHEMA "Weird, ""Schema";
CREATE TABLE "Weird, ""Schema"."Or,der" (
    "I d" uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL);
INSERT INTO "Weird, ""Schema"."Or,der" (created_at)
    SELECT '2024-01-01'::timestamptz + n * interval '1 hour' FROM generate_series(1, 700) AS n;
CREATE TABLE notes (id uuid PRIMARY KEY REFERENCES "Weird, ""Schema"."Or,der", note text);
INSERT INTO notes SELECT "I d", 'x' FROM "Weird, ""Schema"."Or,der";
CREATE TABLE events (id uuid, created_at timestamptz, PRIMARY KEY (id, created_at))
    PARTITION BY RANGE (created_at);
CREATE TABLE events_24 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events SELECT gen_random_uuid(), '2024-12-31'::timestamptz + n * interval '1 hour'
    FROM generate_series(1, 48) AS n;
ANALYZE;
"""
NEW_KEY = uuid7()
STREAMS = tuple(f"{kind}{packed}" for kind in (".csv", ".pgcopy") for packed in ("", ".gz", ".zst"))
SUFFIXES = (*STREAMS, ".parquet")


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        owner.execute("INSERT INTO events VALUES (%s, '2024-05-05')", [NEW_KEY])
        yield owner


@pytest.fixture
def migrated(database: TestDatabase, connection: psycopg.Connection[Any]) -> TestDatabase:
    migrate(database.dsn, PlanOptions())
    return database


def in_the_database(database: TestDatabase) -> set[KeyPair]:
    with database.connect() as owner:
        rows = owner.execute("SELECT table_name, old, new FROM uuidmig.id_map WHERE old <> new")
        return {KeyPair(*row) for row in rows}


def test_all_pairs_are_in_the_file(
    migrated: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PAGES", 1)  # many parts, each a frame of its own
    for suffix in SUFFIXES:
        path = tmp_path / f"map{suffix}"
        done = export_map(migrated.dsn, path, workers=3)

        pairs = list(read_map(path))
        assert len(pairs) == done.keys == 748
        assert set(pairs) == in_the_database(migrated)
        assert NEW_KEY not in {pair.old for pair in pairs}
        assert {pair.table for pair in pairs} == {'Weird, "Schema.Or,der', "public.events"}
        assert done.file_bytes == path.stat().st_size
    assert {entry.name for entry in tmp_path.iterdir()} == {f"map{suffix}" for suffix in SUFFIXES}


def test_without_zstd_it_is_gzip(
    migrated: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = commands_on(migrated.dsn, tmp_path, monkeypatch)
    monkeypatch.setattr(compression, "zstd", lambda: None)

    done = run("export-map", "-o", "map.csv.zst")

    assert "no zstd" in done.stderr
    assert "map.csv.gz: 748 keys" in done.stdout
    assert len(list(read_map(tmp_path / "map.csv.gz"))) == 748


def test_a_failed_export_leaves_the_file_that_was_there(
    migrated: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "map.csv"
    path.write_text("an older one")
    monkeypatch.setattr(export, "copy_key_pairs", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        export_map(migrated.dsn, path)

    assert path.read_text() == "an older one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["map.csv"]


def test_there_must_be_old_and_new_keys(
    database: TestDatabase, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    with pytest.raises(NoJournal):
        export_map(database.dsn, tmp_path / "map.csv")
    migrate(database.dsn, PlanOptions())
    rollback(database.dsn)
    with pytest.raises(WrongState):
        export_map(database.dsn, tmp_path / "map.csv")


NO_MAPS = (
    b"",
    b"id\n1\n",
    b"table,old,new\npublic.a,b\n",
    binary_copy.HEADER + b"\0\2" + b"\0\0\0\1a" * 2 + binary_copy.TRAILER,
    binary_copy.HEADER + b"\0\3" + b"\0\0\0\1a" * 3 + 40 * b" " + binary_copy.TRAILER,
    binary_copy.HEADER + binary_copy.TRAILER * 2,
)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("data", NO_MAPS)
def test_what_is_no_map(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"other{suffix}"
    path.write_bytes(compression.packed(path, data))

    with pytest.raises(KeyMapUnreadable):
        list(read_map(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_map(migrated: TestDatabase, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"map{suffix}"
    export_map(migrated.dsn, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])

    with pytest.raises(KeyMapUnreadable):
        list(read_map(path))


@pytest.mark.parametrize("suffix", [".pgcopy", ".pgcopy.gz", ".pgcopy.zst"])
def test_a_binary_map_that_ends_between_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"map{suffix}"
    path.write_bytes(compression.packed(path, binary_copy.HEADER))

    with pytest.raises(KeyMapUnreadable, match="a part of a file"):
        list(read_map(path))


@pytest.mark.parametrize("name", ["map", "map.txt", "map.csv.bz2", "map.zst", "map.parquet.zst"])
def test_a_name_that_tells_no_format(
    migrated: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run = commands_on(migrated.dsn, tmp_path, monkeypatch)
    assert name in run("export-map", "-o", name, code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_pyarrow(
    migrated: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = commands_on(migrated.dsn, tmp_path, monkeypatch)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    assert "uuidmig[parquet]" in run("export-map", "-o", "map.parquet", code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_the_server_reads_a_binary_map(migrated: TestDatabase, tmp_path: Path) -> None:
    path = tmp_path / "map.pgcopy"
    export_map(migrated.dsn, path)
    with migrated.connect() as owner:
        owner.execute("CREATE TEMP TABLE key_map (table_name text, old uuid, new uuid)")
        with owner.cursor().copy("COPY key_map FROM STDIN (FORMAT binary)") as copy:
            copy.write(path.read_bytes())
        rows = owner.execute("SELECT table_name, old, new FROM key_map")
        assert {KeyPair(*row) for row in rows} == in_the_database(migrated)


def test_parquet_has_columns_of_keys(migrated: TestDatabase, tmp_path: Path) -> None:
    path = tmp_path / "map.parquet"
    export_map(migrated.dsn, path)
    columns = [str(column) for column in parquet_columns(path)]
    assert len(columns) == 3
    assert "String" in columns[0]
    assert "UUID" in columns[1]
    assert "UUID" in columns[2]


def parquet_columns(path: Path) -> list[Any]:
    schema = parquet.ParquetFile(path).schema
    return [schema.column(number).logical_type for number in range(len(schema))]


@pytest.mark.parametrize("suffix", [".csv", ".pgcopy", ".parquet"])
def test_names_are_in_utf8_whatever_the_session_speaks(
    database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    with database.connect(autocommit=True) as owner:
        owner.execute("CREATE TABLE bücher (id uuid PRIMARY KEY DEFAULT gen_random_uuid())")
        owner.execute("INSERT INTO bücher DEFAULT VALUES")
    migrate(database.dsn, PlanOptions())
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    path = tmp_path / f"map{suffix}"
    export_map(database.dsn, path)

    assert [pair.table for pair in read_map(path)] == ["public.bücher"]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_plain_text_that_is_called_compressed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"map.csv{suffix}"
    path.write_bytes(b"table,old,new\n" * 20)

    with pytest.raises(KeyMapUnreadable):
        list(read_map(path))


@pytest.mark.parametrize("name", ["map.csv.zst", "map.pgcopy.zst", "map.parquet"])
def test_lookup_in_a_file(
    migrated: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run: Run = commands_on(migrated.dsn, tmp_path, monkeypatch)
    run("export-map", "-o", name)
    pair = next(iter(in_the_database(migrated)))
    run("finish", "--yes")

    for key in (pair.old, pair.new):
        (found,) = json.loads(run("lookup", "--map", name, "--json", str(key)).stdout)["keys"]
        assert (found["old"], found["new"]) == (str(pair.old), str(pair.new))
    run("lookup", "--map", name, str(NEW_KEY), code=1)
    assert find_in_map(tmp_path / name, [UUID(int=1)]) == ()


@pytest.mark.parametrize("name", ["map.csv.zst", "map.pgcopy.zst", "map.parquet"])
def test_import_into_another_database(
    migrated: TestDatabase,
    server: TestServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    export_map(migrated.dsn, tmp_path / name)
    with fresh_database(server) as warehouse:
        run = commands_on(warehouse.dsn, tmp_path, monkeypatch)
        loading = ("import-map", name, "--into", 'public."Key Map"')
        assert "748 keys" in run(*loading).stdout
        with warehouse.connect() as owner:
            rows = owner.execute('SELECT table_name, old, new FROM "Key Map"').fetchall()
        assert {KeyPair(*row) for row in rows} == in_the_database(migrated)
        assert "is there already" in run(*loading, code=2).stderr
        assert "no name" in run("import-map", name, "--into", "a b", code=2).stderr


@pytest.mark.parametrize("name", ["map.csv.zst", "map.pgcopy.zst", "map.parquet"])
def test_rewriting_a_file(
    migrated: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run = commands_on(migrated.dsn, tmp_path, monkeypatch)
    run("export-map", "-o", name)
    pair = next(iter(in_the_database(migrated)))
    Path("export.csv").write_text(f"order_id,n\n{pair.old},1\n")
    done = run("rewrite-file", "--map", name, "--column", "order_id", "export.csv")
    assert done.stdout == f"order_id,n\n{pair.new},1\n"
