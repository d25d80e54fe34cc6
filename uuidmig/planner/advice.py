"""Warnings and notes: what does not stop the migration but should be known before it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from uuidmig.catalog.model import Catalog, RelationName, Server, Table
from uuidmig.planner.domains import KeyGraph
from uuidmig.planner.listed_partitions import find_listed_advice
from uuidmig.planner.model import ClosureTable, ColumnName, Hazard, KeyDomain, Plan
from uuidmig.planner.partition_refusals import find_partition_advice
from uuidmig.planner.partitions import members
from uuidmig.planner.rerouting_refusals import find_rerouting_advice
from uuidmig.planner.timestamps import changes_later

NEWEST_SERVER = 189999


def find_advice(catalog: Catalog, graph: KeyGraph, plan: Plan) -> Iterator[Hazard]:
    """Yield every warning and note of a plan."""
    yield from server_advice(plan.server)
    for domain in plan.domains:
        yield from generator_advice(domain)
        yield from _domain_default(domain, plan)
        yield from _time(domain)
        yield from _shared(domain)
    for entry in plan.tables:
        for member in members(entry):
            yield from _expressions(member)
            yield from _constant_references(member)
        yield from find_partition_advice(entry)
        yield from find_rerouting_advice(entry)
        yield from find_listed_advice(entry, plan)
        yield from _density(entry)
        yield from _unchecked(entry)
        yield from _statistics(entry.table)
    yield from _unlinked(catalog, graph, plan)
    yield from _always(plan)


def _warning(code: str, name: object, message: str, remedy: str) -> Hazard:
    return Hazard("warning", code, str(name), message, remedy)


def _note(code: str, name: object, message: str, remedy: str) -> Hazard:
    return Hazard("note", code, str(name), message, remedy)


def server_advice(server: Server) -> Iterator[Hazard]:
    """Yield what to know about the server."""
    if server.version > NEWEST_SERVER:
        yield _warning(
            "server-untested",
            server.database,
            f"PostgreSQL {server.version // 10000} is newer than uuidmig was tested with (18)",
            "try it on a copy first",
        )


def generator_advice(domain: KeyDomain) -> Iterator[Hazard]:
    """Yield what to know about a key that no default of ours will make."""
    if domain.generator.kind == "application":
        yield _warning(
            "application-keys",
            domain.root,
            "no server default: the application makes these keys and will go on with version 4",
            "make the application generate version 7, or give the column a default; uuidmig "
            "inspect shows whether version 4 keys still arrive",
        )
    if domain.generator.kind == "other":
        yield _warning(
            "unknown-generator",
            domain.root,
            f"the default {domain.generator.expression} is not known and stays as it is",
            "make sure that it generates version 7 keys",
        )


def _domain_default(domain: KeyDomain, plan: Plan) -> Iterator[Hazard]:
    column = plan.table(domain.root.table).table.column(domain.root.column)
    if domain.generator.new_default is not None and column.default is None:
        yield _warning(
            "domain-default",
            domain.root,
            f"version 4 keys come from the default of its domain {column.type}, which stays as it "
            f"is; the column gets a default of its own: {domain.generator.new_default}",
            "ALTER DOMAIN ... SET DEFAULT once no table needs version 4 keys",
        )


def _time(domain: KeyDomain) -> Iterator[Hazard]:
    source = domain.timestamp
    if source.kind == "plan_time":
        yield _warning(
            "plan-time-order",
            domain.root,
            f"all keys get plan time: {source.reason}. The order among present rows is then "
            "arbitrary; every one of them still sorts before every new row",
            "name a timestamp column with --timestamp if there is one",
        )
    if source.time_zone is not None:
        yield _warning(
            "timestamp-without-zone",
            ColumnName(domain.root.table, str(source.column)),
            f"{source.column_type} is read as {source.time_zone}",
            "declare another zone with --time-zone if it was written in one",
        )
    if source.column is not None and source.kind == "column" and changes_later(source.column):
        yield _warning(
            "changing-timestamp",
            ColumnName(domain.root.table, source.column),
            "by its name the column is not the time a row was made, and may change",
            "choose a creation time if there is one",
        )


def _shared(domain: KeyDomain) -> Iterator[Hazard]:
    if domain.root_unique:
        return
    timed = domain.timestamp.kind != "plan_time"
    message = (
        "rows that share a key value get different keys unless they share their timestamp too"
        if timed
        else "rows that share a key value still share one afterwards"
    )
    yield _warning(
        "key-not-unique",
        domain.root,
        f"the key column is unique only together with other columns: {message}",
        "if the values come from elsewhere (a tenant, another database), leave the table out or "
        "add the foreign key they follow",
    )


def _expressions(entry: ClosureTable) -> Iterator[Hazard]:
    name, keys = entry.name, key_columns(entry)
    for check in entry.table.checks:
        if check.definition.startswith("CHECK") and any(
            count_uses(check.definition, key) for key in keys
        ):
            yield _expression("check", name, check.name, check.definition)
    for policy in entry.table.policies:
        text = f"{policy.using or ''} {policy.check or ''}"
        if any(count_uses(text, key) for key in keys):
            yield _expression("policy", name, policy.name, text.strip())
    for index in entry.table.indexes:
        # More often than as plain columns: in an expression or in the predicate.
        text = index.definition.split(" USING ", 1)[-1]
        plain = (*index.columns, *index.included)
        if any(count_uses(text, key) > plain.count(key) for key in keys):
            yield _expression("index", name, index.name, index.definition)
    for column in entry.table.columns:
        if any(count_uses(column.generation_expression or "", key) for key in keys):
            yield _note(
                "generated-from-key",
                ColumnName(name, column.name),
                f"the generated column is computed afresh from the new keys: "
                f"{column.generation_expression}",
                "nothing to do, unless its values are remembered elsewhere",
            )


def _expression(kind: str, table: RelationName, name: str, definition: str) -> Hazard:
    return _warning(
        f"key-in-{kind}",
        f"{table}.{name}",
        f"its expression uses a key column and will see version 7 keys: {definition}",
        "make sure that it says the same for the new keys",
    )


def count_uses(expression: str, column: str) -> int:
    """Return how often an expression uses the value of a column, more than whether it is NULL.

    Told by the name alone: a function or a string of that name counts too.
    """
    doubled = re.escape(column.replace('"', '""'))
    name = rf'(?:(?<![\w$"]){re.escape(column)}(?![\w$"])|"{doubled}")'
    return len(re.findall(name + r"(?! IS (?:NOT )?NULL)", expression))


def key_columns(entry: ClosureTable) -> tuple[str, ...]:
    """Return the columns of a closure table whose values change."""
    return (*(c for c, _ in entry.roots), *(r.column for r in entry.references))


def _constant_references(entry: ClosureTable) -> Iterator[Hazard]:
    """A default such as the key of "unknown customer" is an old key, and stays one."""
    for reference in entry.references:
        default = entry.table.column(reference.column).default
        if default is not None and not default.startswith("NULL"):
            yield _warning(
                "reference-default",
                ColumnName(entry.name, reference.column),
                f"its default {default} is not rewritten; as an old key it works until finish only",
                "after the cutover, set the default to uuidmig_keys.current_key(old key)",
            )


def _density(entry: ClosureTable) -> Iterator[Hazard]:
    index, keys = entry.table.primary_key, key_columns(entry)
    if index is None or not index.columns or index.columns[0] in keys:
        return
    if any(column in keys for column in index.columns):
        yield _note(
            "key-not-leading",
            RelationName(entry.name.schema, index.name),
            f"the primary key starts with {index.columns[0]}, so new rows still land all over the "
            "index, in order only within one value of it",
            "nothing to do; expect less than for a single-column key",
        )


def _unchecked(entry: ClosureTable) -> Iterator[Hazard]:
    keys = {key.name: key for key in entry.table.foreign_keys}
    for reference in entry.references:
        if reference.foreign_key is None:
            continue
        key = keys[reference.foreign_key]
        others = [column for column in key.columns if column != reference.column]
        nullable = [column for column in others if not entry.table.column(column).not_null]
        if key.match == "s" and nullable:
            yield _warning(
                "unchecked-reference",
                f"{entry.name}.{key.name}",
                f"rows where {' or '.join(nullable)} is NULL are not checked by this foreign key, "
                "their keys may exist nowhere",
                "MATCH FULL or NOT NULL rules that out",
            )


def _statistics(table: Table) -> Iterator[Hazard]:
    if table.rows < 0 and table.heap_bytes:
        yield _note(
            "never-analyzed",
            table.name,
            "no statistics: the forecast guesses the rows from the size",
            "ANALYZE the table",
        )


def _unlinked(catalog: Catalog, graph: KeyGraph, plan: Plan) -> Iterator[Hazard]:
    """Columns that look like references and follow nothing: they will keep their old values."""
    declared = {
        ColumnName(entry.name, reference.column)
        for entry in plan.tables
        for reference in entry.references
    }
    for table in catalog.tables:
        loose = [
            column.name
            for column in table.columns
            if column.base_type in ("uuid", "_uuid")
            and column.default is None
            and ColumnName(table.name, column.name) not in graph.roots
            and ColumnName(table.name, column.name) not in declared
        ]
        if loose:
            yield _warning(
                "uuid-without-foreign-key",
                table.name,
                f"{', '.join(loose)}: without a foreign key the values stay as they are, even if "
                "they are keys of migrated tables",
                "add the foreign key, declare a soft reference in the configuration, or map them "
                "with uuidmig lookup before finish",
            )


def _always(plan: Plan) -> Iterator[Hazard]:
    name = plan.server.database
    yield _note(
        "creation-time-visible",
        name,
        "a version 7 key shows when its row was made, to everybody who sees the key",
        "leave tables out whose ids strangers see and whose age is a secret",
    )
    yield _note(
        "remembered-keys",
        name,
        "a SELECT, UPDATE or DELETE by a key remembered from before the cutover finds no row"
        + (" (references are translated until finish)" if plan.options.grace else ""),
        "restart sessions and caches at the cutover; uuidmig_keys.current_key(old) gives the new",
    )
    yield _note(
        "default-only",
        name,
        "the other way is to change nothing but the DEFAULT: instant, but new keys then land in the"
        " middle of the old ones, and their index pages stay about half full for good",
        "`--strategy default-only` does that; the rewrite puts all old keys before all new ones",
    )
