"""The whole run: load a table for each kind, then all kinds in turn, round after round.

Ratios are taken within a round, where all kinds ran close in time, in an order that changes: what
else happens on the machine may slow down a server threefold between two rounds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from psycopg import sql

from uuidmig.bench.inserts.environment import Surroundings, read_surroundings
from uuidmig.bench.inserts.generators import measure_generators
from uuidmig.bench.inserts.kinds import Kind, helper_objects
from uuidmig.bench.inserts.pages import PageHealth, find_functions, read_pages
from uuidmig.bench.inserts.place import Place
from uuidmig.bench.inserts.preload import load_table
from uuidmig.bench.inserts.spec import Spec
from uuidmig.bench.inserts.tables import Names, create_pool
from uuidmig.bench.inserts.turn import Bench, Turn, run_turn
from uuidmig.engine.connection import Connection, connect
from uuidmig.executors import choose_pool
from uuidmig.report.units import count

Say = Callable[[str], None]

_LOADERS = 2  # tables are loaded at the same time, so many
_CAN_CHECKPOINT = (
    "SELECT rolsuper OR (to_regrole('pg_checkpoint') IS NOT NULL"
    " AND pg_has_role('pg_checkpoint', 'USAGE')) FROM pg_roles WHERE rolname = current_user"
)


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All that a run found. `loaded_rows` are those of each table before the first round,
    `loaded_bytes` and `loaded_pages` of the primary key's index then, by kind."""

    spec: Spec
    surroundings: Surroundings
    loaded_rows: int
    loaded_bytes: dict[str, int]
    loaded_pages: dict[str, PageHealth]
    generators: dict[str, dict[str, float | None]]
    turns: tuple[Turn, ...]
    checkpoints: bool


def run_bench(place: Place, spec: Spec, say: Say) -> BenchReport:
    """Load and measure in the schema of `place`; `say` is told how far it is."""
    names = Names(place.schema)
    with connect(place.dsn, "bench") as connection:
        surroundings = read_surroundings(connection, place)
        rows = spec.preload.count(surroundings.shared_buffers)
        _prepare(connection, names, spec)
        bench = Bench(
            dsn=place.dsn,
            connection=connection,
            names=names,
            spec=spec,
            functions=find_functions(connection),
            checkpoints=_can_checkpoint(connection),
            rows=rows,
        )
        generators = measure_generators(connection, names, spec.kinds)
        _load(bench, surroundings.shared_buffers, say)
        pages = {kind.name: _pages(bench, kind) for kind in spec.kinds}
        if bench.checkpoints:
            connection.execute("CHECKPOINT")  # what is still to be written cannot be given up
        place.limit_memory()
        return BenchReport(
            spec=spec,
            surroundings=surroundings,
            loaded_rows=rows,
            loaded_bytes=dict(bench.loaded),
            loaded_pages=pages,
            generators=generators,
            turns=tuple(_turns(bench, say)),
            checkpoints=bench.checkpoints,
        )


def _prepare(connection: Connection, names: Names, spec: Spec) -> None:
    for statement in helper_objects(names.schema, connection.info.server_version):
        connection.execute(statement)
    connection.execute(create_pool(names, spec.shape))
    connection.execute(sql.SQL("ANALYZE {}").format(names.pool))


def _can_checkpoint(connection: Connection) -> bool:
    row = connection.execute(_CAN_CHECKPOINT).fetchone()
    return bool(row and row[0])


def _load(bench: Bench, shared_buffers: int, say: Say) -> None:
    say(f"loading {count(bench.rows)} rows into each of {len(bench.spec.kinds)} tables")
    stop = threading.Event()
    with choose_pool("io", _LOADERS).open("load") as pool:
        jobs = [
            pool.submit(_load_one, bench, kind, shared_buffers, say, stop)
            for kind in bench.spec.kinds
        ]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            stop.set()
            raise
    for kind in bench.spec.kinds:
        bench.loaded[kind.name] = _index_bytes(bench, kind)


def _load_one(
    bench: Bench, kind: Kind, shared_buffers: int, say: Say, stop: threading.Event
) -> None:
    with connect(bench.dsn, "bench load") as connection:
        connection.execute("SET work_mem = '64MB'")
        load_table(connection, bench.names, bench.spec, kind, bench.rows, shared_buffers, stop)
    say(f"{kind.name:6} loaded")


def _index_bytes(bench: Bench, kind: Kind) -> int:
    index = bench.names.primary_key(kind).as_string()
    row = bench.connection.execute("SELECT pg_relation_size(%s)", [index]).fetchone()
    return int(row[0]) if row else 0


def _pages(bench: Bench, kind: Kind) -> PageHealth:
    index = bench.names.primary_key(kind)
    return read_pages(bench.connection, bench.functions, index, None)


def _turns(bench: Bench, say: Say) -> Iterator[Turn]:
    for round in range(1, bench.spec.rounds + 1):
        for position, kind in enumerate(order_of(bench.spec.kinds, bench.spec.seed, round), 1):
            turn = run_turn(bench, kind, round, position)
            say(
                f"round {round}  {kind.name:6}  {count(turn.rows_per_second):>9} rows/s"
                f"  {turn.wal_per_row:6.0f} bytes of WAL a row"
            )
            yield turn


def order_of(kinds: Sequence[Kind], seed: int, round: int) -> list[Kind]:
    """Return the kinds in the order in which they run in a round."""
    shuffled = list(kinds)
    Random(f"{seed}/{round}").shuffle(shuffled)
    return shuffled
