"""What was written after the cutover while no trigger looked: such tables are replayed as a whole.

The server takes the trigger from a partition that is detached and makes a new one when it is
attached again; a partition that took its place has another trigger, too; and who disables triggers
and enables them again (pg_restore does) leaves another version of their rows in the catalog. What
was written in between is in no log. So the cutover notes the triggers of every table that holds
rows, and a replay that finds others logs a TRUNCATE of that table and all rows it has. That reads
the table, so it is done without locks only: a rollback that finds such a table under them gives up.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import leaves
from uuidmig.steps import names
from uuidmig.steps.capture import is_partitioned
from uuidmig.steps.model import Statement

# A TRUNCATE that no trigger tells of shows by the file.
_PRESENT = sql.SQL("""CREATE FUNCTION uuidmig.present_back_heaps() RETURNS
TABLE (table_number integer, number integer, relation regclass, capture "char", seen text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $uuidmig$
SELECT h.table_number, h.number, c.oid::regclass, r.tgenabled,
       concat_ws(' ', c.oid, r.oid, r.xmin, 'and',
                 CASE WHEN t.tgenabled = 'A' THEN concat_ws(' ', t.oid, t.xmin)
                   ELSE 'file ' || c.relfilenode END)
FROM (VALUES {heaps}) AS h (table_number, number, name)
JOIN pg_class c ON c.oid = to_regclass(h.name)
LEFT JOIN pg_trigger r ON r.tgrelid = c.oid AND r.tgname = {row}
LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = {truncate}
$uuidmig$""")

_NOTE = sql.SQL("""CREATE TABLE uuidmig.back_heap AS
SELECT table_number, number, seen FROM uuidmig.present_back_heaps() AS h""")

_CHANGED = sql.SQL("""SELECT now.* FROM uuidmig.present_back_heaps() AS now
    LEFT JOIN uuidmig.back_heap AS noted USING (table_number, number)
    WHERE now.seen IS DISTINCT FROM noted.seen""")

_REQUIRE = sql.SQL("""  DECLARE
    blind text;
    remedies text;
  BEGIN
    SELECT string_agg(h.relation::text, ', ' ORDER BY h.relation::text),
           string_agg(CASE WHEN h.capture IS NULL
               THEN format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW'
                           ' EXECUTE FUNCTION uuidmig.back_capture_%s(); ',
                           {row}, h.relation, h.table_number)
               ELSE '' END
             || format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', h.relation, {row}),
             E'\\n' ORDER BY h.relation::text)
      INTO blind, remedies
    FROM uuidmig.present_back_heaps() AS h WHERE h.capture IS DISTINCT FROM 'A';
    IF blind IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'object_in_use',
        MESSAGE = 'uuidmig: trigger ' || {row} || ' on ' || blind
          || ' is not ENABLE ALWAYS: not every write is logged for the way back',
        HINT = 'Nothing was switched. Run this, then uuidmig rollback again, which reads the whole'
          || E' of it:\\n' || remedies || E'\\nOr keep the new keys: uuidmig finish does not mind.';
    END IF;
  END;
""")

_READ_AGAIN = sql.SQL("""  DECLARE
    heap record;
  BEGIN
    FOR heap IN {changed} AND table_number = {number} LOOP
      INSERT INTO {log} (uuidmig_op{leaf_column}) VALUES ('T'{leaf});
      EXECUTE {insert} || heap.relation::text;
      DELETE FROM uuidmig.back_heap AS b
        WHERE b.table_number = heap.table_number AND b.number = heap.number;
      INSERT INTO uuidmig.back_heap VALUES (heap.table_number, heap.number, heap.seen);
      INSERT INTO uuidmig.event (kind, step, detail)
        VALUES ('read as a whole', 'rollback', jsonb_build_object('table', heap.relation::text));
    END LOOP;
  END;
""")

_INSERT = sql.SQL("INSERT INTO {log} (uuidmig_op, {columns}) SELECT 'I', {columns} FROM ")

_GIVE_UP = sql.SQL("""  IF EXISTS ({changed}) THEN
    RAISE EXCEPTION USING ERRCODE = 'UM001',
      MESSAGE = 'uuidmig: a partition was attached again, or a trigger enabled: '
        'it must be read as a whole',
      HINT = 'The locks are released; catch up, then try again.';
  END IF;
""")


def note_triggers(plan: Plan) -> tuple[Statement, ...]:
    """Return what notes the triggers that log for the way back, to run when they are in place."""
    heaps: list[sql.Composable] = [
        sql.SQL("({}, {}, {})").format(
            sql.Literal(table.number),
            sql.Literal(number),
            sql.Literal(leaf.name.identifier.as_string(None)),
        )
        for table in plan.tables
        for number, leaf in enumerate(leaves(table), start=1)
    ]
    if not heaps:  # partitioned tables without a partition
        heaps = [sql.SQL("(NULL::integer, NULL::integer, NULL::text)")]
    present = _PRESENT.format(
        heaps=sql.SQL(", ").join(heaps),
        row=sql.Literal(names.BACK_CAPTURE),
        truncate=sql.Literal(names.BACK_CAPTURE_TRUNCATE),
    )
    return (Statement(present), Statement(_NOTE))


def drop_notes() -> tuple[Statement, ...]:
    """Return the statements that drop what `note_triggers` made."""
    return (
        Statement(sql.SQL("DROP TABLE uuidmig.back_heap")),
        Statement(sql.SQL("DROP FUNCTION uuidmig.present_back_heaps()")),
    )


def require_triggers() -> sql.Composed:
    """Return the part of a function that fails where writes are not logged now."""
    return _REQUIRE.format(row=sql.Literal(names.BACK_CAPTURE))


def read_again(table: ClosureTable) -> sql.Composed:
    """Return the part of a replay that logs, as a whole, what was written unseen."""
    log = names.own("back_log", table.number)
    insert = _INSERT.format(log=log, columns=names.column_list(table.identity))
    partitioned = is_partitioned(table)
    return _READ_AGAIN.format(
        changed=_CHANGED,
        number=sql.Literal(table.number),
        log=log,
        leaf_column=sql.SQL(", uuidmig_leaf" if partitioned else ""),
        leaf=sql.SQL(", heap.number" if partitioned else ""),
        insert=sql.Literal(insert.as_string(None)),
    )


def give_up() -> sql.Composed:
    """Return the part of a function that fails rather than read a whole table under locks."""
    return _GIVE_UP.format(changed=_CHANGED)
