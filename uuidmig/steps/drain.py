"""uuidmig.drain() and uuidmig.purge(): the change log replayed into the shadows.

One call works on one snapshot (docs/design.md, section 4):

1. take the log rows into work tables, one a table;
2. domain by domain, parents before those that borrow their time: collect in a key table every new
   key an old key may have in the shadow (the present one and those of logged old versions); where
   the key changed, add all rows that reference it to the work tables;
3. delete the rows of all work tables from all shadows, then insert them afresh.

Deleting too much is harmless: what still exists in the source is inserted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.model import RelationName
from uuidmig.keys import mapping_sql
from uuidmig.planner.model import ClosureTable, KeyDomain, Plan
from uuidmig.planner.partitions import leaves
from uuidmig.planner.rerouting import spread_leaves
from uuidmig.steps import names, soft, unforced
from uuidmig.steps.capture import input_columns, is_partitioned, read_locks
from uuidmig.steps.emptied import emptied
from uuidmig.steps.mapped import MappedExpressions, mapped_select
from uuidmig.steps.model import Statement
from uuidmig.steps.soft_rows import add_rows

_FUNCTION = sql.SQL("""CREATE FUNCTION uuidmig.{name}() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog SET jit = off SET random_page_cost = 1.1 SET row_security = off
SET client_min_messages = warning
AS $uuidmig$
#variable_conflict use_column
DECLARE
  moved bigint;
  total bigint := 0;
BEGIN
{body}
  RETURN total;
END
$uuidmig$""")

_WORK_TABLE = sql.SQL("""  CREATE TEMP TABLE IF NOT EXISTS {work} ON COMMIT DROP AS
    SELECT * FROM {log} WITH NO DATA;
  DELETE FROM {work};
""")
_KEY_TABLE = sql.SQL("""  CREATE TEMP TABLE IF NOT EXISTS {keys}
    (old uuid, new uuid, present boolean) ON COMMIT DROP;
  DELETE FROM {keys};
""")
_TAKE = sql.SQL("""  WITH taken AS (DELETE FROM {log} RETURNING *)
    INSERT INTO {work} SELECT DISTINCT * FROM taken;
  GET DIAGNOSTICS moved = ROW_COUNT;
  total := total + moved;
""")
_READ = sql.SQL("""  INSERT INTO {work} SELECT DISTINCT * FROM {log};
  GET DIAGNOSTICS moved = ROW_COUNT;
  total := total + moved;
""")
_NOTHING = sql.SQL("""  IF total = 0 THEN RETURN 0; END IF;
""")
# After a TRUNCATE every row the source has was inserted since, so the log names it.
_TRUNCATED = sql.SQL("""  IF EXISTS (SELECT FROM {work} WHERE uuidmig_op = 'T'{leaf}) THEN
    TRUNCATE {relation};
{holders}    DELETE FROM {work} WHERE uuidmig_op = 'T'{leaf};
  END IF;
""")
_NO_HOLDERS = sql.SQL("")
_PRESENT = sql.SQL("""  INSERT INTO {keys}
    SELECT DISTINCT {column}, {value}, true FROM {source} AS t{joins}
    WHERE {column} IN ({wanted})
      AND NOT EXISTS (SELECT FROM {keys} k WHERE k.old = {column} AND k.present);
""")
_LOGGED = sql.SQL("""  INSERT INTO {keys}
    SELECT DISTINCT v.old, v.new, false
    FROM (SELECT {column} AS old, {value} AS new FROM {work} AS t{joins}) v
    WHERE v.new IS NOT NULL
      AND NOT EXISTS (SELECT FROM {keys} k WHERE k.old = v.old AND k.new = v.new);
""")
# Not "a new key that no row has any more": where a key is unique only together with other columns,
# one row may have left a new key that another row still has.
_CHANGED = sql.SQL(
    "SELECT l.old FROM {keys} l JOIN {keys} p ON p.old = l.old WHERE p.present AND l.new <> p.new"
)
_FOLLOW = sql.SQL("""  IF EXISTS ({changed}) THEN
{inserts}  END IF;
""")
_FOLLOW_TABLE = sql.SQL("""    INSERT INTO {work}
      SELECT DISTINCT 'I'::"char", {columns} FROM {source} AS t
      WHERE {column} IN ({changed});
""")
_ANALYZE = sql.SQL("""  IF total > 10000 THEN
    {}
  END IF;
""")
_DELETE = sql.SQL("""  DELETE FROM {shadow} AS s
    USING (SELECT DISTINCT {values} FROM {work} AS w{joins}) AS gone WHERE {match};
""")
_INSERT = sql.SQL("""  INSERT INTO {shadow} ({columns}) OVERRIDING SYSTEM VALUE
    {select};
""")


def drain_function(plan: Plan) -> tuple[Statement, ...]:
    """Return uuidmig.drain(): takes and replays every log row of its snapshot; returns how many."""
    parts = [*_begin(plan, _TAKE), *_collect(plan), *_deletes(plan), *_inserts(plan)]
    return _function(plan, "drain", parts)


def purge_function(plan: Plan) -> tuple[Statement, ...]:
    """Return uuidmig.purge(): deletes what the log names from the shadows and keeps the log."""
    parts = [*_begin(plan, _READ), *_collect(plan), *_deletes(plan)]
    return _function(plan, "purge", parts)


def _function(
    plan: Plan, name: LiteralString, parts: list[sql.Composable]
) -> tuple[Statement, ...]:
    text = _FUNCTION.format(name=unforced.inner_name(plan, name), body=sql.Composed(parts))
    return (Statement(text), *unforced.wrapper(plan, name))


def _begin(plan: Plan, take: sql.SQL) -> Iterator[sql.Composable]:
    yield read_locks(plan)
    for table in plan.tables:
        yield _WORK_TABLE.format(work=_work(table), log=names.own("log", table.number))
    for domain in plan.domains:
        yield _KEY_TABLE.format(keys=_keys(domain))
    for table in plan.tables:
        yield take.format(work=_work(table), log=names.own("log", table.number))
    yield _NOTHING
    for table in plan.tables:
        holders = sql.Composed(list(_soft_rows_of_table(plan, table)))
        yield from truncated(table, _work(table), lambda leaf: leaf.shadow, holders)
        yield from emptied(
            table,
            _work(table),
            lambda member: member.shadow,
            lambda member: mapped_select(plan, member, columns=member.identity),
            same_identity("s", "kept", table.identity),
            holders,
        )


def truncated(
    table: ClosureTable,
    work: sql.Composable,
    side: Callable[[ClosureTable], RelationName],
    holders: sql.Composable = _NO_HOLDERS,
) -> Iterator[sql.Composable]:
    """Yield what empties the `side` of a table, or of its partitions, that was truncated.

    Not of partitions whose rows lie in others there: see steps/emptied.py. `holders` adds the rows
    that hold soft references to the table's keys to their work tables.
    """
    spread = spread_leaves(table)
    for number, leaf in enumerate(leaves(table), start=1):
        if number in spread:
            continue
        which = sql.SQL(" AND uuidmig_leaf = {}").format(sql.Literal(number))
        yield _TRUNCATED.format(
            work=work,
            relation=side(leaf).identifier,
            leaf=which if is_partitioned(table) else sql.SQL(""),
            holders=holders,
        )


def _collect(plan: Plan) -> Iterator[sql.Composable]:
    for domain in lending_order(plan):
        yield _present(plan, domain)
        yield _logged(plan, domain)
        yield from _follow(plan, domain)
        yield from _follow_soft(plan, domain)
    analyzed = [_work(t) for t in plan.tables] + [_keys(d) for d in plan.domains]
    yield _ANALYZE.format(sql.SQL("ANALYZE {};").format(sql.SQL(", ").join(analyzed)))
    # Rows that follow a changed key may name keys that nothing asked for before.
    for domain in plan.domains:
        yield _present(plan, domain)


def lending_order(plan: Plan) -> tuple[KeyDomain, ...]:
    """Return the domains, each after the one its timestamps are borrowed from."""
    ordered: list[KeyDomain] = []
    remaining = list(plan.domains)
    while remaining:
        done = {domain.number for domain in ordered}
        ready = [d for d in remaining if (lender := _lender(plan, d)) is None or lender in done]
        if not ready:
            raise ValueError("timestamps are borrowed in a circle")
        ordered += ready
        remaining = [domain for domain in remaining if domain not in ready]
    return tuple(ordered)


def _lender(plan: Plan, domain: KeyDomain) -> int | None:
    timestamp = domain.timestamp
    if timestamp.kind != "parent" or timestamp.column is None:
        return None
    return column_domain(plan.table(domain.root.table), timestamp.column)


def column_domain(table: ClosureTable, column: str) -> int | None:
    """Return the number of the domain whose keys the column holds, None for other columns."""
    for reference in table.references:
        if reference.column == column:
            return reference.domain
    return dict(table.roots).get(column)


def _work(table: ClosureTable) -> sql.Identifier:
    return names.temporary("work", table.number)


def _keys(domain: KeyDomain) -> sql.Identifier:
    return names.temporary("keys", domain.number)


def _present(plan: Plan, domain: KeyDomain) -> sql.Composed:
    table = plan.table(domain.root.table)
    expressions = MappedExpressions(plan)
    value = expressions.value(table, domain.root.column, "t")
    wanted = sql.SQL(" UNION ALL ").join(
        [
            sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), _work(asking))
            for asking, column in _askers(plan, domain)
        ]
    )
    return _PRESENT.format(
        keys=_keys(domain),
        column=sql.Identifier("t", domain.root.column),
        value=value,
        source=table.name.identifier,
        joins=sql.SQL("").join(expressions.joins),
        wanted=wanted,
    )


def _askers(plan: Plan, domain: KeyDomain) -> Iterator[tuple[ClosureTable, str]]:
    """Yield the logged columns of this domain: they decide which rows of a shadow must go."""
    for table in plan.tables:
        for column in input_columns(plan, table):
            if column_domain(table, column) == domain.number:
                yield table, column


def _logged(plan: Plan, domain: KeyDomain) -> sql.Composed:
    """The new keys of logged old versions, from the raw values in the log."""
    table = plan.table(domain.root.table)
    convert = plan.options.non_v4 == "convert"
    key = sql.Identifier("t", domain.root.column)
    joins: sql.Composable = sql.SQL("")
    lender, timestamp = _lender(plan, domain), domain.timestamp
    if lender is not None and timestamp.column is not None:
        joins = sql.SQL(" JOIN {} AS l ON l.old = {}").format(
            _keys(plan.domain(lender)), sql.Identifier("t", timestamp.column)
        )
        parent = mapping_sql.bytes_expression(sql.Identifier("l", "new"))
        value = mapping_sql.uuid_expression(
            mapping_sql.borrowed_bytes(key, parent, convert_other=convert)
        )
    else:
        value = MappedExpressions(plan).value(table, domain.root.column, "t")
    return _LOGGED.format(
        keys=_keys(domain), column=key, value=value, work=_work(table), joins=joins
    )


def _follow(plan: Plan, domain: KeyDomain) -> Iterator[sql.Composable]:
    """A key whose timestamp changed is another key: the rows that reference it change too."""
    changed = _CHANGED.format(keys=_keys(domain))
    inserts = [
        _FOLLOW_TABLE.format(
            work=_work(table),
            columns=names.qualified("t", input_columns(plan, table)),
            source=table.name.identifier,
            column=sql.Identifier("t", reference.column),
            changed=changed,
        )
        for table in plan.tables
        for reference in table.references
        if reference.domain == domain.number and reference.foreign_key is not None
    ]
    if inserts:
        yield _FOLLOW.format(changed=changed, inserts=sql.Composed(inserts))


def _follow_soft(plan: Plan, domain: KeyDomain) -> Iterator[sql.Composable]:
    """Without a foreign key a row can be older than what it references, and outlive it."""
    moved = soft.moved_keys(domain, _work(plan.table(domain.root.table)), _keys(domain), _CHANGED)
    inserts = list(_soft_rows(plan, domain, moved))
    if inserts:
        yield _FOLLOW.format(changed=moved, inserts=sql.Composed(inserts))


def _soft_rows_of_table(plan: Plan, table: ClosureTable) -> Iterator[sql.Composable]:
    """A TRUNCATE takes no row of a table along that has only soft references to it."""
    for _, number in table.roots:
        yield from _soft_rows(plan, plan.domain(number), None)


def _soft_rows(
    plan: Plan, domain: KeyDomain, keys: sql.Composable | None
) -> Iterator[sql.Composable]:
    """Yield what adds the rows with soft references to these keys of a domain; None: to any."""
    for holder, reference in soft.holders(plan, domain):
        columns = input_columns(plan, holder)
        yield add_rows(_work(holder), columns, holder, reference, keys)


def _deletes(plan: Plan) -> Iterator[sql.Composable]:
    for table in plan.tables:
        joins: list[sql.Composable] = []
        values: list[sql.Composable] = []
        for position, column in enumerate(table.identity, start=1):
            number = column_domain(table, column)
            value: sql.Composable = sql.Identifier("w", column)
            if number is not None:
                alias = f"k{position}"
                joins.append(
                    sql.SQL(" JOIN {} AS {} ON {} = {}").format(
                        _keys(plan.domain(number)),
                        sql.Identifier(alias),
                        sql.Identifier(alias, "old"),
                        value,
                    )
                )
                value = sql.Identifier(alias, "new")
            values.append(sql.SQL("{} AS {}").format(value, sql.Identifier(column)))
        yield _DELETE.format(
            shadow=table.shadow.identifier,
            values=sql.SQL(", ").join(values),
            work=_work(table),
            joins=sql.Composed(joins),
            match=same_identity("s", "gone", table.identity),
        )


def same_identity(left: str, right: str, columns: tuple[str, ...]) -> sql.Composed:
    """Return left.a = right.a AND left.b = right.b … ."""
    return sql.SQL(" AND ").join(
        [
            sql.SQL("{} = {}").format(sql.Identifier(left, c), sql.Identifier(right, c))
            for c in columns
        ]
    )


def _inserts(plan: Plan) -> Iterator[sql.Composable]:
    for table in plan.tables:
        condition = sql.SQL("({}) IN (SELECT {} FROM {})").format(
            names.qualified("t", table.identity), names.column_list(table.identity), _work(table)
        )
        yield _INSERT.format(
            shadow=table.shadow.identifier,
            columns=names.column_list(table.copied_columns),
            select=mapped_select(plan, table, condition),
        )
