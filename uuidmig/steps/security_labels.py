"""Security labels of what uuidmig creates: those of what it takes the place of.

A label provider is a library of its own and may refuse a label, by any error, for reasons of its
own. So prepare sets the labels of all that is new then, and tries those that the cutover will set:
a refusal comes before anything was copied, and says what it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.dependents_model import MaterializedView, Routine
from uuidmig.catalog.model import RelationName, SecurityLabel
from uuidmig.planner.dependents import recreated
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import all_members
from uuidmig.steps.model import Statement
from uuidmig.steps.verbatim import verbatim

REFUSED = "UM003"
"""SQLSTATE of what is raised where a label provider refuses a label."""

_TRIED = "UM004"

# Quoted as a whole: a label may have anything in it.
_GUARDED = sql.SQL("""
BEGIN
{statements}{undo}EXCEPTION
  WHEN SQLSTATE {tried} THEN
    NULL;
  WHEN lock_not_available THEN
    RAISE;
  WHEN OTHERS THEN
    RAISE EXCEPTION USING ERRCODE = {refused},
      MESSAGE = 'uuidmig: a security label of ' || {name} || ' cannot be set: ' || SQLERRM,
      HINT = 'Nothing was changed. Let the label provider take it from '
        || current_user || ', or remove the label until finish.';
END
""")
_UNDO = sql.SQL("  RAISE EXCEPTION USING ERRCODE = {};\n")


def label_statements(
    kind: LiteralString, name: sql.Composable, labels: tuple[SecurityLabel, ...]
) -> Iterator[sql.Composable]:
    """Yield SECURITY LABEL for each label of an object of that kind."""
    for label in labels:
        yield sql.SQL("SECURITY LABEL FOR {} ON {} {} IS {}").format(
            sql.Identifier(label.provider), sql.SQL(kind), name, sql.Literal(label.label)
        )


def relation_labels(
    kind: LiteralString,
    relation: RelationName,
    labels: tuple[SecurityLabel, ...],
    columns: dict[str, tuple[SecurityLabel, ...]],
) -> Iterator[sql.Composable]:
    """Yield SECURITY LABEL for the labels of a relation and of its columns."""
    yield from label_statements(kind, relation.identifier, labels)
    for column, of_column in columns.items():
        name = sql.Identifier(relation.schema, relation.name, column)
        yield from label_statements("COLUMN", name, of_column)


def label_shadow(
    table: ClosureTable, sequences: dict[RelationName, tuple[SecurityLabel, ...]]
) -> list[Statement]:
    """Return the statement that labels the shadow, its columns, row type and these sequences."""
    columns = {column.name: column.labels for column in table.table.columns}
    parts = [
        *relation_labels("TABLE", table.shadow, table.table.labels, columns),
        *label_statements("TYPE", table.shadow.identifier, table.table.row_type_labels),
    ]
    for sequence, labels in sequences.items():
        parts += label_statements("SEQUENCE", sequence.identifier, labels)
    return [_guarded(str(table.name), parts, keep=True)] if parts else []


def recreated_labels(item: MaterializedView | Routine) -> list[sql.Composable]:
    """Return SECURITY LABEL for the labels of what the swap drops and creates again."""
    if isinstance(item, MaterializedView):
        columns = {column.name: column.labels for column in item.columns}
        return list(relation_labels("MATERIALIZED VIEW", item.relation, item.labels, columns))
    return list(label_statements("ROUTINE", verbatim(item.identity), item.labels))


def try_labels(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that set what the cutover will set, and take it back."""
    found = [(item.name, recreated_labels(item)) for item in recreated(plan.dependents)]
    return tuple(_guarded(name, parts, keep=False) for name, parts in found if parts)


def _guarded(name: str, parts: list[sql.Composable], *, keep: bool) -> Statement:
    body = _GUARDED.format(
        statements=sql.SQL("").join([sql.SQL("  {};\n").format(part) for part in parts]),
        undo=sql.SQL("") if keep else _UNDO.format(sql.Literal(_TRIED)),
        tried=sql.Literal(_TRIED),
        refused=sql.Literal(REFUSED),
        name=sql.Literal(name),
    )
    kept = "label" if keep else "try the labels of"
    return Statement(sql.SQL("DO {}").format(sql.Literal(body.as_string(None))), f"{kept} {name}")


def label_providers(plan: Plan) -> tuple[str, ...]:
    """Return the providers of all labels that a run sets, by name."""
    tables = [member.table for member in all_members(plan)]
    columns = [column for table in tables for column in table.columns]
    made = recreated(plan.dependents)
    bearers = [
        *(table.labels + table.row_type_labels for table in tables),
        *(column.labels for column in columns),
        *(column.sequence.labels for column in columns if column.sequence),
        *(item.labels for item in made),
        *(c.labels for item in made if isinstance(item, MaterializedView) for c in item.columns),
    ]
    return tuple(sorted({label.provider for labels in bearers for label in labels}))
