"""Materialized views and routines that are dropped and created again, with all that is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.dependents_model import MaterializedView, Routine, ViewColumn
from uuidmig.catalog.model import Grant, Index, RelationName
from uuidmig.steps.privileges import (
    grant_statements,
    relation_privileges,
    revoke_on_routine,
)
from uuidmig.steps.security_labels import recreated_labels
from uuidmig.steps.verbatim import options_list, verbatim

_STORAGE: dict[str, LiteralString] = {
    "p": "PLAIN",
    "e": "EXTERNAL",
    "m": "MAIN",
    "x": "EXTENDED",
}
_COMPRESSION: dict[str, LiteralString] = {"p": "pglz", "l": "lz4"}


def drop(item: MaterializedView | Routine) -> sql.Composed:
    """Return its DROP. No CASCADE: whatever the plan does not know of stops the swap."""
    if isinstance(item, MaterializedView):
        return sql.SQL("DROP MATERIALIZED VIEW {}").format(item.relation.identifier)
    return sql.SQL("DROP ROUTINE {}").format(verbatim(item.identity))


def create(item: MaterializedView | Routine, user: str) -> list[sql.Composable]:
    """Return the statements that create it, empty if it stores rows; `user` runs them."""
    if isinstance(item, MaterializedView):
        return list(_materialized_view(item, user))
    return list(_routine(item, user))


def _routine(routine: Routine, user: str) -> Iterator[sql.Composable]:
    name, owner = verbatim(routine.identity), routine.owner
    yield verbatim(routine.definition.strip())
    if owner != user:
        yield sql.SQL("ALTER ROUTINE {} OWNER TO {}").format(name, sql.Identifier(owner))
    yield revoke_on_routine(routine.identity)
    everybody = (Grant("", owner, ("EXECUTE",)), Grant(owner, owner, ("EXECUTE",)))
    for grant in everybody if routine.acl is None else routine.acl:
        yield from grant_statements(name, grant, None, "ROUTINE")
    if routine.comment is not None:
        yield sql.SQL("COMMENT ON ROUTINE {} IS {}").format(name, sql.Literal(routine.comment))
    yield from recreated_labels(routine)


def _materialized_view(view: MaterializedView, user: str) -> Iterator[sql.Composable]:
    """WITH NO DATA first: REFRESH runs the query as the owner, CREATE would run it as us."""
    name = view.relation.identifier
    method = (
        sql.SQL(" USING {}").format(sql.Identifier(view.access_method))
        if view.access_method
        else sql.SQL("")
    )
    options = (
        sql.SQL(" WITH ({})").format(options_list(view.options)) if view.options else sql.SQL("")
    )
    tablespace = (
        sql.SQL(" TABLESPACE {}").format(sql.Identifier(view.tablespace))
        if view.tablespace
        else sql.SQL("")
    )
    yield sql.SQL("CREATE MATERIALIZED VIEW {}{}{}{} AS {} WITH NO DATA").format(
        name, method, options, tablespace, verbatim(view.definition)
    )
    if view.owner != user:
        yield sql.SQL("ALTER MATERIALIZED VIEW {} OWNER TO {}").format(
            name, sql.Identifier(view.owner)
        )
    column_grants = {column.name: column.acl or () for column in view.columns}
    yield from relation_privileges(view.relation, view.owner, view.acl, column_grants)
    if view.comment is not None:
        yield sql.SQL("COMMENT ON MATERIALIZED VIEW {} IS {}").format(
            name, sql.Literal(view.comment)
        )
    for column in view.columns:
        yield from _column(view.relation, column)
    yield from recreated_labels(view)
    for index in view.indexes:
        yield from _index(view.relation, index)


def _column(relation: RelationName, column: ViewColumn) -> Iterator[sql.Composable]:
    name = sql.Identifier(column.name)
    actions: list[sql.Composable] = []
    if column.statistics_target is not None:
        actions.append(sql.SQL("SET STATISTICS {}").format(sql.Literal(column.statistics_target)))
    if column.storage is not None:
        actions.append(sql.SQL("SET STORAGE {}").format(sql.SQL(_STORAGE[column.storage])))
    if column.compression is not None:
        method = sql.SQL(_COMPRESSION[column.compression])
        actions.append(sql.SQL("SET COMPRESSION {}").format(method))
    if column.options:
        actions.append(sql.SQL("SET ({})").format(options_list(column.options)))
    for action in actions:
        yield sql.SQL("ALTER MATERIALIZED VIEW {} ALTER COLUMN {} {}").format(
            relation.identifier, name, action
        )
    if column.comment is not None:
        yield sql.SQL("COMMENT ON COLUMN {} IS {}").format(
            sql.Identifier(relation.schema, relation.name, column.name),
            sql.Literal(column.comment),
        )


def _index(relation: RelationName, index: Index) -> Iterator[sql.Composable]:
    name = RelationName(relation.schema, index.name).identifier
    yield verbatim(index.definition)
    for number, target in index.statistics_targets:
        yield sql.SQL("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}").format(
            name, sql.Literal(number), sql.Literal(target)
        )
    if index.comment is not None:
        yield sql.SQL("COMMENT ON INDEX {} IS {}").format(name, sql.Literal(index.comment))
    if index.clustered:
        yield sql.SQL("ALTER MATERIALIZED VIEW {} CLUSTER ON {}").format(
            relation.identifier, sql.Identifier(index.name)
        )
