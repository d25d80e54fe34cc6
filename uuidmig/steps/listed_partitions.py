"""Partitions for listed keys: prepare gives their shadows the new values of these keys.

A key that no row has stays as it is. Should one come that has it before the cutover, that shows as
a key that would become another one than the bound was made for.

Where remembered old keys go on working, these stay in the list: the server chooses the partition of
a new row before a trigger can translate its key, and with both it chooses the right one.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.listed_partitions import ListedPartition, listed_partitions
from uuidmig.planner.model import ClosureTable, KeyDomain, Plan
from uuidmig.steps.mapped import MappedExpressions, source
from uuidmig.steps.model import Statement
from uuidmig.steps.names import regclass

_RECORD = sql.SQL("""CREATE TABLE uuidmig.listed_partition (
  source oid NOT NULL, shadow oid PRIMARY KEY, domain integer NOT NULL,
  old_keys uuid[], new_keys uuid[], old_bound text NOT NULL, new_bound text NOT NULL
)""")

_ATTACH = sql.SQL("""DO $uuidmig$
DECLARE
  old_keys uuid[];
  new_keys uuid[];
  listed text;
BEGIN
  SELECT array_agg(k.key ORDER BY k.place), array_agg(coalesce(found.new, k.key) ORDER BY k.place)
  INTO old_keys, new_keys
  FROM unnest({keys}) WITH ORDINALITY AS k (key, place)
  LEFT JOIN ({mapping}) AS found ON found.old = k.key;
  SELECT string_agg(quote_literal(key::text), ', ' ORDER BY place) INTO listed
  FROM (SELECT key, min(place) AS place
        FROM unnest({entries}) WITH ORDINALITY AS u (key, place) GROUP BY key) AS once;
  EXECUTE {attach} || concat_ws(', ', listed, {null}) || ')';
  INSERT INTO uuidmig.listed_partition
  SELECT s.oid, t.oid, {domain}, old_keys, new_keys,
         pg_get_expr(s.relpartbound, s.oid), pg_get_expr(t.relpartbound, t.oid)
  FROM pg_class s, pg_class t WHERE s.oid = {source} AND t.oid = {shadow};
END
$uuidmig$""")

_MAPPING = sql.SQL("SELECT {key} AS old, {value} AS new FROM {root} AS s{joins}")

_MOVED = sql.SQL("""
UNION ALL
SELECT format('key %s, by which partition %s is chosen, would become %s, not %s as at prepare',
              k.old, p.source::regclass, now.new, k.new),
       'Run uuidmig abort, then migrate again: the bounds are made from the keys there are then.'
FROM uuidmig.listed_partition p CROSS JOIN unnest(p.old_keys, p.new_keys) AS k (old, new)
JOIN ({mapping}) AS now ON now.old = k.old AND now.new IS DISTINCT FROM k.new
WHERE p.domain = {domain}""")


def create_record(plan: Plan) -> tuple[Statement, ...]:
    """Return the table in which prepare notes the keys and bounds; nothing where none is listed."""
    return (Statement(_RECORD),) if any(listed_partitions(plan)) else ()


def attach_listed(
    plan: Plan, member: ClosureTable, parent: sql.Composable, listed: ListedPartition
) -> Statement:
    """Return the statement that attaches the shadow of a partition, for the keys' new values."""
    attach = sql.SQL("ALTER TABLE ONLY {} ATTACH PARTITION {} FOR VALUES IN (").format(
        parent, member.shadow.identifier
    )
    keys = sql.SQL("ARRAY[{}]::uuid[]").format(
        sql.SQL(", ").join([sql.Literal(str(key)) for key in listed.keys])
    )
    return Statement(
        _ATTACH.format(
            keys=keys,
            mapping=_mapping(plan, listed.domain),
            entries=sql.SQL("new_keys || old_keys" if plan.options.grace else "new_keys"),
            attach=sql.Literal(attach.as_string(None)),
            null=sql.Literal("NULL" if listed.has_null else None),
            domain=sql.Literal(listed.domain.number),
            source=regclass(member.name.identifier),
            shadow=regclass(member.shadow.identifier),
        ),
        f"attach the partition for the new keys of {member.name}",
    )


def moved_keys(plan: Plan) -> sql.Composable:
    """Return what a query of changed partitions has to add: keys that would become other ones than
    the bounds were made for, as the time of their row was changed since prepare."""
    domains = {listed.domain.number: listed.domain for listed in listed_partitions(plan)}
    return sql.SQL("").join(
        [
            _MOVED.format(mapping=_mapping(plan, domain), domain=sql.Literal(number))
            for number, domain in sorted(domains.items())
        ]
    )


def _mapping(plan: Plan, domain: KeyDomain) -> sql.Composed:
    table = plan.table(domain.root.table)
    expressions = MappedExpressions(plan, source)
    value = expressions.value(table, domain.root.column, "s")
    return _MAPPING.format(
        key=sql.Identifier("s", domain.root.column),
        value=value,
        root=table.name.identifier,
        joins=sql.SQL("").join(expressions.joins),
    )
