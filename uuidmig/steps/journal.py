"""Schema uuidmig: the journal, the clock of the mapping, and the lock helper."""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import leaves
from uuidmig.steps.dependent_lines import DEPENDENT_LINES
from uuidmig.steps.fingerprint import FINGERPRINT
from uuidmig.steps.model import Statement
from uuidmig.steps.names import other_owners, regclass, shadow_schemas
from uuidmig.steps.privileges import revoke_on_schema

_JOURNAL = sql.SQL("""CREATE TABLE uuidmig.run (
  id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  tool_version text NOT NULL,
  plan_hash text NOT NULL,
  plan jsonb NOT NULL,
  state text NOT NULL,
  state_changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  prepared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  paused boolean NOT NULL DEFAULT false,
  pause_reason text,
  fingerprint text
)""")

_CLOSURE_TABLE = sql.SQL("""CREATE TABLE uuidmig.closure_table (
  number integer PRIMARY KEY,
  schema_name text NOT NULL,
  table_name text NOT NULL,
  source oid NOT NULL,
  shadow oid NOT NULL
)""")

# An ordinary table is one heap; a partitioned one has a heap for each partition that holds rows.
_HEAP = sql.SQL("""CREATE TABLE uuidmig.heap (
  table_number integer NOT NULL REFERENCES uuidmig.closure_table,
  number integer NOT NULL,
  source oid NOT NULL,
  filenode oid,
  PRIMARY KEY (table_number, number)
)""")

_CHUNK = sql.SQL("""CREATE TABLE uuidmig.chunk (
  table_number integer NOT NULL REFERENCES uuidmig.closure_table,
  heap integer NOT NULL,
  number integer NOT NULL,
  first_page bigint NOT NULL,
  last_page bigint,
  done boolean NOT NULL DEFAULT false,
  rows bigint,
  seconds double precision,
  worker text,
  finished_at timestamptz,
  PRIMARY KEY (table_number, heap, number)
)""")

# Claiming stays cheap when a hundred thousand chunks are done.
_CHUNK_TODO = sql.SQL(
    "CREATE INDEX chunk_todo ON uuidmig.chunk (table_number, heap, number) WHERE NOT done"
)

_EVENT = sql.SQL("""CREATE TABLE uuidmig.event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL,
  step text NOT NULL,
  detail jsonb NOT NULL DEFAULT '{{}}'
)""")

# Updated a few times a second during the copy, to see how long a commit takes.
_PULSE = (
    sql.SQL("CREATE TABLE uuidmig.pulse (at timestamptz NOT NULL) WITH (fillfactor = 10)"),
    sql.SQL("INSERT INTO uuidmig.pulse VALUES (clock_timestamp())"),
)

_REVISION = sql.SQL("""CREATE TABLE uuidmig.revision (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  script text NOT NULL
)""")

# The times are constants inside IMMUTABLE functions: the planner folds them, and the text of the
# revision stays the same whenever it runs.
_CLOCK = sql.SQL("""DO $uuidmig$
DECLARE
  plan_time text := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US');
  horizon text := to_char((clock_timestamp() + make_interval(secs => {seconds})) AT TIME ZONE 'UTC',
                          'YYYY-MM-DD HH24:MI:SS.US');
BEGIN
  EXECUTE 'CREATE FUNCTION uuidmig.plan_time() RETURNS timestamptz'
    || ' LANGUAGE sql IMMUTABLE PARALLEL SAFE AS '
    || quote_literal('SELECT TIMESTAMPTZ ' || quote_literal(plan_time || '+00'));
  EXECUTE 'CREATE FUNCTION uuidmig.horizon() RETURNS timestamptz'
    || ' LANGUAGE sql IMMUTABLE PARALLEL SAFE AS '
    || quote_literal('SELECT TIMESTAMPTZ ' || quote_literal(horizon || '+00'));
END
$uuidmig$""")

# All waits together stay below the budget, and that below deadlock_timeout: we give up before the
# server would look for a deadlock, so the application is never its victim. The order is the
# caller's: parents first, as applications insert.
# Whoever holds a later table may want an earlier one next. So once a lock is held the others are
# waited for only briefly; then all are let go, which the subtransaction does, and asked for again
# with twice the patience, for transactions that are merely long.
# No statement that runs under these locks is worth a second of compiling.
_LOCK_TABLES = sql.SQL("""CREATE FUNCTION uuidmig.lock_tables(tables regclass[], mode text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $uuidmig$
DECLARE
  started timestamptz := clock_timestamp();
  budget double precision :=
    coalesce(nullif(current_setting('uuidmig.lock_budget', true), ''), '400')::double precision;
  patience double precision := 25;
  remaining double precision;
  holding boolean;
  locked regclass;
  command text;
BEGIN
  PERFORM set_config('uuidmig.locking_since', started::text, true);
  PERFORM set_config('jit', 'off', true);
  LOOP
    holding := false;
    BEGIN
      FOREACH locked IN ARRAY tables LOOP
        remaining := budget - 1000 * date_part('epoch', clock_timestamp() - started);
        IF remaining < 1 THEN
          RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
            MESSAGE = 'lock budget of ' || budget || ' ms used up before ' || locked::text;
        END IF;
        IF holding THEN
          remaining := least(remaining, patience);
        END IF;
        PERFORM set_config('lock_timeout', ceil(remaining)::bigint::text || 'ms', true);
        -- LOCK TABLE would lock all tables of a view and refuses materialized ones. Giving it to
        -- its owner changes nothing and locks just the view, ACCESS EXCLUSIVE.
        SELECT format('ALTER %s %s OWNER TO %I',
                      CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END,
                      locked, pg_get_userbyid(c.relowner))
          INTO command FROM pg_class c WHERE c.oid = locked AND c.relkind IN ('v', 'm');
        -- ONLY: partitions are in the array, so that each wait is one of these
        EXECUTE coalesce(command, 'LOCK TABLE ONLY ' || locked::text || ' IN ' || mode || ' MODE');
        holding := true;
      END LOOP;
      RETURN;
    EXCEPTION WHEN lock_not_available THEN
      IF budget - 1000 * date_part('epoch', clock_timestamp() - started) < patience THEN
        RAISE;
      END IF;
    END;
    PERFORM pg_sleep(0.005);
    patience := 2 * patience;
  END LOOP;
END
$uuidmig$""")

_GENERATOR = sql.SQL("""CREATE OR REPLACE FUNCTION {}() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE AS $uuidmig$
SELECT (substr(overlay(
          encode(int8send((date_part('epoch', clock_timestamp()) * 65536000)::bigint), 'hex')
          placing '7' from 13 for 0), 1, 16)
        || substr(encode(uuid_send(gen_random_uuid()), 'hex'), 17))::uuid
$uuidmig$""")


def generator(name: sql.Identifier) -> sql.Composed:
    """Return the function of that name that makes uuid7 keys where the server has none."""
    return _GENERATOR.format(name)


GENERATOR = generator(sql.Identifier("uuidmig_keys", "uuidv7"))

_DROP_KEYS_SCHEMA = sql.SQL("""DO $uuidmig$
BEGIN
  IF to_regprocedure('uuidmig_keys.uuidv7()') IS NOT NULL THEN
    DROP FUNCTION uuidmig_keys.uuidv7();
  END IF;
  DROP SCHEMA IF EXISTS uuidmig_keys;
EXCEPTION WHEN dependent_objects_still_exist THEN
  NULL; -- key columns migrated earlier still take their default from it
END
$uuidmig$""")

# In Alembic's packaged environment the version table lies in this schema: the environment drops
# what is left after it has written its last version.
_DROP_SCHEMA = sql.SQL("""DO $uuidmig$
DECLARE
  victim text;
BEGIN
  FOR victim IN
    SELECT 'FUNCTION ' || p.oid::regprocedure::text FROM pg_proc p
    WHERE p.pronamespace = 'uuidmig'::regnamespace
  LOOP
    EXECUTE 'DROP ' || victim || ' CASCADE';
  END LOOP;
  FOR victim IN
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW ' ELSE 'TABLE ' END || c.oid::regclass::text
    FROM pg_class c WHERE c.relnamespace = 'uuidmig'::regnamespace
      AND c.relkind IN ('r', 'v') AND c.relname <> 'alembic_version'
    ORDER BY c.relkind DESC
  LOOP
    EXECUTE 'DROP ' || victim || ' CASCADE';
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'uuidmig'::regnamespace) THEN
    DROP SCHEMA uuidmig;
  END IF;
END
$uuidmig$""")

HORIZON_SECONDS = 3600
"""How long after plan time a row's own timestamp counts, at least (seconds)."""


def needs_generator(plan: Plan) -> bool:
    """Return whether the server has no uuidv7() of its own (before PostgreSQL 18)."""
    return plan.server.version < 180000


def horizon_seconds(plan: Plan) -> int:
    """Return the distance of the horizon from plan time in seconds (docs/design.md, section 1)."""
    forecast = plan.forecast.seconds if plan.forecast else 0.0
    hours = -(-4 * forecast // 3600)
    return max(1, int(hours)) * HORIZON_SECONDS


def create_schemas(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that create uuidmig's schemas, marked as its own by a comment."""
    statements = [Statement(sql.SQL("CREATE SCHEMA IF NOT EXISTS uuidmig"))]
    statements += [
        Statement(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        for schema in shadow_schemas(plan)
    ]
    statements.append(Statement(sql.SQL("CREATE SCHEMA IF NOT EXISTS uuidmig_keys")))
    statements += [
        Statement(sql.SQL("COMMENT ON SCHEMA {} IS 'uuidmig'").format(sql.Identifier(schema)))
        for schema in ("uuidmig", "uuidmig_keys", *shadow_schemas(plan))
    ]
    statements += [
        Statement(revoke_on_schema(schema))
        for schema in ("uuidmig", "uuidmig_keys", *shadow_schemas(plan))
    ]
    return (*statements, *_grant_schemas(plan))


def _grant_schemas(plan: Plan) -> list[Statement]:
    grants = [
        Statement(
            sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(
                sql.Identifier(schema), sql.Identifier(owner)
            )
        )
        for schema in shadow_schemas(plan)
        for owner in other_owners(plan)
    ]
    return [*grants, Statement(sql.SQL("GRANT USAGE ON SCHEMA uuidmig_keys TO PUBLIC"))]


def create_journal(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that create the journal, the clock and the lock helper."""
    clock = _CLOCK.format(seconds=sql.Literal(horizon_seconds(plan)))
    parts: list[sql.Composable] = [
        *(_JOURNAL, _CLOSURE_TABLE, _HEAP, _CHUNK, _CHUNK_TODO, _EVENT.format()),
        *(_REVISION, *_PULSE, clock, _LOCK_TABLES, DEPENDENT_LINES, FINGERPRINT),
    ]
    if needs_generator(plan):
        parts.append(GENERATOR)
        # Every writer calls it; default privileges may have taken that right from PUBLIC.
        parts.append(sql.SQL("GRANT EXECUTE ON FUNCTION uuidmig_keys.uuidv7() TO PUBLIC"))
    return tuple(Statement(part) for part in parts)


def record_run(plan: Plan, document: str, digest: str) -> tuple[Statement, ...]:
    """Return the statements that fill the journal; the fingerprint comes last of all in prepare."""
    run = sql.SQL(
        "INSERT INTO uuidmig.run (tool_version, plan_hash, plan, state)"
        " VALUES ({}, {}, {}::jsonb, 'prepared')"
    ).format(sql.Literal(plan.tool_version), sql.Literal(digest), sql.Literal(document))
    rows = [
        sql.SQL("({}, {}, {}, {}::oid, {}::oid)").format(
            sql.Literal(table.number),
            sql.Literal(table.name.schema),
            sql.Literal(table.name.name),
            regclass(table.name.identifier),
            regclass(table.shadow.identifier),
        )
        for table in plan.tables
    ]
    tables = sql.SQL(
        "INSERT INTO uuidmig.closure_table (number, schema_name, table_name, source, shadow)"
        " VALUES {}"
    ).format(sql.SQL(", ").join(rows))
    mark = sql.SQL("UPDATE uuidmig.run SET fingerprint = uuidmig.fingerprint()")
    noted = (Statement(tables), *_record_heaps(plan)) if rows else ()
    return (Statement(run), *noted, Statement(mark))


def _record_heaps(plan: Plan) -> tuple[Statement, ...]:
    insert = sql.SQL("INSERT INTO uuidmig.heap (table_number, number, source) VALUES ({}, {}, {})")
    return tuple(
        Statement(
            insert.format(
                sql.Literal(table.number), sql.Literal(number), regclass(leaf.name.identifier)
            )
        )
        for table in plan.tables
        for number, leaf in enumerate(leaves(table), start=1)
    )


def set_state(state: str) -> Statement:
    """Return the statement that moves the run to `state`; part of the step's own transaction."""
    return Statement(
        sql.SQL("UPDATE uuidmig.run SET state = {}, state_changed_at = clock_timestamp()").format(
            sql.Literal(state)
        )
    )


def record_stall(step: str) -> Statement:
    """Return the statement that notes how long writers may have waited: since the first lock."""
    return Statement(
        sql.SQL(
            "INSERT INTO uuidmig.event (kind, step, detail) SELECT 'stall', {},"
            " jsonb_build_object('ms', round((1000 * date_part('epoch', clock_timestamp()"
            " - current_setting('uuidmig.locking_since')::timestamptz))::numeric, 1))"
        ).format(sql.Literal(step))
    )


def require_state(*states: str) -> Statement:
    """Return the statement that fails unless the run is in one of `states`, in READ COMMITTED.

    Under a snapshot taken before the locks the last drain would miss rows.
    """
    allowed = sql.SQL(", ").join([sql.Literal(state) for state in states])
    return Statement(
        sql.SQL("""DO $uuidmig$
BEGIN
  IF (SELECT state FROM uuidmig.run) NOT IN ({states}) THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'uuidmig: the run is in state ' || (SELECT state FROM uuidmig.run),
      HINT = 'This revision needs one of: ' || array_to_string(ARRAY[{states}], ', ')
             || '. See uuidmig status.';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'uuidmig: this revision must run in a READ COMMITTED transaction';
  END IF;
END
$uuidmig$""").format(states=allowed)
    )


def require_fingerprint() -> Statement:
    """Return the statement that fails when the schema of the closure changed since prepare."""
    return Statement(
        sql.SQL("""DO $uuidmig$
BEGIN
  IF uuidmig.fingerprint() <> (SELECT fingerprint FROM uuidmig.run) THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = 'uuidmig: the schema of the tables changed since prepare',
      HINT = 'Run uuidmig abort, then migrate again, so that the new tables get the change too.';
  END IF;
END
$uuidmig$""")
    )


def drop_keys_schema() -> Statement:
    return Statement(_DROP_KEYS_SCHEMA)


def drop_schema() -> Statement:
    return Statement(_DROP_SCHEMA)
