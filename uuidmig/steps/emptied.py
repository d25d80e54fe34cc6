"""TRUNCATE of a partition whose rows lie in several partitions of the other side.

Where rows change their partition with their key (planner/rerouting.py), no partition of the other
side can be emptied for it. What has to go there is whatever no row maps to any more. That reads
both sides, so it is done without locks only: a swap that finds such a TRUNCATE gives up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from psycopg import sql

from uuidmig.catalog.model import RelationName
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.rerouting import shared_entrances
from uuidmig.steps import names

# All of them truncated: every row there is was inserted since, so the log names it. Else what
# goes too far, because its row maps to another key by now, is in the log as well.
_EMPTIED = sql.SQL("""  IF EXISTS (SELECT FROM {work} WHERE {which}) THEN
    IF (SELECT count(DISTINCT uuidmig_leaf) FROM {work} WHERE {which}) = {count} THEN
      TRUNCATE {relation};
    ELSE
      DELETE FROM {relation} AS s WHERE NOT EXISTS (SELECT FROM ({kept}) AS kept WHERE {match});
    END IF;
{holders}    DELETE FROM {work} WHERE {which};
  END IF;
""")
_WAITS = sql.SQL("EXISTS (SELECT FROM {} WHERE {})")
_GIVE_UP = sql.SQL("""  IF {waits} THEN
    RAISE EXCEPTION USING ERRCODE = 'UM001',
      MESSAGE = 'uuidmig: a partition was truncated, and its rows lie in several partitions',
      HINT = 'The locks are released; catch up, then try again.';
  END IF;
""")


def emptied(
    table: ClosureTable,
    work: sql.Composable,
    side: Callable[[ClosureTable], RelationName],
    kept: Callable[[ClosureTable], sql.Composable],
    match: sql.Composable,
    holders: sql.Composable,
) -> Iterator[sql.Composable]:
    """Yield what deletes the rows of truncated partitions from the `side` of the table.

    `kept` selects the identities that the rows of a member have there, `match` tells which of them
    ("kept") is that of a row there ("s"); `holders` is done after it.
    """
    for member, numbers in shared_entrances(table):
        yield _EMPTIED.format(
            work=work,
            which=_of_leaves(numbers),
            count=sql.Literal(len(numbers)),
            relation=side(member).identifier,
            kept=kept(member),
            match=match,
            holders=holders,
        )


def _of_leaves(numbers: tuple[int, ...]) -> sql.Composable:
    return sql.SQL("uuidmig_op = 'T' AND uuidmig_leaf IN ({})").format(
        sql.SQL(", ").join([sql.Literal(number) for number in numbers])
    )


def waits(plan: Plan, log: str) -> sql.Composable | None:
    """Return the condition that such a TRUNCATE is in the logs of that kind; None: it cannot be."""
    found = [
        _WAITS.format(names.own(log, table.number), _of_leaves(numbers))
        for table in plan.tables
        for _, numbers in shared_entrances(table)
    ]
    return sql.SQL(" OR ").join(found) if found else None


def is_logged(table: ClosureTable, number: int) -> sql.Composed:
    """Return SELECT of whether the log has a TRUNCATE of leaf `number`. While the log was never
    replayed that means: all rows the leaf has are in it."""
    found = _WAITS.format(names.own("log", table.number), _of_leaves((number,)))
    return sql.SQL("SELECT {}").format(found)


def give_up(plan: Plan, log: str) -> sql.Composable:
    """Return the part of a function that fails rather than read whole tables under locks."""
    condition = waits(plan, log)
    return sql.SQL("") if condition is None else _GIVE_UP.format(waits=condition)
