"""Which key domains are migrated: by `--table`, by `--schema`, else all with uuid4 primary keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import product

from uuidmig.catalog.model import Catalog, KeyCounts, RelationName, Table
from uuidmig.errors import ConfigurationError, NothingToMigrate
from uuidmig.planner.domains import KeyGraph, primary_uuid_columns, read_graph
from uuidmig.planner.generators import find_generator
from uuidmig.planner.model import ColumnName, PlanOptions


def candidate_roots(catalog: Catalog, options: PlanOptions) -> tuple[ColumnName, ...]:
    """Return the root columns that `options` select, sorted: their keys are to be counted.

    Raises ConfigurationError for a table or schema that does not exist or has no uuid key.
    """
    return select_roots(catalog, read_graph(catalog), options)


def select_roots(catalog: Catalog, graph: KeyGraph, options: PlanOptions) -> tuple[ColumnName, ...]:
    """Return the roots of all selected uuid primary key columns, whatever their versions."""
    tables = _named_tables(catalog, options) if options.tables else catalog.tables
    columns = (
        ColumnName(table.name, column.name)
        for table in tables
        for column in primary_uuid_columns(table)
    )
    roots = {root for column in columns for root in graph.roots[column]}
    if options.schemas:
        _check_schemas(catalog, options.schemas)
        roots = {root for root in roots if root.table.schema in options.schemas}
    return tuple(sorted(roots))


def choose_roots(
    catalog: Catalog,
    roots: Sequence[ColumnName],
    counts: Mapping[ColumnName, KeyCounts],
    options: PlanOptions,
) -> tuple[ColumnName, ...]:
    """Return those of `roots` that have keys to map, or will have; NothingToMigrate when none."""
    chosen = tuple(root for root in roots if _has_work(catalog, root, counts.get(root), options))
    if not chosen:
        raise NothingToMigrate(_nothing(roots, options))
    return chosen


def _has_work(
    catalog: Catalog, root: ColumnName, counts: KeyCounts | None, options: PlanOptions
) -> bool:
    if counts is not None and counts.total:
        return counts.v4 > 0 or (options.non_v4 == "convert" and counts.other > 0)
    table = catalog.table(root.table)
    if counts is None and table.row_security_active:
        return True  # the keys are hidden from us: that is refused, not passed over
    column = table.column(root.column)
    return find_generator(column, catalog.server.version).kind in ("server", "application")


def _nothing(roots: Sequence[ColumnName], options: PlanOptions) -> str | None:
    if not roots and not options.tables and not options.schemas:
        return None
    where = ", ".join(options.tables + options.schemas) or "the database"
    return (
        f"nothing to migrate in {where}: no primary key there is, or references, a version 4 key "
        "(uuidmig inspect shows the versions of all keys)"
    )


def _named_tables(catalog: Catalog, options: PlanOptions) -> tuple[Table, ...]:
    named = tuple(find_table(catalog, text, options.schemas) for text in options.tables)
    for table in named:
        if not primary_uuid_columns(table):
            raise ConfigurationError(f"table {table.name} has no primary key column of type uuid")
    return named


def find_table(catalog: Catalog, text: str, schemas: Sequence[str] = ()) -> Table:
    """Return the table that `text` names: table or schema.table, with SQL quotes or without.

    `schemas` narrow a name without schema. Raises ConfigurationError for none and for several.
    """
    for wanted in (text, text.lower()):  # as written first, then as SQL folds it
        found = [table for table in catalog.tables if wanted in _spellings(table.name)]
        narrowed = [table for table in found if table.name.schema in schemas] or found
        if len(narrowed) == 1:
            return narrowed[0]
        if narrowed:
            names = ", ".join(sorted(str(table.name) for table in narrowed))
            raise ConfigurationError(f'table "{text}" is ambiguous: say which one of {names}')
    raise ConfigurationError(f'table "{text}" does not exist{_hint(catalog, text)}')


def find_column(catalog: Catalog, text: str) -> ColumnName:
    """Return the column that `text` names: [schema.]table.column, with SQL quotes or without.

    Raises ConfigurationError for none and for several.
    """
    for wanted in (text, text.lower()):
        found = [
            ColumnName(table.name, column.name)
            for table in catalog.tables
            for column in table.columns
            if wanted in _column_spellings(table.name, column.name)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(sorted(map(str, found)))
            raise ConfigurationError(f'column "{text}" is ambiguous: say which one of {names}')
    raise ConfigurationError(f'column "{text}" does not exist (name it schema.table.column)')


def _column_spellings(table: RelationName, column: str) -> set[str]:
    return {f"{left}.{right}" for left, right in product(_spellings(table), _quoted_or_not(column))}


def _spellings(name: RelationName) -> set[str]:
    schemas, names = (_quoted_or_not(part) for part in (name.schema, name.name))
    return {*names, *(f"{schema}.{table}" for schema, table in product(schemas, names))}


def _quoted_or_not(name: str) -> tuple[str, str]:
    doubled = name.replace('"', '""')
    return name, f'"{doubled}"'


def _hint(catalog: Catalog, text: str) -> str:
    by_spelling = {
        spelling.lower(): str(table.name)
        for table in catalog.tables
        for spelling in (table.name.name, str(table.name))
    }
    close = get_close_matches(text.lower(), by_spelling, n=4)
    names = dict.fromkeys(by_spelling[spelling] for spelling in close)
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _check_schemas(catalog: Catalog, schemas: Sequence[str]) -> None:
    existing = sorted({table.name.schema for table in catalog.tables})
    for schema in schemas:
        if schema not in existing:
            close = get_close_matches(schema, existing, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise ConfigurationError(f'schema "{schema}" does not exist or has no table{hint}')
