"""Alembic's environment for uuidmig's own runs: its version table lies in schema uuidmig.

`uuidmig.alembic_.runner` passes the connection and the revisions in `Config.attributes`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Connection, text

connection: Connection = context.config.attributes["connection"]
revisions = {revision.id: revision for revision in context.config.attributes["revisions"]}


def keep_house(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Store the scripts with prepare; drop the schema after the revision that leaves nothing.

    Alembic calls this in the revision's transaction, after it wrote its version.
    """
    match revisions[str(step.up_revision_id)].name, step.is_upgrade:
        case "prepare", True:
            connection.execute(
                text("INSERT INTO uuidmig.revision VALUES (:id, :name, :script)"),
                [{"id": r.id, "name": r.name, "script": r.script} for r in revisions.values()],
            )
        case ("prepare", False) | ("finish", True):
            connection.execute(text("DROP SCHEMA uuidmig CASCADE"))


context.configure(
    connection=connection,
    version_table_schema="uuidmig",
    transaction_per_migration=True,
    on_version_apply=keep_house,
)
if not context.get_context().get_current_heads():
    # Alembic creates its table before the first revision. Both are in the transaction that this
    # statement opens and that revision ends: when prepare fails, nothing is left.
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS uuidmig"))
with context.begin_transaction():
    context.run_migrations()
