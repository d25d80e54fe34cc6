"""The ways to new keys that are compared, each as it is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import psycopg

from benchmarks.migration import cascade, keyset
from benchmarks.migration.client import run_command
from benchmarks.migration.scripts import Connection, read_sql, run_script
from benchmarks.migration.stopwatch import Stopwatch

IDENTITY_SCHEMA = "identity_copy"
FIRST_WITH_UUIDV7 = 180000


@dataclass(frozen=True, slots=True)
class Work:
    """What a method tells of its own run: seconds by step, in order; client memory in bytes, None
    for plain SQL, whose client holds one statement at a time."""

    steps: Mapping[str, float]
    memory_bytes: int | None = None


def _nothing(dsn: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Method:
    """A way to new keys. Only `run` is on the clock; `prepare` and `tidy` are not.

    `schema` is where the resulting tables are afterwards; `maps` says that they have new keys.
    """

    name: str
    title: str
    run: Callable[[str], Work]
    prepare: Callable[[str], None] = _nothing
    tidy: Callable[[str], None] = _nothing
    schema: str = "public"
    maps: bool = field(default=True)


def _copy_as_is(dsn: str) -> Work:
    """The floor: read and write each row once, build each index, validate the foreign key."""
    watch = Stopwatch()
    with _connect(dsn) as connection:
        connection.execute("SELECT set_config('search_path', %s, false)", [IDENTITY_SCHEMA])
        for step, script in (
            ("copy", "identity/copy"),
            ("indexes", "indexes"),
            ("foreign-key", "foreign_key"),
        ):
            with watch.step(step):
                run_script(connection, script)
    return Work(watch.steps)


def migrate(dsn: str, *, options: Sequence[str]) -> Work:
    """Run `uuidmig migrate` with these options; the steps are those of its journal."""
    done = run_command(dsn, "migrate", "--yes", *options)
    with _connect(dsn) as connection:
        steps: dict[str, float] = dict(connection.execute(read_sql("steps")).fetchall())
    # Start of the program, plan, prepare and report, as far as the journal has them not.
    steps["rest"] = round(done.seconds - sum(steps.values()), 3)
    return Work(steps, done.memory_bytes)


def finish(dsn: str) -> None:
    """Run `uuidmig finish`, so that the live tables are the only ones."""
    run_command(dsn, "finish", "--yes")


def _script(dsn: str, *, run: Callable[[Connection, Stopwatch], None]) -> Work:
    watch = Stopwatch()
    with _connect(dsn) as connection:
        if connection.info.server_version < FIRST_WITH_UUIDV7:
            with watch.step("function"):
                run_script(connection, "uuidv7")
        run(connection, watch)
    return Work(watch.steps)


def _connect(dsn: str) -> Connection:
    return psycopg.connect(dsn, autocommit=True)


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method(
            "identity",
            "copy as it is (CTAS, keys, indexes, foreign key)",
            _copy_as_is,
            schema=IDENTITY_SCHEMA,
            maps=False,
        ),
        Method(
            "migrate_1",
            "uuidmig migrate, 1 worker",
            partial(migrate, options=("--workers", "1")),
            tidy=finish,
        ),
        Method(
            "migrate_2",
            "uuidmig migrate, 2 workers",
            partial(migrate, options=("--workers", "2")),
            tidy=finish,
        ),
        Method(
            "cascade",
            "one UPDATE with ON UPDATE CASCADE",
            partial(_script, run=cascade.run),
        ),
        Method(
            "keyset",
            "keyset batches over shadow columns",
            partial(_script, run=keyset.run),
        ),
    )
}
