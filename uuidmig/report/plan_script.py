"""The plan as a psql script: what `plan --sql` and `migrate --dry-run` print.

It is made to be read, and to be run statement by statement by somebody who knows why. Every name
that gets into a comment goes through `one_line`: a newline in it would end the comment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from uuidmig.planner.model import Hazard, Plan
from uuidmig.report.units import one_line
from uuidmig.steps.model import Statement, Step

_GUARD = """\
-- From here on there is no way back: the old keys are dropped.
-- psql stops here; take the next line out when the application was seen to work.
\\quit"""


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
    timeout = sql.SQL("SET lock_timeout = {}").format(sql.Literal(f"{lock_timeout_ms}ms"))
    blocks = [
        "\n".join(_header(plan, plan_hash)),
        f"\\set ON_ERROR_STOP on\n{timeout.as_string(None)};",
        *("\n".join(_step(number, step)) for number, step in enumerate(steps, start=1)),
        _GUARD,
        *("\n".join(_step(number, step)) for number, step in enumerate(finish, len(steps) + 1)),
    ]
    return "\n\n".join(blocks) + "\n"


def _header(plan: Plan, plan_hash: str) -> Iterator[str]:
    server = plan.server
    yield f"-- uuidmig {plan.tool_version}: uuid4 keys to uuid7 keys, strategy rewrite"
    yield from _comment(
        f"database {server.database} on PostgreSQL {version_text(server.version)} "
        f"as {server.user}, {plan.created_at}"
    )
    yield f"-- plan {plan_hash}, {len(plan.tables)} tables"
    yield "-- For review. `uuidmig migrate` runs these steps in chunks and in parallel, tries locks"
    yield "-- again and resumes after a crash; this script does none of that, and what it does"
    yield "-- `uuidmig abort` and `rollback` cannot take back: they run stored revisions."
    for hazard in plan.hazards:
        yield from _comment(_hazard(hazard))


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
