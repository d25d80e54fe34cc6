"""Change capture: logs, trigger functions and triggers, before the cutover and after it.

A trigger only appends: the raw values of the columns that the row's identity and new key are made
from. It never looks anything up, so it costs the application one insert and can never wait.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.model import Column
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import all_members, leaves
from uuidmig.steps import names
from uuidmig.steps.model import Statement
from uuidmig.steps.verbatim import base_type


def input_columns(plan: Plan, table: ClosureTable) -> tuple[str, ...]:
    """Return the columns a log keeps: identity, root keys, and what their time comes from."""
    wanted = set(table.identity) | {column for column, _ in table.roots}
    for _, number in table.roots:
        timestamp = plan.domain(number).timestamp
        if timestamp.column is not None:
            wanted.add(timestamp.column)
    return tuple(column.name for column in table.table.columns if column.name in wanted)


def create_log(table: ClosureTable, columns: tuple[str, ...], kind: str) -> Statement:
    """Return CREATE TABLE uuidmig.<kind>_<n>; columns are typed as in the source, all nullable."""
    parts: list[sql.Composable] = [sql.SQL("NULL::{} AS uuidmig_op").format(sql.SQL('"char"'))]
    parts += [_logged(table.table.column(column)) for column in columns]
    if is_partitioned(table):
        parts.append(sql.SQL("NULL::integer AS uuidmig_leaf"))  # of a TRUNCATE
    typed = sql.SQL(", ").join(parts)
    return Statement(
        sql.SQL("CREATE TABLE {} AS SELECT {} FROM {} AS t WITH NO DATA").format(
            names.own(kind, table.number), typed, table.name.identifier
        )
    )


def _logged(column: Column) -> sql.Composable:
    """Without its domain: that may be NOT NULL, and a TRUNCATE is logged without values."""
    value = sql.Identifier("t", column.name)
    if column.type_kind != "d":
        return value
    return sql.SQL("{}::{} AS {}").format(value, base_type(column), sql.Identifier(column.name))


_FUNCTION: LiteralString = """CREATE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $uuidmig$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    {truncated};
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO {log} (uuidmig_op, {columns}) VALUES ('I', {new});
  ELSE
    INSERT INTO {log} (uuidmig_op, {columns}) VALUES ('D', {old});
    IF TG_OP = 'UPDATE' AND ({new_identity}) IS DISTINCT FROM ({old_identity}) THEN
      INSERT INTO {log} (uuidmig_op, {columns}) VALUES ('I', {new});
    END IF;
  END IF;
  RETURN NULL;
END
$uuidmig$"""


_TRUNCATED: LiteralString = "INSERT INTO {log} (uuidmig_op) VALUES ('T')"
_LEAF_TRUNCATED: LiteralString = (
    "INSERT INTO {log} (uuidmig_op, uuidmig_leaf) VALUES ('T', TG_ARGV[0]::integer)"
)


def is_partitioned(table: ClosureTable) -> bool:
    """Return whether the rows lie in partitions: then a log tells which one was truncated."""
    return table.table.kind == "p"


def create_function(
    table: ClosureTable, columns: tuple[str, ...], function: str, log: str
) -> Statement:
    """Return the trigger function uuidmig.<function>_<n>() that appends to uuidmig.<log>_<n>."""
    truncated = sql.SQL(_LEAF_TRUNCATED if is_partitioned(table) else _TRUNCATED)
    return Statement(
        sql.SQL(_FUNCTION).format(
            truncated=truncated.format(log=names.own(log, table.number)),
            function=names.own(function, table.number),
            log=names.own(log, table.number),
            columns=names.column_list(columns),
            new=names.qualified("new", columns),
            old=names.qualified("old", columns),
            new_identity=_row("new", table.identity),
            old_identity=_row("old", table.identity),
        )
    )


def _row(alias: str, columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL("ROW({})").format(names.qualified(alias, columns))


def create_triggers(
    table: ClosureTable, function: str, row: str, truncate: str
) -> tuple[Statement, ...]:
    """Return the statements that put the capture triggers on the live table.

    ENABLE ALWAYS: rows that a replication apply worker writes must be captured too. Partitions get
    row triggers from their parent, statement triggers they do not: each needs its own.
    """
    call = names.own(function, table.number)
    relation = table.name.identifier
    row_name, truncate_name = sql.Identifier(row), sql.Identifier(truncate)
    statements = [
        sql.SQL(
            "CREATE TRIGGER {} AFTER INSERT OR UPDATE OR DELETE ON {}"
            " FOR EACH ROW EXECUTE FUNCTION {}()"
        ).format(row_name, relation, call),
        _enable_always(relation, row_name),
    ]
    for number, leaf in enumerate(leaves(table), start=1):
        statements.append(
            sql.SQL(
                "CREATE TRIGGER {} AFTER TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION {}({})"
            ).format(
                truncate_name,
                leaf.name.identifier,
                call,
                sql.Literal(str(number)) if is_partitioned(table) else sql.SQL(""),
            )
        )
        statements.append(_enable_always(leaf.name.identifier, truncate_name))
    return tuple(Statement(statement) for statement in statements)


def _enable_always(relation: sql.Composable, trigger: sql.Composable) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(relation, trigger)


def drop_triggers(table: ClosureTable, row: str, truncate: str) -> tuple[Statement, ...]:
    """Return the statements that take the capture triggers away where they are."""
    drops = [(row, table), *((truncate, leaf) for leaf in leaves(table))]
    return tuple(
        Statement(
            sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
                sql.Identifier(name), member.name.identifier
            )
        )
        for name, member in drops
    )


def lock_closure(plan: Plan, mode: LiteralString) -> Statement:
    """Return the statement that locks the closure, parents first, within the lock budget."""
    return Statement(
        sql.SQL("SELECT uuidmig.lock_tables({}, {})").format(
            names.closure_array(plan), sql.Literal(mode)
        ),
        f"{mode} on every table of the closure",
    )


def lock_what_is_left(plan: Plan) -> Statement:
    """Return the lock for abort and finish: a table that was dropped must not stand in the way."""
    found = sql.SQL(", ").join(
        [
            sql.SQL("to_regclass({})").format(sql.Literal(table.name.identifier.as_string(None)))
            for table in all_members(plan)
        ]
    )
    return Statement(
        sql.SQL(
            "SELECT uuidmig.lock_tables(array_remove(ARRAY[{}], NULL), 'ACCESS EXCLUSIVE')"
        ).format(found),
        "ACCESS EXCLUSIVE on every table of the closure that still exists",
    )


# An application that truncates several tables must not meet a replay that has locked one and wants
# the next: all locks at once, before anything is read, and none kept while one is waited for.
_READ_LOCKS = sql.SQL("""  DECLARE
    lock_timeout_before text := current_setting('lock_timeout');
  BEGIN
    LOOP
      BEGIN
        PERFORM uuidmig.lock_tables({tables}, 'ACCESS SHARE');
        EXIT;
      EXCEPTION WHEN lock_not_available THEN
        PERFORM pg_sleep(0.05 + random() / 10);
      END;
    END LOOP;
    PERFORM set_config('lock_timeout', lock_timeout_before, true);
  END;
""")


def read_locks(plan: Plan) -> sql.Composed:
    """Return the begin of a replay: it waits until it may read all tables of the closure."""
    return _READ_LOCKS.format(tables=names.closure_array(plan))


def read_locks_at_once(plan: Plan) -> Statement:
    """Return the statement that takes the locks of a replay without waiting for anybody.

    It takes no snapshot: that of the transaction is still to come. What a session has locked it may
    lock again, whoever waits for it.
    """
    tables = sql.SQL(", ").join(
        [sql.SQL("ONLY {}").format(member.name.identifier) for member in all_members(plan)]
    )
    return Statement(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE NOWAIT").format(tables))


def capture_objects(plan: Plan) -> tuple[Statement, ...]:
    """Return the logs and trigger functions of capture before the cutover."""
    statements: list[Statement] = []
    for table in plan.tables:
        columns = input_columns(plan, table)
        statements.append(create_log(table, columns, "log"))
        statements.append(create_function(table, columns, "capture", "log"))
    return tuple(statements)


def backlog_function(plan: Plan, name: LiteralString, kind: str) -> Statement:
    """Return uuidmig.<name>(): how many rows wait in the logs."""
    counts = sql.SQL(" + ").join(
        [
            sql.SQL("(SELECT count(*) FROM {})").format(names.own(kind, table.number))
            for table in plan.tables
        ]
    )
    return Statement(
        sql.SQL(
            "CREATE FUNCTION uuidmig.{}() RETURNS bigint LANGUAGE sql"
            " AS $uuidmig$ SELECT {} $uuidmig$"
        ).format(sql.Identifier(name), counts)
    )
