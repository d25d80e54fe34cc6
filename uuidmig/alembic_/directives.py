"""An operation of Alembic's autogenerate that renders as the lines it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import MigrateOperation, MigrationScript
from alembic.runtime.migration import MigrationContext

from uuidmig.alembic_.inline import downgrade_body, upgrade_body
from uuidmig.steps.model import Step


class Lines(MigrateOperation):
    """Python text without indentation; ExecuteSQLOp would read `:name` in the SQL."""

    def __init__(self, text: str) -> None:
        self.text = text


@renderers.dispatch_for(Lines)
def _render(autogen_context: AutogenContext, operation: Lines) -> str:
    return operation.text


def directive(
    name: str, digest: str, steps: tuple[Step, ...], no_way_back: str
) -> Callable[[MigrationContext, Any, list[MigrationScript]], None]:
    """Return a `process_revision_directives` that puts the steps into the revision."""

    def fill(context: MigrationContext, revision: Any, directives: list[MigrationScript]) -> None:
        (script,) = directives
        assert script.upgrade_ops is not None
        assert script.downgrade_ops is not None
        script.upgrade_ops.ops[:] = [Lines(upgrade_body(name, digest, steps))]
        script.downgrade_ops.ops[:] = [Lines(downgrade_body(name, steps, no_way_back))]

    return fill
