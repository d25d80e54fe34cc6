"""Runs uuidmig's revisions in the user's environment. One attempt: trying again is the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from uuidmig.alembic_.users import UsersEnvironment, open_environment
from uuidmig.errors import AlembicEnvironmentUnusable, AlembicNotAtHead, RevisionsMissing

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import Script
    from sqlalchemy import Connection


def upgrade(
    file: str,
    dsn: str,
    digest: str,
    name: str,
    *,
    settings: Mapping[str, str],
    application_name: str,
) -> None:
    """Run the revision of that plan and name in the one transaction of the user's env.py.

    `settings` hold for that transaction. Raises what psycopg raises, e.g. LockNotAvailable; then
    the revision has left nothing. AlembicNotAtHead when it is not the next one, RevisionsMissing,
    AlembicEnvironmentUnusable.
    """
    environment = open_environment(file, dsn)
    script = _find(environment, digest, name)
    below = _below(script)
    settings = {**settings, "application_name": application_name}

    def steps(context: MigrationContext) -> Iterable[RevisionStep]:
        from alembic.runtime.migration import MigrationStep

        heads = context.get_current_heads()
        if not (set(below) <= set(heads) if below else not heads):
            raise AlembicNotAtHead(
                f"{file}: the database is at {_list(heads)}, but {script.revision} follows"
                f" {_list(below)}; bring it there with `alembic upgrade` or `alembic downgrade`"
            )
        _set(environment.name, context, settings)
        if name != "finish":  # it leaves no journal to note it in
            _note(environment.name, context, script)
        return (MigrationStep.upgrade_from_script(environment.scripts.revision_map, script),)

    environment.run(steps, mutate=True)
    _require_kept(environment, script, script.revision in environment.heads())


def downgrade(
    file: str,
    dsn: str,
    digest: str,
    name: str,
    *,
    settings: Mapping[str, str],
    application_name: str,
) -> None:
    """Take the revision back, under the same rules as `upgrade`."""
    environment = open_environment(file, dsn)
    script = _find(environment, digest, name)
    settings = {**settings, "application_name": application_name}

    def steps(context: MigrationContext) -> Iterable[RevisionStep]:
        from alembic.runtime.migration import MigrationStep

        heads = context.get_current_heads()
        if script.revision not in heads:
            raise AlembicNotAtHead(
                f"{file}: the database is at {_list(heads)}; {script.revision} can be taken back"
                f" only from there: run `alembic downgrade {script.revision}` first"
            )
        _set(environment.name, context, settings)
        if name != "prepare":
            _note(environment.name, context, script)
        return (MigrationStep.downgrade_from_script(environment.scripts.revision_map, script),)

    environment.run(steps, mutate=True)
    _require_kept(environment, script, script.revision not in environment.heads())


def _find(environment: UsersEnvironment, digest: str, name: str) -> Script:
    found = environment.ours()
    if name not in found.get(digest, {}):
        raise RevisionsMissing(environment.name, digest, sorted(found.keys() - {digest}))
    return found[digest][name]


def _below(script: Script) -> tuple[str, ...]:
    below = script.down_revision
    return (below,) if isinstance(below, str) else tuple(below or ())


def _list(revisions: Iterable[str]) -> str:
    return ", ".join(revisions) or "no revision"


def _set(name: str, context: MigrationContext, settings: Mapping[str, str]) -> None:
    """Set the settings for the transaction, and make sure that there is one, of the right kind."""
    from sqlalchemy import text

    connection = _connection(context)
    for setting, value in settings.items():
        connection.execute(
            text("SELECT set_config(:name, :value, true)"), {"name": setting, "value": value}
        )
    kept, isolation = connection.execute(
        text(
            "SELECT current_setting('uuidmig.lock_budget', true),"
            " current_setting('transaction_isolation')"
        )
    ).one()
    if kept != settings["uuidmig.lock_budget"]:
        raise AlembicEnvironmentUnusable(
            f"{name}: the connection of its env.py commits each statement by itself (AUTOCOMMIT);"
            " the revisions need a transaction each"
        )
    if isolation != "read committed":
        raise AlembicEnvironmentUnusable(
            f"{name}: the connection of its env.py is in isolation level {isolation}; the revisions"
            " need READ COMMITTED"
        )


def _note(name: str, context: MigrationContext, script: Script) -> None:
    """Let the journal remember, in the revision's own transaction, which environment ran it."""
    from sqlalchemy import text

    def remember(**_: Any) -> None:
        _connection(context).execute(
            text(
                "INSERT INTO uuidmig.event (kind, step, detail) VALUES ('environment', :step,"
                " jsonb_build_object('config', CAST(:config AS text)))"
            ),
            {"step": script.revision, "config": name},
        )

    context.on_version_apply_callbacks = (*context.on_version_apply_callbacks, remember)


def _connection(context: MigrationContext) -> Connection:
    assert context.connection is not None  # UsersEnvironment.run has looked
    return context.connection


def _require_kept(environment: UsersEnvironment, script: Script, kept: bool) -> None:
    if not kept:
        raise AlembicEnvironmentUnusable(
            f"{environment.name}: {script.revision} ran, but its env.py did not commit it; see that"
            " it calls context.begin_transaction() around context.run_migrations()"
        )
