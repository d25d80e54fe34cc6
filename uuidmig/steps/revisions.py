"""The steps of a run in order, and which of them make up the three Alembic revisions.

This is the one home of uuidmig's DDL: the plan table, JSON, the SQL script, the revisions and the
run itself are renderings of these steps.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from uuidmig.catalog.model import RelationName
from uuidmig.planner.document import plan_hash, plan_to_json
from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import all_members
from uuidmig.steps import (
    back,
    capture,
    default_only,
    dependents,
    drain,
    emptied,
    filling,
    foreign_keys,
    grace,
    journal,
    listed_partitions,
    names,
    partition_drift,
    publications,
    row_security,
    security_labels,
    shadow,
    swap,
    traps,
    unforced,
    unseen_writes,
)
from uuidmig.steps.mapped import retired, source
from uuidmig.steps.model import Statement, Step
from uuidmig.steps.replica_identity import identify_by_whole_rows


def prepare_steps(plan: Plan) -> tuple[Step, ...]:
    """Return the steps of revision `prepare`; its downgrade is `abort` and leaves no trace."""
    if plan.default_only:
        return default_only.prepare_steps(plan)
    return (
        Step(
            "prepare-schemas",
            "create schemas, journal and functions",
            "none",
            "nobody",
            (*journal.create_schemas(plan), *journal.create_journal(plan)),
            undo=(
                journal.drop_keys_schema(),
                *_drop_shadow_schemas(plan),
                journal.drop_schema(),
            ),
        ),
        Step(
            "create-shadows",
            f"create {len(plan.tables)} empty shadow tables",
            "ACCESS SHARE",
            "nobody",
            (
                shadow.default_tablespace(),
                *listed_partitions.create_record(plan),
                *(s for table in plan.tables for s in shadow.create_shadow(plan, table)),
                *security_labels.try_labels(plan),
            ),
            undo=tuple(_drop_shadow(table.shadow) for table in plan.tables),
        ),
        Step(
            "create-capture",
            "create change logs and the replay functions",
            "none",
            "nobody",
            (
                *capture.capture_objects(plan),
                traps.trap_function(),
                capture.backlog_function(plan, "backlog", "log"),
                *unforced.objects(plan),
                *drain.drain_function(plan),
                *drain.purge_function(plan),
                *identify_by_whole_rows(plan, ("uuidmig", *names.shadow_schemas(plan))),
            ),
        ),
        Step(
            "install-triggers",
            f"install capture triggers on {len(plan.tables)} tables",
            "SHARE ROW EXCLUSIVE",
            "writes, for milliseconds",
            (
                capture.lock_closure(plan, "SHARE ROW EXCLUSIVE"),
                *dependents.require_as_planned(plan),
                *_capture_triggers(plan),
                *_record(plan),
                *partition_drift.record_partitions(plan),
                journal.record_stall("prepare"),
            ),
            # Validation reads whole tables: before the lock that stops everybody.
            undo=(
                *foreign_keys.validate_returned(plan),
                capture.lock_what_is_left(plan),
                *_drop_capture_triggers(plan),
            ),
        ),
    )


def cutover_steps(plan: Plan) -> tuple[Step, ...]:
    """Return the steps of revision `cutover`; its downgrade is `rollback`."""
    if plan.default_only:
        return default_only.cutover_steps(plan)
    return (
        Step(
            "prepare-way-back",
            "create the retired schemas and the log for the way back",
            "none",
            "nobody",
            (
                journal.require_state("verified"),
                *filling.require_fillable(plan),
                *swap.create_retired_schemas(plan),
                *grace.key_maps(plan),
                *back.back_objects(plan),
                publications.carry_function(),
                capture.backlog_function(plan, "back_backlog", "back_log"),
                *identify_by_whole_rows(plan, ("uuidmig",)),
            ),
            undo=(*_drop_back(plan), *swap.drop_retired_schemas(plan)),
        ),
        Step(
            "swap",
            "last drain, then the new tables take the place of the old ones",
            "ACCESS EXCLUSIVE",
            "reads and writes, for milliseconds",
            (
                foreign_keys.lock_for_swap(plan),
                *partition_drift.require_partitions(plan),
                journal.require_fingerprint(),
                _drain_within_budget(plan, "drain"),
                *dependents.detach(plan),
                *foreign_keys.drop_all(plan),
                *_drop_capture_triggers(plan),
                *swap.disable_triggers(plan),
                *swap.swap_in_shadows(plan),
                *row_security.open_retired(plan),
                *row_security.secure_new_tables(plan),
                *row_security.rebind_outside(plan),
                *publications.carry_forth(plan),
                *traps.lay_traps(table.retired for table in all_members(plan)),
                *foreign_keys.add_all(plan),
                *swap.add_unvalidated_checks(plan),
                *swap.add_triggers(plan),
                *dependents.attach(plan),
                dependents.nothing_left([table.retired for table in all_members(plan)]),
                *_back_triggers(plan),
                *unseen_writes.note_triggers(plan),
                *grace.lookup_functions(plan),
                grace.id_map(plan),
                *grace.grace_triggers(plan),
                journal.record_stall("cutover"),
                journal.set_state("cutover"),
            ),
            undo=(
                journal.require_state("cutover", "validated"),
                *filling.require_fillable(plan),
                foreign_keys.lock_for_swap(plan),
                _drain_within_budget(plan, "drain_back"),
                *dependents.detach(plan),
                *foreign_keys.drop_all(plan),
                *grace.drop_grace(plan),
                *_drop_back_triggers(plan),
                *swap.drop_triggers(plan),
                *row_security.drop_policies(plan, source),
                *traps.lift_traps(table.retired for table in all_members(plan)),
                *swap.swap_out_shadows(plan),
                *row_security.close_returned(plan),
                *traps.lay_traps(table.shadow for table in all_members(plan)),
                *row_security.rebind_outside(plan),
                *publications.carry_back(plan),
                *foreign_keys.add_all(plan),
                *swap.restore_triggers(plan),
                *dependents.attach(plan),
                dependents.nothing_left([table.shadow for table in all_members(plan)]),
                journal.record_stall("rollback"),
                journal.set_state("rolled_back"),
            ),
        ),
    )


def finish_steps(plan: Plan) -> tuple[Step, ...]:
    """Return the steps of revision `finish`. It has no way back: the old keys are gone."""
    if plan.default_only:
        return default_only.finish_steps(plan)
    return (
        Step(
            "validate",
            "validate the foreign keys",
            "SHARE UPDATE EXCLUSIVE",
            "nobody",
            (
                journal.require_state("cutover", "validated"),
                *foreign_keys.validate_all(plan),
            ),
        ),
        Step(
            "drop-retired",
            "drop the retired tables and all objects of the tool",
            "ACCESS EXCLUSIVE",
            "reads and writes, for milliseconds",
            (
                capture.lock_what_is_left(plan),  # partitions are dropped after a while
                *grace.drop_grace(plan),
                *_drop_back_triggers(plan),
                *_drop_retired(plan),
                *_drop_shadow_schemas(plan),
                _drop_current_key(),
                journal.drop_keys_schema(),
                journal.drop_schema(),
            ),
        ),
    )


def _record(plan: Plan) -> tuple[Statement, ...]:
    document = plan_to_json(replace(plan, created_at=""))
    return journal.record_run(plan, document, plan_hash(plan))


def _capture_triggers(plan: Plan) -> tuple[Statement, ...]:
    return tuple(
        statement
        for table in plan.tables
        for statement in capture.create_triggers(
            table, "capture", names.CAPTURE, names.CAPTURE_TRUNCATE
        )
    )


def _drop_capture_triggers(plan: Plan) -> tuple[Statement, ...]:
    return tuple(
        statement
        for table in plan.tables
        for statement in capture.drop_triggers(table, names.CAPTURE, names.CAPTURE_TRUNCATE)
    )


def _back_triggers(plan: Plan) -> tuple[Statement, ...]:
    return tuple(
        statement
        for table in plan.tables
        for statement in capture.create_triggers(
            table, "back_capture", names.BACK_CAPTURE, names.BACK_CAPTURE_TRUNCATE
        )
    )


def _drop_back_triggers(plan: Plan) -> tuple[Statement, ...]:
    return tuple(
        statement
        for table in plan.tables
        for statement in capture.drop_triggers(
            table, names.BACK_CAPTURE, names.BACK_CAPTURE_TRUNCATE
        )
    )


def _drop_shadow(relation: RelationName) -> Statement:
    return Statement(sql.SQL("DROP TABLE {}").format(relation.identifier))


def _drop_shadow_schemas(plan: Plan) -> tuple[Statement, ...]:
    return tuple(
        Statement(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(schema)))
        for schema in names.shadow_schemas(plan)
    )


def _drop_retired(plan: Plan) -> tuple[Statement, ...]:
    view = Statement(sql.SQL("DROP VIEW uuidmig.id_map"))
    policies = row_security.drop_policies(plan, retired)
    tables = [_drop_shadow(table.retired) for table in plan.tables]
    return (view, *policies, *tables, *swap.drop_retired_schemas(plan))


def _drop_current_key() -> Statement:
    return Statement(sql.SQL("DROP FUNCTION uuidmig_keys.current_key(uuid)"))


def _drop_back(plan: Plan) -> tuple[Statement, ...]:
    """Everything cutover made in schema uuidmig; the new tables stay, as evidence, until abort."""
    parts: list[sql.Composable] = [
        sql.SQL("DROP VIEW uuidmig.id_map"),
        sql.SQL("DROP TABLE uuidmig.key_map_filled"),
        sql.SQL("DROP FUNCTION uuidmig.drain_back()"),
        sql.SQL("DROP FUNCTION uuidmig.fill_key_map()"),
        sql.SQL("DROP FUNCTION uuidmig.back_backlog()"),
        *unforced.drop_inner(plan, "drain_back"),
    ]
    for table in plan.tables:
        parts.append(sql.SQL("DROP FUNCTION {}()").format(names.own("back_capture", table.number)))
        parts.append(
            sql.SQL("DROP FUNCTION IF EXISTS {}()").format(names.own("grace", table.number))
        )
        parts.append(sql.SQL("DROP TABLE {}").format(names.own("back_log", table.number)))
    for domain in plan.domains:
        parts.append(sql.SQL("DROP FUNCTION {}(uuid)").format(grace.current_key(domain)))
        parts.append(sql.SQL("DROP TABLE {}").format(grace.key_map(domain)))
    carry = publications.drop_carry_function()
    notes = unseen_writes.drop_notes()
    return (_drop_current_key(), carry, *notes, *(Statement(part) for part in parts))


_DRAIN = sql.SQL("""DO $uuidmig$
DECLARE
  allowed bigint :=
    coalesce(nullif(current_setting('uuidmig.drain_limit', true), ''), '5000')::bigint;
BEGIN
  IF uuidmig.{backlog}() > allowed THEN
    RAISE EXCEPTION USING ERRCODE = 'UM001',
      MESSAGE = 'uuidmig: more than ' || allowed || ' rows wait in the change log',
      HINT = 'The locks are released; catch up, then try again.';
  END IF;
{give_up}  PERFORM uuidmig.{drain}();
END
$uuidmig$""")


def _give_up(plan: Plan, log: str) -> sql.Composable:
    """Return what fails where the last drain would read whole tables."""
    truncated = emptied.give_up(plan, log)
    return truncated if log == "log" else sql.Composed([unseen_writes.give_up(), truncated])


def _drain_within_budget(plan: Plan, drain_name: str) -> Statement:
    """Return the last drain under the locks; it fails rather than hold them for long."""
    backlog, log = {"drain": ("backlog", "log"), "drain_back": ("back_backlog", "back_log")}[
        drain_name
    ]
    return Statement(
        _DRAIN.format(
            backlog=sql.Identifier(backlog),
            give_up=_give_up(plan, log),
            drain=sql.Identifier(drain_name),
        ),
        "replay what is left of the change log",
    )
