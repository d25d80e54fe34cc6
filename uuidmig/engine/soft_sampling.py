"""Samples every column that may hold keys without a foreign key. Reads only, within bounds."""

from __future__ import annotations

import time
from collections.abc import Iterator

from psycopg import errors

from uuidmig.catalog.model import Catalog, Column, Table
from uuidmig.catalog.read import read_catalog
from uuidmig.catalog.samples import Limits, bounded, find_existing, sample_column
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.unforced import seeing_all_rows, with_hidden_rows_found
from uuidmig.planner.domains import KeyGraph, read_graph
from uuidmig.planner.model import ColumnName, Plan
from uuidmig.planner.soft_hits import (
    SampledColumn,
    SoftReport,
    find_neighbours,
    find_occurrences,
    form_of,
    judge,
)

# Every plan looks a little; all together as long as one is willing to wait for a plan.
QUICK = Limits(rows=200, seconds=0.5)
QUICK_SECONDS = 10.0
THOROUGH = Limits(rows=10_000, seconds=20)

_UNREADABLE = (
    errors.QueryCanceled,
    errors.LockNotAvailable,
    errors.InsufficientPrivilege,
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.DataError,
    RecursionError,  # a document nested deeper than Python's stack
)


def sample_soft_references(dsn: str, plan: Plan) -> SoftReport:
    """Return what a thorough sample of every column without a foreign key says."""
    with connect(dsn, "plan") as connection:
        catalog = with_hidden_rows_found(connection, read_catalog(connection))
        return sample_columns(connection, catalog, plan, THOROUGH)


def sample_columns(
    connection: Connection,
    catalog: Catalog,
    plan: Plan,
    limits: Limits,
    seconds: float | None = None,
) -> SoftReport:
    """Return what samples of all columns without a foreign key say; none begins after `seconds`."""
    graph = read_graph(catalog)
    end = None if seconds is None else time.monotonic() + seconds
    todo = list(_candidates(catalog, graph))
    found: list[SampledColumn] = []
    for table, column, form in todo:
        if end is not None and time.monotonic() > end:
            break
        found.append(_sample(connection, graph, plan, table, column, form, limits))
    return SoftReport(tuple(found), left_out=len(todo) - len(found))


def _candidates(catalog: Catalog, graph: KeyGraph) -> Iterator[tuple[Table, Column, str]]:
    for table in catalog.tables:
        if table.kind not in ("r", "p"):
            continue
        for column in table.columns:
            form = form_of(column.base_type)
            if form is not None and not _makes_or_follows_keys(graph, table, column):
                yield table, column, form


def _makes_or_follows_keys(graph: KeyGraph, table: Table, column: Column) -> bool:
    """A key column that the server fills holds no keys of others, a foreign key is no secret."""
    name = ColumnName(table.name, column.name)
    return bool(graph.edges.get(name)) or (name in graph.roots and column.default is not None)


def _sample(
    connection: Connection,
    graph: KeyGraph,
    plan: Plan,
    table: Table,
    column: Column,
    form: str,
    limits: Limits,
) -> SampledColumn:
    name = ColumnName(table.name, column.name)
    neighbours = find_neighbours(table, column.name)
    roots = [d.root for d in plan.domains if d.root not in graph.roots.get(name, ())]
    try:
        with bounded(connection, limits.seconds), seeing_all_rows(connection):
            sample = sample_column(connection, table, column, form, neighbours, limits)
            occurrences = find_occurrences(form, sample.rows)
            values = list({occurrence.value for occurrence in occurrences})
            keys = [(root.table, root.column) for root in roots]
            places = find_existing(connection, keys, values) if values and keys else {}
    except _UNREADABLE as error:
        reason = str(error).strip().splitlines()[0]
        return SampledColumn(name, column.type, form, "nothing", problem=reason)
    existing = {root: places.get(place, set()) for place, root in enumerate(roots)}
    return SampledColumn(
        column=name,
        type=column.type,
        form=form,
        sampled=sample.extent,
        rows=len(sample.rows),
        values=len(occurrences),
        findings=judge(occurrences, existing, neighbours),
    )
