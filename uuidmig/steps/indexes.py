"""Indexes and their constraints on the filled shadows.

Built after the copy: sorted and dense, and no unique index stands in the way of rows that were
copied twice. A constraint's index is created on its own first and then attached, which keeps its
storage options and lets builds run side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.model import Index, RelationName
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import all_leaves, all_members
from uuidmig.steps.model import Statement
from uuidmig.steps.replica_identity import replica_identity
from uuidmig.steps.shadow import constraint_comment, restore_autovacuum
from uuidmig.steps.verbatim import index_on, verbatim


@dataclass(frozen=True, slots=True)
class IndexBuild:
    """One index of a shadow: `create` may run beside others, `attach` follows in any order.

    `place` comes before `create`, in the same session: it names the tablespace. `bytes` is the size
    of the source's index, to start the longest build first. `in_order`: the index is of the table's
    own new keys, in which order rows mostly lie already; such a sort is quicker.
    """

    relation: RelationName
    name: str
    place: Statement
    create: Statement
    attach: tuple[Statement, ...]
    bytes: int
    in_order: bool


def index_builds(plan: Plan) -> tuple[IndexBuild, ...]:
    """Return all index builds of the plan, the largest first."""
    builds = [
        _build(leaf, index, in_order=_in_order(plan, leaf, index))
        for leaf in all_leaves(plan)
        for index in leaf.table.indexes
    ]
    return tuple(sorted(builds, key=lambda build: (-build.bytes, str(build.relation), build.name)))


def _in_order(plan: Plan, table: ClosureTable, index: Index) -> bool:
    first = index.columns[0] if index.columns else None
    domain = dict(table.roots).get(first) if first is not None else None
    return domain is not None and plan.domain(domain).timestamp.kind == "column"


def _build(table: ClosureTable, index: Index, *, in_order: bool) -> IndexBuild:
    if index.constraint_type == "x" and index.constraint_definition is not None:
        create: sql.Composable = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            table.shadow.identifier,
            sql.Identifier(index.name),
            verbatim(index.constraint_definition),
        )
    else:
        create = index_on(index.definition, table.shadow)
    attach = [*_constraint(table, index), *_details(table, index)]
    return IndexBuild(
        table.shadow,
        index.name,
        in_tablespace(index.tablespace),
        Statement(create, f"build {index.name}"),
        tuple(Statement(part) for part in attach),
        index.bytes,
        in_order,
    )


def in_tablespace(name: str | None) -> Statement:
    """Return the statement after which new indexes go there; None: where the database lies.

    The text of an index does not tell, and behind the key columns there is no place to say so.
    """
    return Statement(sql.SQL("SET default_tablespace = {}").format(sql.Literal(name or "")))


def reset_tablespace() -> Statement:
    """Return the statement for a session that goes on after its last `in_tablespace`."""
    return Statement(sql.SQL("RESET default_tablespace"))


def _constraint(table: ClosureTable, index: Index) -> list[sql.Composable]:
    if index.constraint is None or index.constraint_type not in ("p", "u"):
        return []
    kind: LiteralString = "PRIMARY KEY" if index.constraint_type == "p" else "UNIQUE"
    defer: LiteralString = ""
    if index.deferrable:
        defer = " DEFERRABLE INITIALLY DEFERRED" if index.deferred else " DEFERRABLE"
    return [
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}{}").format(
            table.shadow.identifier,
            sql.Identifier(index.constraint),
            sql.SQL(kind),
            sql.Identifier(index.name),
            sql.SQL(defer),
        )
    ]


def _details(table: ClosureTable, index: Index) -> list[sql.Composable]:
    relation, name = table.shadow.identifier, sql.Identifier(index.name)
    own_name = RelationName(table.shadow.schema, index.name).identifier
    parts: list[sql.Composable] = []
    for number, target in index.statistics_targets:
        parts.append(
            sql.SQL("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}").format(
                own_name, sql.Literal(number), sql.Literal(target)
            )
        )
    if index.comment is not None:
        parts.append(
            sql.SQL("COMMENT ON INDEX {} IS {}").format(own_name, sql.Literal(index.comment))
        )
    if index.constraint is not None:
        parts += constraint_comment(table.shadow, index.constraint, index.constraint_comment)
    if index.clustered:
        parts.append(sql.SQL("ALTER TABLE {} CLUSTER ON {}").format(relation, name))
    if index.replica_identity:
        parts.append(
            sql.SQL("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}").format(relation, name)
        )
    return parts


def whole_tables(plan: Plan) -> tuple[Statement, ...]:
    """Return what follows when all indexes are attached: those of partitioned tables, replica
    identities, and autovacuum as it was."""
    statements = [
        statement
        for member in reversed(all_members(plan))  # partitions before what they are attached to
        for statement in _partitioned(plan, member)
    ]
    for member in all_members(plan):
        statements += [*replica_identity(plan, member), *restore_autovacuum(member)]
    return tuple(statements)


def _partitioned(plan: Plan, table: ClosureTable) -> list[Statement]:
    """Return the indexes of a partitioned table itself, with its partitions' attached.

    ONLY makes them without a build; they are valid as soon as every partition has its part.
    """
    if table.table.kind != "p":
        return []
    parts: list[sql.Composable] = []
    for index in table.table.indexes:
        parts += [in_tablespace(index.tablespace).sql, _create_only(table, index)]
        parts += [
            sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(
                sql.Identifier(table.shadow.schema, index.name),
                sql.Identifier(partition.shadow.schema, part.name),
            )
            for partition in all_members(plan)
            if partition.table.parent == table.name
            for part in partition.table.indexes
            if part.parent == index.name
        ]
        parts += _details(table, index)
    return [Statement(part) for part in parts]


def _create_only(table: ClosureTable, index: Index) -> sql.Composable:
    if index.constraint is None or index.constraint_definition is None:
        return index_on(index.definition, table.shadow, only=True)
    return sql.SQL("ALTER TABLE ONLY {} ADD CONSTRAINT {} {}").format(
        table.shadow.identifier,
        sql.Identifier(index.constraint),
        verbatim(index.constraint_definition),
    )
