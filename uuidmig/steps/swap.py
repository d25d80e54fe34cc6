"""The swap: two SET SCHEMA a table, and what has to move along with it.

Index, constraint and sequence names live in a schema, so nothing is renamed; all of it is
catalogue-only. The same code runs forth (cutover) and back (rollback), with the roles exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.model import Column, ExtendedStatistics, RelationName, Sequence, Trigger
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import all_members
from uuidmig.steps.model import Statement
from uuidmig.steps.names import other_owners, retired_schemas
from uuidmig.steps.privileges import revoke_on_schema
from uuidmig.steps.shadow import check_statements, shadow_sequence, shadow_statistics
from uuidmig.steps.verbatim import verbatim


def create_retired_schemas(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that create the schemas for retired tables, for their owners too."""
    parts: list[sql.Composable] = []
    for schema in retired_schemas(plan):
        name = sql.Identifier(schema)
        parts.append(sql.SQL("CREATE SCHEMA {}").format(name))
        parts.append(sql.SQL("COMMENT ON SCHEMA {} IS 'uuidmig'").format(name))
        parts.append(revoke_on_schema(schema))
        parts += [
            sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(name, sql.Identifier(owner))
            for owner in other_owners(plan)
        ]
    return tuple(Statement(part) for part in parts)


def drop_retired_schemas(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that drop the emptied schemas; RESTRICT guards what is not empty."""
    return tuple(
        Statement(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(schema)))
        for schema in retired_schemas(plan)
    )


def swap_in_shadows(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that retire the sources and put the shadows in their place."""
    return tuple(Statement(part) for table in all_members(plan) for part in _forth(table))


def swap_out_shadows(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that put the sources back and the new tables where they came from."""
    return tuple(Statement(part) for table in all_members(plan) for part in _back(table))


def _forth(table: ClosureTable) -> Iterator[sql.Composable]:
    live, sequences = table.name, _owned(table, "serial")
    for _, sequence in _owned(table, "identity"):
        # The new table's counter goes on where the old one stands; under the lock nobody draws.
        yield _copy_counter(sequence.relation, shadow_sequence(table, sequence))
    for _, sequence in sequences:
        yield _owned_by_none(sequence)
    yield _set_schema("TABLE", live, table.retired.schema)
    yield _set_schema("TABLE", table.shadow, live.schema)
    for column, sequence in sequences:
        yield _owned_by(sequence, live, column)
    for statistics in table.table.statistics:
        yield from _exchange(table, statistics, table.retired.schema, table.shadow.schema)


def _back(table: ClosureTable) -> Iterator[sql.Composable]:
    live, sequences = table.name, _owned(table, "serial")
    for _, sequence in _owned(table, "identity"):
        retired = RelationName(table.retired.schema, sequence.relation.name)
        yield _copy_counter(sequence.relation, retired)
    for _, sequence in sequences:
        yield _owned_by_none(sequence)
    yield _set_schema("TABLE", live, table.shadow.schema)
    yield _set_schema("TABLE", table.retired, live.schema)
    for column, sequence in sequences:
        yield _owned_by(sequence, live, column)
    for statistics in table.table.statistics:
        yield from _exchange(table, statistics, table.shadow.schema, table.retired.schema)


def _owned(table: ClosureTable, kind: str) -> list[tuple[Column, Sequence]]:
    return [
        (column, column.sequence)
        for column in table.table.columns
        if column.sequence is not None and column.sequence.kind == kind
    ]


def _set_schema(kind: LiteralString, name: RelationName, schema: str) -> sql.Composed:
    return sql.SQL("ALTER {} {} SET SCHEMA {}").format(
        sql.SQL(kind), name.identifier, sql.Identifier(schema)
    )


def _exchange(
    table: ClosureTable, statistics: ExtendedStatistics, to_schema: str, from_schema: str
) -> Iterator[sql.Composable]:
    """Put the live statistics away in one schema and take those of the other in their place."""
    live = statistics.relation
    put_away = shadow_statistics(table, statistics).name
    away = RelationName(live.schema, put_away)
    yield _rename_statistics(live, put_away)
    yield _set_schema("STATISTICS", away, to_schema)
    yield _set_schema("STATISTICS", RelationName(from_schema, put_away), live.schema)
    yield _rename_statistics(away, live.name)


def _rename_statistics(name: RelationName, new: str) -> sql.Composed:
    return sql.SQL("ALTER STATISTICS {} RENAME TO {}").format(name.identifier, sql.Identifier(new))


def _owned_by_none(sequence: Sequence) -> sql.Composed:
    """An owned sequence would follow its table into the other schema."""
    return sql.SQL("ALTER SEQUENCE {} OWNED BY NONE").format(sequence.relation.identifier)


def _owned_by(sequence: Sequence, table: RelationName, column: Column) -> sql.Composed:
    return sql.SQL("ALTER SEQUENCE {} OWNED BY {}").format(
        sequence.relation.identifier, sql.Identifier(table.schema, table.name, column.name)
    )


def _copy_counter(source: RelationName, target: RelationName) -> sql.Composed:
    return sql.SQL("SELECT setval({}::regclass, last_value, is_called) FROM {}").format(
        sql.Literal(target.identifier.as_string(None)), source.identifier
    )


def add_triggers(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that put the user triggers on the live tables, enabled as they were."""
    parts: list[sql.Composable] = []
    for table in all_members(plan):
        for trigger in table.table.triggers:
            parts.append(verbatim(trigger.definition))
            parts += _state(table.name, trigger)
            if trigger.comment is not None:
                parts.append(
                    sql.SQL("COMMENT ON TRIGGER {} ON {} IS {}").format(
                        sql.Identifier(trigger.name),
                        table.name.identifier,
                        sql.Literal(trigger.comment),
                    )
                )
    return tuple(Statement(part) for part in parts)


def drop_triggers(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that drop the user triggers of the live tables."""
    return tuple(
        Statement(
            sql.SQL("DROP TRIGGER {} ON {}").format(
                sql.Identifier(trigger.name), table.name.identifier
            )
        )
        for table in all_members(plan)
        for trigger in table.table.triggers
    )


def disable_triggers(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that keep user triggers of the tables to retire from firing.

    A rollback replays rows into them that the application's triggers have seen already.
    """
    return tuple(
        Statement(
            sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(
                table.name.identifier, sql.Identifier(trigger.name)
            )
        )
        for table in all_members(plan)
        for trigger in table.table.triggers
        if trigger.enabled != "D"
    )


def restore_triggers(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that give the live tables' user triggers their state back."""
    return tuple(
        Statement(
            sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                table.name.identifier,
                sql.SQL(_ENABLE[trigger.enabled]),
                sql.Identifier(trigger.name),
            )
        )
        for table in all_members(plan)
        for trigger in table.table.triggers
        if trigger.enabled != "D"
    )


_ENABLE: dict[str, LiteralString] = {
    "O": "ENABLE",
    "A": "ENABLE ALWAYS",
    "R": "ENABLE REPLICA",
    "D": "DISABLE",
}


def _state(relation: RelationName, trigger: Trigger) -> list[sql.Composable]:
    if trigger.enabled == "O":
        return []
    return [
        sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
            relation.identifier, sql.SQL(_ENABLE[trigger.enabled]), sql.Identifier(trigger.name)
        )
    ]


def add_unvalidated_checks(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements for checks that were NOT VALID: old rows may violate them."""
    return tuple(
        Statement(part)
        for table in all_members(plan)
        for check in table.table.checks
        if not check.validated and not check.inherited
        for part in check_statements(table.name, check.name, check.definition, check.comment)
    )
