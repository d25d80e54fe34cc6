"""The plan as a psql script: what `plan --sql` and `migrate --dry-run` print.

It is made to be read, and to be run statement by statement by somebody who knows why. Every name
that gets into a comment goes through `one_line`: a newline in it would end the comment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from uuidmig.planner.default_only import switched_tables
from uuidmig.planner.model import Hazard, Plan
from uuidmig.report.units import counted, one_line
from uuidmig.steps.model import Statement, Step
from uuidmig.steps.subscribers import subscriber_commands

_GUARD = """\
-- From here on there is no way back: {what}.
-- psql stops here; take the next line out when the application was seen to work.
\\quit"""

_GONE = {False: "the old keys are dropped", True: "the old defaults are forgotten"}


def plan_script(
    plan: Plan,
    steps: Sequence[Step],
    finish: Sequence[Step],
    plan_hash: str,
    *,
    lock_timeout_ms: int = 500,
) -> str:
    """Return the whole script, ending in a newline; `lock_timeout_ms` goes into its SET.

    psql runs `steps` and stops before the ones of `finish`, which cannot be undone.
    """
    blocks = [
        "\n".join((*_header(plan, plan_hash), *_FOR_REVIEW, *_hazards(plan))),
        _settings(lock_timeout_ms),
        *("\n".join(_step(number, step)) for number, step in enumerate(steps, start=1)),
        _GUARD.format(what=_GONE[plan.default_only]),
        *("\n".join(_step(number, step)) for number, step in enumerate(finish, len(steps) + 1)),
    ]
    return "\n\n".join(blocks) + "\n"


def between_script(
    plan: Plan, steps: Sequence[Step], plan_hash: str, *, lock_timeout_ms: int = 500
) -> str:
    """Return the script for those who run the revisions by hand: the `steps` in none of them."""
    blocks = [
        "\n".join((*_header(plan, plan_hash), *_BETWEEN, *_hazards(plan))),
        _settings(lock_timeout_ms),
        *("\n".join(_step(number, step)) for number, step in enumerate(steps, start=1)),
    ]
    return "\n\n".join(blocks) + "\n"


def _settings(lock_timeout_ms: int) -> str:
    timeout = sql.SQL("SET lock_timeout = {}").format(sql.Literal(f"{lock_timeout_ms}ms"))
    # To compile the long expressions of copy and verify takes longer than to run them.
    return f"\\set ON_ERROR_STOP on\nSET jit = off;\n{timeout.as_string(None)};"


def _header(plan: Plan, plan_hash: str) -> Iterator[str]:
    server = plan.server
    strategy = plan.options.strategy
    yield f"-- uuidmig {plan.tool_version}: uuid4 keys to uuid7 keys, strategy {strategy}"
    yield from _comment(
        f"database {server.database} on PostgreSQL {version_text(server.version)} "
        f"as {server.user}, {plan.created_at}"
    )
    tables = len(plan.tables) or len(switched_tables(plan))
    yield f"-- plan {plan_hash}, {counted(tables, 'table')}"


_FOR_REVIEW = (
    "-- For review. `uuidmig migrate` runs these steps in chunks and in parallel, tries locks",
    "-- again and resumes after a crash; this script does none of that, and what it does",
    "-- `uuidmig abort` and `rollback` cannot take back: they run stored revisions.",
)

_BETWEEN = (
    "-- To be run between revisions prepare and cutover, instead of `uuidmig migrate`, which works",
    "-- in chunks and in parallel and resumes after a crash. When it fails: downgrade prepare,",
    "-- then start again.",
)


def _hazards(plan: Plan) -> Iterator[str]:
    for hazard in plan.hazards:
        yield from _comment(_hazard(hazard))
    for line in subscriber_commands(plan):
        yield from _comment(line.removeprefix("-- "))


def _hazard(hazard: Hazard) -> str:
    return f"{hazard.severity} {hazard.code}: {hazard.object}: {hazard.message}"


def _step(number: int, step: Step) -> Iterator[str]:
    yield from _comment(f"{number}. {step.id}: {step.title}")
    yield from _comment(f"lock: {step.lock}; blocks: {step.blocks}")
    if not step.apply:
        return
    if step.transactional:
        yield "BEGIN;"
    for statement in step.apply:
        yield from _statement(statement)
    if step.transactional:
        yield "COMMIT;"


def _statement(statement: Statement) -> Iterator[str]:
    if statement.comment:
        yield from _comment(statement.comment)
    yield statement.text.rstrip().removesuffix(";") + ";"


def _comment(text: str) -> Iterator[str]:
    yield f"-- {one_line(text)}"


def version_text(version: int) -> str:
    """Return server_version_num as people write it: 180006 -> "18.6"."""
    return f"{version // 10000}.{version % 10000}"
