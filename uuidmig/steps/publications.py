"""Publications follow the swap: each names its tables by oid, so it would go on with the old one.

Columns, row filter and name are read where they are, at that moment: whoever changed a publication
since the cutover finds it as changed after a rollback. A publication of a schema needs nothing: the
table that lies in the schema is the one that is sent. One that names a partitioned table has the
partitions by it, whichever way it sends them; one that names a partition has that partition.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from uuidmig.catalog.model import RelationName
from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import all_members
from uuidmig.steps.model import Statement
from uuidmig.steps.names import regclass

_CARRY = sql.SQL("""CREATE FUNCTION uuidmig.carry_publications(former regclass, live regclass)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $uuidmig$
DECLARE
  member record;
BEGIN
  FOR member IN
    SELECT p.pubname, pg_get_expr(r.prqual, r.prrelid) AS filter,
      (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
       FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) AS listed
    FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
    WHERE r.prrelid = former
    ORDER BY p.pubname
  LOOP
    EXECUTE format('ALTER PUBLICATION %I DROP TABLE ONLY %s', member.pubname, former);
    EXECUTE format('ALTER PUBLICATION %I ADD TABLE ONLY %s', member.pubname, live)
      || coalesce(' (' || member.listed || ')', '')
      || coalesce(' WHERE (' || member.filter || ')', '');
  END LOOP;
END
$uuidmig$""")


def carry_function() -> Statement:
    """Return the statement that creates what takes a table's publications to another table."""
    return Statement(_CARRY)


def drop_carry_function() -> Statement:
    return Statement(sql.SQL("DROP FUNCTION uuidmig.carry_publications(regclass, regclass)"))


def carry_forth(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements for after the swap: from the retired tables to the new ones."""
    return _carry((table.retired, table.name) for table in all_members(plan))


def carry_back(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements for after the swap back: from the former new tables to the old ones."""
    return _carry((table.shadow, table.name) for table in all_members(plan))


def _carry(pairs: Iterable[tuple[RelationName, RelationName]]) -> tuple[Statement, ...]:
    return tuple(
        Statement(
            sql.SQL("SELECT uuidmig.carry_publications({}, {})").format(
                regclass(former.identifier), regclass(live.identifier)
            )
        )
        for former, live in pairs
    )
