"""References that no foreign key declares, but the user does: found in the catalog, and judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from uuidmig.catalog.model import Catalog, Column, RelationName, Table
from uuidmig.errors import ConfigurationError
from uuidmig.planner.closure import find_identity
from uuidmig.planner.domains import KeyGraph
from uuidmig.planner.json_path import read_path, write_path
from uuidmig.planner.model import (
    ClosureTable,
    ColumnName,
    Discriminator,
    Hazard,
    KeyDomain,
    Plan,
    PlanOptions,
    Reference,
)
from uuidmig.planner.selection import find_column

# Types that can hold keys; of a json type only the path says where they are.
JSON_TYPES = ("json", "jsonb")
TEXT_TYPES = ("text", "varchar", "bpchar")
ARRAY_TYPES = ("_uuid", "_text", "_varchar")
HOLDING_TYPES = ("uuid", *TEXT_TYPES, *ARRAY_TYPES, *JSON_TYPES)

# To Reference.form.
_HANDLED_TYPES = {
    "uuid": "uuid",
    "text": "text",
    "varchar": "text",
    "_uuid": "uuid[]",
    "_text": "text[]",
    "_varchar": "text[]",
    "json": "json",
    "jsonb": "jsonb",
}

# Up to here a scan of the table at each replay is hardly felt, even by those who wait for the swap:
# a quarter of a second at most. To look into values takes longer, and a json has to be parsed.
_MEGABYTE = 1024 * 1024
_SCANNED_BYTES = {
    "uuid": 32 * _MEGABYTE,
    "text": 32 * _MEGABYTE,
    "uuid[]": 16 * _MEGABYTE,
    "text[]": 16 * _MEGABYTE,
    "jsonb": 16 * _MEGABYTE,
    "json": 8 * _MEGABYTE,
}


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared soft reference whose names exist. `root` is where the target's keys come from."""

    column: ColumnName
    target: ColumnName
    root: ColumnName
    when: Discriminator | None
    path: str | None


def read_declared(catalog: Catalog, graph: KeyGraph, options: PlanOptions) -> tuple[Declared, ...]:
    """Return the soft references of the options.

    ConfigurationError for a column that does not exist, cannot hold keys or has a foreign key, a
    target that is no key, and a path that does not fit the type.
    """
    declared = []
    for entry in options.soft_references:
        column = find_column(catalog, entry.column)
        target = find_column(catalog, entry.references)
        table = catalog.table(column.table)
        if target not in graph.roots:
            raise ConfigurationError(
                f"soft reference {column}: {target} is no key column (a uuid column of a primary "
                "key, or one that a foreign key references)"
            )
        for key in table.foreign_keys:
            if column.column in key.columns:
                raise ConfigurationError(
                    f"soft reference {column}: the column has a foreign key ({key.name})"
                )
        _check_type(column, table.column(column.column), entry.path)
        path = _normal_path(column, entry.path)
        _check_discriminator(table, column, entry.when)
        root = graph.roots[target][0]
        found = Declared(column, target, root, entry.when, path)
        if found in declared:
            raise ConfigurationError(f"soft reference {column} to {target} is declared twice")
        declared.append(found)
    return tuple(declared)


def _check_type(name: ColumnName, column: Column, path: str | None) -> None:
    if column.base_type not in HOLDING_TYPES:
        raise ConfigurationError(
            f"soft reference {name}: a column of type {column.type} cannot hold keys"
        )
    is_json = column.base_type in JSON_TYPES
    if is_json and path is None:
        raise ConfigurationError(
            f"soft reference {name}: a path must say where in the {column.type} the keys are"
        )
    if not is_json and path is not None:
        raise ConfigurationError(
            f"soft reference {name}: only a json column has a path, this one is {column.type}"
        )


def _normal_path(name: ColumnName, path: str | None) -> str | None:
    try:
        return None if path is None else write_path(read_path(path))
    except ValueError:
        raise ConfigurationError(
            f"soft reference {name}: {path} is no path that can be followed; $ is the document, "
            '.name or ."any name" what an object has under that key, [*] all elements of an array'
        ) from None


def _check_discriminator(table: Table, name: ColumnName, when: Discriminator | None) -> None:
    if when is not None and when.column not in {column.name for column in table.columns}:
        raise ConfigurationError(
            f"soft reference {name}: {table.name} has no column {when.column} to tell its rows by"
        )


def usable_references(
    catalog: Catalog, graph: KeyGraph, domains: tuple[KeyDomain, ...], options: PlanOptions
) -> dict[RelationName, tuple[Reference, ...]]:
    """Return what is to be rewritten, by the table that holds it.

    Left out: targets that are not migrated, and what `find_soft_hazards` refuses.
    """
    found: dict[RelationName, tuple[Reference, ...]] = {}
    numbers = {domain.root: domain for domain in domains}
    for item in read_declared(catalog, graph, options):
        domain = numbers.get(item.root)
        if domain is None or any(_obstacles(catalog, graph, item, domain)):
            continue
        column = catalog.table(item.column.table).column(item.column.column)
        reference = Reference(
            column=column.name,
            domain=domain.number,
            foreign_key=None,
            parent=item.root.table,
            parent_column=item.root.column,
            when=item.when,
            form=_HANDLED_TYPES[column.base_type],
            path=item.path,
        )
        found[item.column.table] = (*found.get(item.column.table, ()), reference)
    return found


def find_soft_hazards(catalog: Catalog, graph: KeyGraph, plan: Plan) -> Iterator[Hazard]:
    """Yield what stands against declared soft references, and what they cost."""
    domains = {domain.root: domain for domain in plan.domains}
    for item in read_declared(catalog, graph, plan.options):
        domain = domains.get(item.root)
        if domain is None:
            yield Hazard(
                "note",
                "soft-reference-unused",
                str(item.column),
                f"the keys of {item.root} are not migrated: the values stay as they are",
                "nothing to do",
            )
        else:
            yield from _obstacles(catalog, graph, item, domain)
    for entry in plan.tables:
        forms = {r.column: r.form for r in entry.references if r.foreign_key is None}
        for column, form in forms.items():
            yield from _unindexed(entry, column, form)


def _obstacles(
    catalog: Catalog, graph: KeyGraph, item: Declared, domain: KeyDomain
) -> Iterator[Hazard]:
    table = catalog.table(item.column.table)
    column = table.column(item.column.column)

    def refusal(code: str, message: str, remedy: str) -> Hazard:
        return Hazard("refusal", code, str(item.column), message, remedy)

    if not _is_handled(column):
        yield refusal(
            "soft-reference-type",
            f"soft references in a column of type {column.type} are not handled: they are detected "
            "and reported only",
            "take it out of the configuration, and map the values with uuidmig_keys.current_key() "
            "between cutover and finish",
        )
    elif column.generated:
        yield refusal(
            "soft-reference-generated",
            "the column is generated: its values follow from others",
            "declare the column it is generated from",
        )
    elif column.name in find_identity(table) or _is_referenced(catalog, graph, item.column):
        yield refusal(
            "soft-reference-in-key",
            f"the column is a key itself, or tells the rows of {table.name} apart",
            "add the foreign key",
        )
    if not domain.root_unique:
        yield refusal(
            "soft-reference-to-shared-key",
            f"{item.root} is unique only together with other columns: a value does not tell which "
            "key is meant",
            "add the foreign key, with all columns of the key",
        )


def _is_handled(column: Column) -> bool:
    """A domain over a uuid or a text is as good as its base type: the server coerces a key to it on
    assignment. Domains over arrays and documents are left out, as nothing shows that all that is
    done to those does as well for a domain.
    """
    form = _HANDLED_TYPES.get(column.base_type)
    return form is not None and (column.type_kind == "b" or form in ("uuid", "text"))


def _is_referenced(catalog: Catalog, graph: KeyGraph, name: ColumnName) -> bool:
    return name in graph.roots or any(
        key.parent == name.table and name.column in key.parent_columns
        for table in catalog.tables
        for key in table.foreign_keys
    )


def is_indexed(table: Table, column: str, form: str) -> bool:
    """Return whether an index finds the rows that hold a certain key in the column."""
    if form in ("uuid", "text"):
        return table.has_btree_on((column,))
    return form != "json" and any(
        index.method == "gin" and index.valid and not index.partial and column in index.columns
        for index in table.indexes
    )


def _index_to_make(form: str) -> str:
    if form in ("uuid", "text"):
        return "CREATE INDEX CONCURRENTLY on it; it can be dropped after the cutover"
    if form == "json":
        return (
            "no index can help with json: make it jsonb with a GIN index, or take it out of the "
            "configuration and map the values yourself"
        )
    return (
        "CREATE INDEX CONCURRENTLY ... USING gin on it, WITH (fastupdate = off); it can be dropped "
        "after the cutover"
    )


def _unindexed(entry: ClosureTable, column: str, form: str) -> Iterator[Hazard]:
    if is_indexed(entry.table, column, form):
        return
    name = ColumnName(entry.name, column)
    plain = form in ("uuid", "text")
    needed = "no index begins with" if plain else "no GIN index has"
    message = (
        f"{needed} the column: whenever rows with keys it may hold were inserted or deleted, the "
        "whole table is read to find who references them, the last time while the tables are "
        "locked for the swap"
    )
    # What is not in the row itself is read too, to look into it.
    read = entry.table.heap_bytes + (0 if plain else entry.table.toast_bytes)
    if read > _SCANNED_BYTES[form]:
        yield Hazard(
            "refusal",
            "soft-reference-unindexed",
            str(name),
            message,
            _index_to_make(form),
        )
    else:
        yield Hazard(
            "warning",
            "soft-reference-scanned",
            str(name),
            message,
            "the table is small, so little is felt of it; an index on the column avoids it"
            if form != "json"
            else "the table is small, so little is felt of it",
        )
