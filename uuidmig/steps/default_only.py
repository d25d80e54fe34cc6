"""The strategy default-only: the defaults of key columns are changed, and can be put back.

The same journal and the same three revisions as a rewrite; there is nothing to copy between them.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from uuidmig.planner.document import plan_hash, plan_to_json
from uuidmig.planner.model import KeySwitch, Plan
from uuidmig.steps import journal
from uuidmig.steps.model import Statement, Step
from uuidmig.steps.names import regclass
from uuidmig.steps.replica_identity import identify_by_whole_rows
from uuidmig.steps.verbatim import verbatim

# Tables and columns by their numbers, too: after the switch they may be renamed or dropped, and
# the way back must find what is left of them.
_KEY_DEFAULT = sql.SQL("""CREATE TABLE uuidmig.key_default (
  number integer PRIMARY KEY,
  schema_name text NOT NULL,
  table_name text NOT NULL,
  column_name text NOT NULL,
  old_default text, -- none of its own: that of its domain held
  new_default text NOT NULL,
  relation oid NOT NULL,
  column_number smallint NOT NULL
)""")

# With this search_path the server writes expressions as the plan has them.
_PRESENT_DEFAULT = sql.SQL("""CREATE FUNCTION uuidmig.present_default(relation oid, place smallint)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog AS $uuidmig$
SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
WHERE d.adrelid = present_default.relation AND d.adnum = present_default.place
$uuidmig$""")

_REQUIRE_OLD_DEFAULTS = sql.SQL("""CREATE FUNCTION uuidmig.require_old_defaults()
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $uuidmig$
DECLARE
  changed text;
BEGIN
  SELECT string_agg(format('%I.%I.%I', k.schema_name, k.table_name, k.column_name), ', ')
    INTO changed
  FROM uuidmig.key_default k
  LEFT JOIN pg_attribute a ON a.attrelid = k.relation AND a.attnum = k.column_number
       AND a.attname = k.column_name AND NOT a.attisdropped
  WHERE a.attrelid IS NULL
     OR to_regclass(format('%I.%I', k.schema_name, k.table_name))::oid IS DISTINCT FROM k.relation
     OR uuidmig.present_default(k.relation, k.column_number) IS DISTINCT FROM k.old_default;
  IF changed IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = 'uuidmig: these key columns or their defaults changed since the plan: ' || changed,
      HINT = 'Run uuidmig abort if it was prepared, then plan and migrate again.';
  END IF;
END
$uuidmig$""")

# What somebody else changed since is theirs: it is named and nothing is done.
_PUT_DEFAULTS_BACK = sql.SQL("""CREATE FUNCTION uuidmig.put_defaults_back()
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $uuidmig$
DECLARE
  key record;
BEGIN
  FOR key IN
    SELECT k.relation::regclass::text AS shown, a.attname, k.old_default, k.new_default,
           uuidmig.present_default(k.relation, k.column_number) AS present
    FROM uuidmig.key_default k
    JOIN pg_attribute a ON a.attrelid = k.relation AND a.attnum = k.column_number
         AND NOT a.attisdropped
    ORDER BY k.number
  LOOP
    IF key.present = key.new_default THEN
      EXECUTE format('ALTER TABLE ONLY %s ALTER COLUMN %I %s', key.shown, key.attname,
                     coalesce('SET DEFAULT ' || key.old_default, 'DROP DEFAULT'));
    ELSIF key.present IS DISTINCT FROM key.old_default THEN
      RAISE EXCEPTION USING ERRCODE = 'object_in_use',
        MESSAGE = format('uuidmig: somebody changed the default of %s.%I: it is %s',
                         key.shown, key.attname, coalesce(key.present, 'none')),
        HINT = format('Set it to %s, then roll back again; or keep what is there and run uuidmig'
                      ' finish.', key.new_default);
    END IF;
  END LOOP;
END
$uuidmig$""")

_LOCK_KEYS = sql.SQL("""SELECT uuidmig.lock_tables(ARRAY(
  SELECT c.oid::regclass FROM uuidmig.key_default k JOIN pg_class c ON c.oid = k.relation
  GROUP BY c.oid ORDER BY min(k.number)), 'ACCESS EXCLUSIVE')""")


def prepare_steps(plan: Plan) -> tuple[Step, ...]:
    """Return the step of revision `prepare`: the journal, and what the way back needs."""
    document = plan_to_json(replace(plan, created_at=""))
    return (
        Step(
            "prepare-journal",
            "create the journal and note the present defaults",
            "none",
            "nobody",
            (
                *journal.create_schemas(plan),
                *journal.create_journal(plan),
                *map(Statement, (_KEY_DEFAULT, _PRESENT_DEFAULT)),
                *map(Statement, (_REQUIRE_OLD_DEFAULTS, _PUT_DEFAULTS_BACK)),
                _note_defaults(plan),
                _require_old_defaults(),
                *journal.record_run(plan, document, plan_hash(plan)),
                *identify_by_whole_rows(plan, ("uuidmig",)),
            ),
            undo=(journal.drop_keys_schema(), journal.drop_schema()),
        ),
    )


def cutover_steps(plan: Plan) -> tuple[Step, ...]:
    """Return the step of revision `cutover`: all defaults at once, and back."""
    return (
        Step(
            "switch-defaults",
            f"change the default of {len(plan.switches)} key columns",
            "ACCESS EXCLUSIVE",
            "reads and writes, for milliseconds",
            (
                journal.require_state("prepared"),
                _lock_keys(),
                _require_old_defaults(),
                *map(_set_default, plan.switches),
                journal.record_stall("cutover"),
                journal.set_state("switched"),
            ),
            undo=(
                journal.require_state("switched"),
                _lock_keys(),
                Statement(sql.SQL("SELECT uuidmig.put_defaults_back()")),
                journal.record_stall("rollback"),
                journal.set_state("rolled_back"),
            ),
        ),
    )


def finish_steps(plan: Plan) -> tuple[Step, ...]:
    """Return the step of revision `finish`: the journal goes, the new defaults stay."""
    return (
        Step(
            "drop-journal",
            "drop the journal; the old defaults are forgotten",
            "none",
            "nobody",
            (
                journal.require_state("switched"),
                journal.drop_keys_schema(),
                journal.drop_schema(),
            ),
        ),
    )


def _note_defaults(plan: Plan) -> Statement:
    rows = [
        sql.SQL("({}, {}, {}, {}, {}, {}, {})").format(
            sql.Literal(number),
            sql.Literal(switch.column.table.schema),
            sql.Literal(switch.column.table.name),
            sql.Literal(switch.column.column),
            sql.Literal(switch.old_default),
            sql.Literal(switch.new_default),
            regclass(switch.column.table.identifier),
        )
        for number, switch in enumerate(plan.switches, start=1)
    ]
    return Statement(
        sql.SQL(
            "INSERT INTO uuidmig.key_default SELECT k.*, coalesce(a.attnum, 0)"
            " FROM (VALUES {}) AS k"
            " (number, schema_name, table_name, column_name, old_default, new_default, relation)"
            " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = k.relation"
            " AND a.attname = k.column_name AND NOT a.attisdropped"
        ).format(sql.SQL(", ").join(rows))
    )


def _lock_keys() -> Statement:
    return Statement(_LOCK_KEYS, "ACCESS EXCLUSIVE on every table whose default changes")


def _require_old_defaults() -> Statement:
    return Statement(sql.SQL("SELECT uuidmig.require_old_defaults()"))


def _set_default(switch: KeySwitch) -> Statement:
    """ONLY: partitions and children have defaults of their own, and are in the list themselves."""
    return Statement(
        sql.SQL("ALTER TABLE ONLY {} ALTER COLUMN {} SET DEFAULT {}").format(
            switch.column.table.identifier,
            sql.Identifier(switch.column.column),
            verbatim(switch.new_default),
        )
    )
