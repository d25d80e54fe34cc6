"""The shadow table: the source's definition under the same names in another schema.

LIKE brings columns, types, collations, NOT NULL, defaults, generation expressions, storage,
compression and column comments. The rest it would lose or rename is set here, from the catalog.
"""

from __future__ import annotations

import hashlib
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.model import Column, ExtendedStatistics, RelationName, Sequence
from uuidmig.planner.generators import find_generator
from uuidmig.planner.listed_partitions import listed_partition
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import members, shadow_name
from uuidmig.steps.listed_partitions import attach_listed
from uuidmig.steps.model import Statement
from uuidmig.steps.privileges import (
    grant_statements,
    relation_privileges,
    revoke_on_relation,
)
from uuidmig.steps.security_labels import label_shadow
from uuidmig.steps.verbatim import option_name, options_list, statistics_on, verbatim

_AUTOVACUUM = ("autovacuum_enabled", "toast.autovacuum_enabled")


def create_shadow(plan: Plan, table: ClosureTable) -> tuple[Statement, ...]:
    """Return the statements that create the empty shadow of `table`, without indexes and keys.

    Partitions are created on their own and attached, so that each keeps what is different in it.
    """
    statements = []
    for member in members(table):
        statements += _create_member(plan, member)
        statements += _attach(plan, table, member)
    return tuple(statements)


def _create_member(plan: Plan, table: ClosureTable) -> list[Statement]:
    parts: list[sql.Composable] = [_create_table(table)]
    parts += _columns(plan, table)
    parts += _checks(table)
    parts += _statistics(plan, table)
    parts += _ownership(plan, table)
    parts += _table_comment(table)
    parts += _row_type(table)
    return [*(Statement(part) for part in parts), *_labels(table)]


def _attach(plan: Plan, table: ClosureTable, partition: ClosureTable) -> list[Statement]:
    """Return ATTACH PARTITION, nothing for what is no partition. No row is there to be checked."""
    if partition.table.parent is None or partition.table.bound is None:
        return []
    parent = shadow_name(partition.table.parent).identifier
    if (listed := listed_partition(plan, table, partition.table)) is not None:
        return [attach_listed(plan, partition, parent, listed)]
    return [
        Statement(
            sql.SQL("ALTER TABLE ONLY {} ATTACH PARTITION {} {}").format(
                parent,
                partition.shadow.identifier,
                verbatim(partition.table.bound),
            )
        )
    ]


def _create_table(table: ClosureTable) -> sql.Composed:
    kind: LiteralString = "UNLOGGED TABLE" if table.table.persistence == "u" else "TABLE"
    like = sql.SQL(
        "CREATE {} {} (LIKE {} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE"
        " INCLUDING COMPRESSION INCLUDING COMMENTS)"
    ).format(sql.SQL(kind), table.shadow.identifier, table.name.identifier)
    if table.table.partition_key is not None:
        by = sql.SQL(" PARTITION BY {}").format(verbatim(table.table.partition_key))
        return like + by + _access_method(table) + _tablespace(table)
    # No autovacuum while it is filled: it would compete with the copy and its lock stops DDL.
    options = [o for o in table.table.options if o.partition("=")[0] not in _AUTOVACUUM]
    options += [f"{name}=false" for name in _AUTOVACUUM]
    listed = options_list(options)
    return like + sql.SQL(" USING heap WITH ({}){}").format(listed, _tablespace(table))


def default_tablespace() -> Statement:
    """Return the statement, of a transaction, that lets tables go to the database's tablespace."""
    return Statement(
        sql.SQL("SET LOCAL default_tablespace = ''"), "whatever the session's default is"
    )


def _access_method(partitioned: ClosureTable) -> sql.Composable:
    """Return what future partitions get, where it was chosen: before 17 it cannot be."""
    return sql.SQL(" USING heap" if partitioned.table.access_method else "")


def _tablespace(table: ClosureTable) -> sql.Composable:
    if table.table.tablespace is None:
        return sql.SQL("")
    return sql.SQL(" TABLESPACE {}").format(sql.Identifier(table.table.tablespace))


def restore_autovacuum(table: ClosureTable) -> tuple[Statement, ...]:
    """Return the statements that give the filled shadow the source's autovacuum settings."""
    if table.table.kind == "p":
        return ()
    options = [option.partition("=")[0] for option in table.table.options]
    own = any(name in _AUTOVACUUM for name in options)
    # SET appends: all are set again, for the order of the source.
    reset = dict.fromkeys([*_AUTOVACUUM, *(options if own else ())])
    names = sql.SQL(", ").join([option_name(name) for name in reset])
    relation = table.shadow.identifier
    parts = [sql.SQL("ALTER TABLE {} RESET ({})").format(relation, names)]
    if own:
        listed = options_list(table.table.options)
        parts.append(sql.SQL("ALTER TABLE {} SET ({})").format(relation, listed))
    return tuple(Statement(part) for part in parts)


def _columns(plan: Plan, table: ClosureTable) -> list[sql.Composable]:
    alter: list[sql.Composable] = []
    roots = {name for name, _ in table.roots}
    for column in table.table.columns:
        name = sql.Identifier(column.name)
        if column.name in roots:
            default = find_generator(column, plan.server.version).new_default
            if default is not None:
                alter.append(
                    sql.SQL("ALTER COLUMN {} SET DEFAULT {}").format(name, verbatim(default))
                )
        if column.statistics_target is not None:
            alter.append(
                sql.SQL("ALTER COLUMN {} SET STATISTICS {}").format(
                    name, sql.Literal(column.statistics_target)
                )
            )
        if column.options:
            alter.append(
                sql.SQL("ALTER COLUMN {} SET ({})").format(name, options_list(column.options))
            )
        if column.identity and column.sequence:
            alter.append(_identity(table, column, column.sequence))
    return [
        sql.SQL("ALTER TABLE {} {}").format(table.shadow.identifier, action) for action in alter
    ]


def _identity(table: ClosureTable, column: Column, sequence: Sequence) -> sql.Composed:
    always: LiteralString = "ALWAYS" if column.identity == "a" else "BY DEFAULT"
    cycle: LiteralString = "CYCLE" if sequence.cycle else "NO CYCLE"
    return sql.SQL(
        "ALTER COLUMN {column} ADD GENERATED {always} AS IDENTITY (SEQUENCE NAME {name}"
        " START {start} INCREMENT {increment} MINVALUE {minimum} MAXVALUE {maximum}"
        " CACHE {cache} {cycle})"
    ).format(
        column=sql.Identifier(column.name),
        always=sql.SQL(always),
        name=shadow_sequence(table, sequence).identifier,
        start=sql.Literal(sequence.start),
        increment=sql.Literal(sequence.increment),
        minimum=sql.Literal(sequence.minimum),
        maximum=sql.Literal(sequence.maximum),
        cache=sql.Literal(sequence.cache),
        cycle=sql.SQL(cycle),
    )


def shadow_sequence(table: ClosureTable, sequence: Sequence) -> RelationName:
    """Return where the shadow's identity sequence lies until the cutover."""
    return RelationName(table.shadow.schema, sequence.relation.name)


def _checks(table: ClosureTable) -> list[sql.Composable]:
    """Validated checks go on the empty table; the others would reject rows that violate them."""
    parts: list[sql.Composable] = []
    for check in table.table.checks:
        if check.validated:
            parts += check_statements(table.shadow, check.name, check.definition, check.comment)
        elif check.definition.startswith("NOT NULL "):
            # LIKE brought it, as one that holds for all rows.
            parts.append(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                    table.shadow.identifier, sql.Identifier(check.name)
                )
            )
    return parts


def check_statements(
    relation: RelationName, name: str, definition: str, comment: str | None
) -> list[sql.Composable]:
    """Return ADD CONSTRAINT … CHECK and its comment."""
    parts: list[sql.Composable] = [
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            relation.identifier, sql.Identifier(name), verbatim(definition)
        )
    ]
    return parts + constraint_comment(relation, name, comment)


def constraint_comment(
    relation: RelationName, name: str, comment: str | None
) -> list[sql.Composable]:
    """Return COMMENT ON CONSTRAINT, nothing when there is no comment."""
    if comment is None:
        return []
    return [
        sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
            sql.Identifier(name), relation.identifier, sql.Literal(comment)
        )
    ]


def shadow_statistics(table: ClosureTable, statistics: ExtendedStatistics) -> RelationName:
    """Return where the shadow's extended statistics lie until the cutover.

    Under a name of their own: two of one name may come from two schemas. Partitions have the
    number of the whole, so theirs has a hash of their name in it.
    """
    place = table.table.statistics.index(statistics) + 1
    name = f"uuidmig_statistics_{table.number}_{place}"
    if table.table.parent is not None:
        name += "_" + hashlib.sha256(str(table.name).encode()).hexdigest()[:16]
    return RelationName(table.shadow.schema, name)


def _statistics(plan: Plan, table: ClosureTable) -> list[sql.Composable]:
    parts: list[sql.Composable] = []
    for statistics in table.table.statistics:
        name = shadow_statistics(table, statistics).identifier
        shadow = shadow_statistics(table, statistics)
        parts.append(statistics_on(statistics.definition, shadow, table.shadow))
        if statistics.owner != plan.server.user:
            parts.append(
                sql.SQL("ALTER STATISTICS {} OWNER TO {}").format(
                    name, sql.Identifier(statistics.owner)
                )
            )
        if statistics.target is not None:
            parts.append(
                sql.SQL("ALTER STATISTICS {} SET STATISTICS {}").format(
                    name, sql.Literal(statistics.target)
                )
            )
        if statistics.comment is not None:
            parts.append(
                sql.SQL("COMMENT ON STATISTICS {} IS {}").format(
                    name, sql.Literal(statistics.comment)
                )
            )
    return parts


def _ownership(plan: Plan, table: ClosureTable) -> list[sql.Composable]:
    name = table.shadow.identifier
    owner = sql.Identifier(table.table.owner)
    parts: list[sql.Composable] = []
    if table.table.owner != plan.server.user:
        parts.append(sql.SQL("ALTER TABLE {} OWNER TO {}").format(name, owner))
    column_grants = {column.name: column.acl or () for column in table.table.columns}
    parts += relation_privileges(table.shadow, table.table.owner, table.table.acl, column_grants)
    return parts + _sequence_grants(plan, table)


def _sequence_grants(plan: Plan, table: ClosureTable) -> list[sql.Composable]:
    parts: list[sql.Composable] = []
    for column in table.table.columns:
        sequence = column.sequence
        if sequence is None or sequence.kind != "identity":
            continue
        relation = shadow_sequence(table, sequence)
        parts.append(revoke_on_relation(relation))
        if sequence.acl is not None:
            parts.append(
                sql.SQL("REVOKE ALL ON SEQUENCE {} FROM {}").format(
                    relation.identifier, sql.Identifier(sequence.owner)
                )
            )
            for grant in sequence.acl:
                parts += grant_statements(relation.identifier, grant, None, "SEQUENCE")
        if sequence.comment is not None:
            parts.append(
                sql.SQL("COMMENT ON SEQUENCE {} IS {}").format(
                    relation.identifier, sql.Literal(sequence.comment)
                )
            )
    return parts


def _labels(table: ClosureTable) -> list[Statement]:
    sequences = {
        shadow_sequence(table, column.sequence): column.sequence.labels
        for column in table.table.columns
        if column.sequence is not None and column.sequence.kind == "identity"
    }
    return label_shadow(table, sequences)


def _table_comment(table: ClosureTable) -> list[sql.Composable]:
    if table.table.comment is None:
        return []
    return [
        sql.SQL("COMMENT ON TABLE {} IS {}").format(
            table.shadow.identifier, sql.Literal(table.table.comment)
        )
    ]


def _row_type(table: ClosureTable) -> list[sql.Composable]:
    name, parts = table.shadow.identifier, list[sql.Composable]()
    if table.table.row_type_acl is not None:
        owner = sql.Identifier(table.table.owner)
        parts.append(sql.SQL("REVOKE ALL ON TYPE {} FROM PUBLIC, {}").format(name, owner))
        for grant in table.table.row_type_acl:
            parts += grant_statements(name, grant, None, "TYPE")
    if table.table.row_type_comment is not None:
        comment = sql.Literal(table.table.row_type_comment)
        parts.append(sql.SQL("COMMENT ON TYPE {} IS {}").format(name, comment))
    return parts
