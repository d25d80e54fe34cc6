"""Label providers: a security label can be set only where the provider's library is loaded."""

from __future__ import annotations

import psycopg
from psycopg import errors, sql

from uuidmig.engine.connection import Connection
from uuidmig.planner.model import Hazard, Plan
from uuidmig.steps.security_labels import label_providers


def find_missing_providers(connection: Connection, plan: Plan) -> tuple[Hazard, ...]:
    """Return a refusal for each provider of a label of the plan that this session does not have."""
    return tuple(
        Hazard(
            "refusal",
            "label-provider-missing",
            provider,
            f"objects of the plan have security labels of provider {provider}, which is not loaded"
            f" in sessions of {plan.server.user}: the new ones could not be labelled",
            "load its library by shared_preload_libraries, or by session_preload_libraries of the"
            " database or the role",
        )
        for provider in label_providers(plan)
        if not _is_loaded(connection, provider)
    )


def _is_loaded(connection: Connection, provider: str) -> bool:
    """The catalog does not tell. The server looks for the provider first, then for the table, which
    cannot be there: nothing is ever labelled."""
    try:
        connection.execute(
            sql.SQL("SECURITY LABEL FOR {} ON TABLE {} IS NULL").format(
                sql.Identifier(provider), sql.Identifier("uuidmig", "no_such_table")
            )
        )
    except errors.InvalidParameterValue:
        return False
    except psycopg.DatabaseError:
        return True
    return True
