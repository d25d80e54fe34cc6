"""Soft references: in which rows they are, and which rows a change of their targets touches.

No foreign key guards them: what they hold may be no key at all, become one when a row is inserted
later, and cease to be one when that row goes. So a row that did not change may have to be derived
anew, which is what the drain asks this module for.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from uuidmig.planner.model import ClosureTable, Discriminator, KeyDomain, Plan, Reference

# 'I': the key may be new. Not present: it is gone. An ordinary UPDATE of the row is neither.
_MOVED = sql.SQL("""SELECT r.{root} FROM {work} AS r
    WHERE r.uuidmig_op = 'I'
      OR NOT EXISTS (SELECT FROM {keys} AS p WHERE p.old = r.{root} AND p.present)
    UNION ALL {changed}""")


def soft_references(table: ClosureTable, column: str) -> tuple[Reference, ...]:
    """Return the soft references of a column, in the order in which they were declared."""
    return tuple(r for r in table.references if r.column == column and r.foreign_key is None)


def holders(plan: Plan, domain: KeyDomain) -> Iterator[tuple[ClosureTable, Reference]]:
    """Yield the soft references to keys of the domain, with the tables that hold them."""
    for table in plan.tables:
        for reference in table.references:
            if reference.foreign_key is None and reference.domain == domain.number:
                yield table, reference


def applies(when: Discriminator | None, alias: str) -> sql.Composable:
    """Return AND <the rows of `alias` in which the reference is>; nothing when it is in all."""
    if when is None:
        return sql.SQL("")
    return sql.SQL(" AND {}").format(_matches(when, alias))


def only_when(when: Discriminator | None, alias: str) -> sql.Composable:
    """Return the same as `applies`, to stand before another condition: <condition> AND."""
    if when is None:
        return sql.SQL("")
    return sql.SQL("{} AND ").format(_matches(when, alias))


def _matches(when: Discriminator, alias: str) -> sql.Composed:
    # As text, so that an enum, a number or a truth value can be told by what one would write.
    column = sql.Identifier(alias, when.column)
    return sql.SQL("{}::text = {}").format(column, sql.Literal(when.equals))


# A cast of anything else would be an error. "C", as a collation may know no regular expressions.
_CANONICAL = sql.SQL(
    """CASE WHEN {value} COLLATE "C" ~ '^[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}$'"""
    " THEN {value}::uuid END"
)


def as_uuid(form: str, value: sql.Composable) -> sql.Composable:
    """Return the key a value of this form is; NULL for a text that is none in canonical form.

    Other ways to write a uuid stay as they are: whoever compares texts knows the very characters.
    """
    return _CANONICAL.format(value=value) if form == "text" else value


def from_uuid(form: str, key: sql.Composable) -> sql.Composable:
    """Return a key (uuid) in this form."""
    return sql.SQL("{}::text").format(key) if form == "text" else key


def moved_keys(
    domain: KeyDomain, work: sql.Composable, keys: sql.Composable, changed: sql.SQL
) -> sql.Composed:
    """Return SELECT of the old keys whose new key appeared, went or changed, by the log."""
    return _MOVED.format(
        root=sql.Identifier(domain.root.column),
        work=work,
        keys=keys,
        changed=changed.format(keys=keys),
    )
