"""Every step of a migration in order, for those who read plans.

`migrate` runs the revisions' steps as they are. The copy, the builds and the comparison it does in
chunks and in parallel; here each is one statement that does the same.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import all_leaves
from uuidmig.steps import journal
from uuidmig.steps.comparing import differing_rows
from uuidmig.steps.copying import copy_statement
from uuidmig.steps.indexes import index_builds, reset_tablespace, whole_tables
from uuidmig.steps.model import Statement, Step
from uuidmig.steps.revisions import cutover_steps, finish_steps, prepare_steps
from uuidmig.steps.unforced import unforced

__all__ = ["finish_steps", "plan_steps", "steps_between", "steps_through_cutover"]


def plan_steps(plan: Plan) -> tuple[Step, ...]:
    """Return all steps, finish included."""
    return (*steps_through_cutover(plan), *finish_steps(plan))


def steps_through_cutover(plan: Plan) -> tuple[Step, ...]:
    """Return the steps up to the cutover: all that can still be undone."""
    return (*prepare_steps(plan), *steps_between(plan), *cutover_steps(plan))


def steps_between(plan: Plan) -> tuple[Step, ...]:
    """Return the steps from prepare to cutover: those that are in no revision."""
    if plan.default_only:
        return ()
    return (_copy(plan), _build(plan), _catch_up(), _verify(plan))


def _copy(plan: Plan) -> Step:
    copies = tuple(copy_statement(plan, leaf, (0, None)) for leaf in all_leaves(plan))
    purge = Statement(sql.SQL("SELECT uuidmig.purge()"), "rows that moved come back by the log")
    return Step(
        "copy",
        "copy all rows through the mapping, in chunks",
        "ACCESS SHARE",
        "nobody",
        (*copies, purge, journal.set_state("copied")),
        transactional=False,
    )


def _build(plan: Plan) -> Step:
    builds = index_builds(plan)
    return Step(
        "build",
        f"vacuum the shadows, build {len(builds)} indexes, analyze",
        "none",
        "nobody",
        (
            *(_on_shadow(sql.SQL("VACUUM {}"), table) for table in plan.tables),
            *(s for built in builds for s in (built.place, built.create, *built.attach)),
            *whole_tables(plan),
            reset_tablespace(),
            *(_on_shadow(sql.SQL("ANALYZE {}"), table) for table in plan.tables),
            journal.set_state("built"),
        ),
        transactional=False,
    )


def _on_shadow(command: sql.SQL, table: ClosureTable) -> Statement:
    return Statement(command.format(table.shadow.identifier))


def _catch_up() -> Step:
    return Step(
        "catch-up",
        "replay the change log until it is short",
        "ACCESS SHARE",
        "nobody",
        (*_drain(), journal.set_state("caught_up")),
    )


def _verify(plan: Plan) -> Step:
    gates = tuple(_gate(plan, table) for table in plan.tables)
    return Step(
        "verify",
        "compare every row with its copy, at one moment",
        "SHARE",
        "writes, for milliseconds",
        (*_drain(), *gates, journal.set_state("verified")),
    )


def _drain() -> tuple[Statement, ...]:
    return (
        Statement(
            sql.SQL("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
            "the log and the rows it names, of one moment",
        ),
        Statement(sql.SQL("SELECT uuidmig.drain()")),
    )


def _gate(plan: Plan, table: ClosureTable) -> Statement:
    message = sql.Literal(f"{table.name} differs from its copy; undo all this")
    body = sql.SQL(
        "BEGIN IF EXISTS ({}) THEN RAISE EXCEPTION USING MESSAGE = {}; END IF; END"
    ).format(differing_rows(plan, table, 1).sql, message)
    return unforced(plan, Statement(sql.SQL("DO {}").format(sql.Literal(body.as_string(None)))))
