"""From a connection to a plan: catalog, key counts, and what stands against a run right now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from psycopg import errors

from uuidmig import __version__
from uuidmig.catalog.dependent_rights import missing_dependent_rights
from uuidmig.catalog.key_counts import count_keys
from uuidmig.catalog.key_defaults import read_key_defaults
from uuidmig.catalog.model import KeyCounts
from uuidmig.catalog.preflight import Preflight, read_preflight
from uuidmig.catalog.read import read_catalog
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.event_triggers import find_event_triggers
from uuidmig.engine.label_providers import find_missing_providers
from uuidmig.engine.locks import bound_reads, reading
from uuidmig.engine.new_keys import find_rejected_keys
from uuidmig.engine.soft_sampling import QUICK, QUICK_SECONDS, sample_columns
from uuidmig.engine.unforced import is_prepared, prepare, seeing_all_rows, with_hidden_rows_found
from uuidmig.engine.workers import run_tasks
from uuidmig.planner import build_plan, candidate_roots
from uuidmig.planner.default_only import build_default_plan, switched_tables, what_matters
from uuidmig.planner.model import DEFAULT_ONLY, ColumnName, Hazard, Plan, PlanOptions
from uuidmig.planner.partitions import all_members
from uuidmig.planner.slots import find_slots
from uuidmig.planner.soft_hits import SAMPLED_CODES, SoftReport, undeclared


def make_plan(dsn: str, options: PlanOptions) -> Plan:
    """Return the plan for this database as it is now. Reads only.

    What stands against it is in `Plan.refusals`. Raises ConfigurationError for options that do
    not fit, NothingToMigrate, ConnectionFailed, LockNotObtained when a table cannot be read.
    """
    with connect(dsn, "plan") as connection, reading(connection, "plan"):
        catalog = with_hidden_rows_found(connection, read_catalog(connection))
        roots = candidate_roots(catalog, options)
        hidden = {table.name for table in catalog.tables if table.row_security_active}
        seen = [root for root in roots if root.table not in hidden]
        counts = _count(dsn, seen, past_force=is_prepared(connection))
        now = datetime.now(UTC)
        if options.strategy == DEFAULT_ONLY:
            defaults = read_key_defaults(connection, [(root.table, root.column) for root in roots])
            plan = build_default_plan(
                catalog, options, counts, defaults, tool_version=__version__, now=now
            )
        else:
            plan = build_plan(catalog, options, counts, tool_version=__version__, now=now)
        plan = with_preflight(connection, plan)
        if plan.default_only:
            return plan  # keys stay as they are, and so do references to them
        report = sample_columns(connection, catalog, plan, QUICK, QUICK_SECONDS)
        return with_soft_report(plan, report)


def with_soft_report(plan: Plan, report: SoftReport) -> Plan:
    """Return the plan with the warnings of this report, instead of those of an earlier one."""
    others = (h for h in plan.hazards if h.code not in SAMPLED_CODES)
    return replace(plan, hazards=(*others, *undeclared(plan, report)))


def _count(
    dsn: str, roots: Sequence[ColumnName], *, past_force: bool
) -> dict[ColumnName, KeyCounts]:
    """Count two columns at a time: each is a scan of up to 64 MB.

    Keys that this role may not read are not counted: what that means, the hazards tell.
    """
    counts: dict[ColumnName, KeyCounts] = {}

    def work(connection: Connection, root: ColumnName) -> None:
        bound_reads(connection)
        if past_force:
            prepare(connection)
        with suppress(errors.InsufficientPrivilege), seeing_all_rows(connection):
            counts[root] = count_keys(connection, root.table, root.column)

    run_tasks(dsn, 2, "count", list(roots), work)
    return counts


def with_preflight(connection: Connection, plan: Plan) -> Plan:
    """Return the plan with the hazards of this moment added."""
    names = [*(member.name for member in all_members(plan)), *switched_tables(plan)]
    looked = read_preflight(connection, names)
    found = tuple(_hazards(plan, what_matters(looked) if plan.default_only else looked))
    clashes = tuple(_schema_clashes(connection, plan))
    rights = tuple(_dependent_rights(connection, plan))
    rejected = _rejected_keys(connection, plan)
    more = (*find_missing_providers(connection, plan), *find_event_triggers(connection))
    return replace(plan, hazards=(*plan.hazards, *found, *rights, *clashes, *rejected, *more))


def _hazards(plan: Plan, found: Preflight) -> list[Hazard]:
    hazards: list[Hazard] = []

    def add(severity: str, code: str, name: object, message: str, remedy: str) -> None:
        hazards.append(Hazard(severity, code, str(name), message, remedy))

    for right in found.missing_rights:
        add(
            "refusal",
            "missing-right",
            right.object,
            f"{plan.server.user} lacks {right.privilege} on {right.object}",
            "grant it, or run as the owner of the tables",
        )
    for vacuum in found.wraparound_vacuums:
        add(
            "refusal",
            "wraparound-vacuum",
            vacuum.relation,
            f"an autovacuum to prevent wraparound (pid {vacuum.pid}) works on it"
            " and will not give way",
            "let it finish first",
        )
    for prepared in found.prepared_transactions:
        add(
            "refusal",
            "prepared-transaction",
            prepared.gid,
            f"prepared transaction {prepared.gid} holds locks on the tables",
            "COMMIT PREPARED or ROLLBACK PREPARED it",
        )
    for transaction in found.transactions:
        add(
            "warning",
            "long-transaction",
            f"pid {transaction.pid}",
            f"open for {transaction.seconds:.0f} s ({transaction.application or 'no name'},"
            f" {transaction.state}): locks may have to wait for it",
            "let it end before the cutover",
        )
    hazards += find_slots(plan, found.replication_slots)
    needed = plan.forecast.disk_bytes if plan.forecast else 0
    if found.free_disk_bytes is not None and found.free_disk_bytes < needed:
        add(
            "refusal",
            "disk",
            plan.server.database,
            f"needs {needed >> 20} MiB of disk, {found.free_disk_bytes >> 20} MiB are free",
            "free some space, or migrate fewer tables at a time with --table",
        )
    return hazards


def _rejected_keys(connection: Connection, plan: Plan) -> tuple[Hazard, ...]:
    with connection.transaction():
        connection.execute("SET TRANSACTION READ ONLY")
        connection.execute("SET LOCAL search_path = ''")  # expressions come with qualified names
        with seeing_all_rows(connection):
            return find_rejected_keys(connection, plan)


def _dependent_rights(connection: Connection, plan: Plan) -> list[Hazard]:
    missing = missing_dependent_rights(connection, plan.dependents, plan.server.version)
    return [
        Hazard(
            "refusal",
            "missing-right",
            right.object,
            f"{right.role} lacks {right.privilege} on {right.object}, which must be bound to the"
            " new tables",
            "grant it, or run as the owner of the views, rules and functions too",
        )
        for right in missing
    ]


def _schema_clashes(connection: Connection, plan: Plan) -> list[Hazard]:
    wanted = {s for t in all_members(plan) for s in (t.shadow.schema, t.retired.schema)}
    wanted |= {"uuidmig", "uuidmig_keys"}  # abort and finish drop them with all that is in them
    rows = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"
        " AND obj_description(oid, 'pg_namespace') IS DISTINCT FROM 'uuidmig'",
        [sorted(wanted)],
    ).fetchall()
    return [
        Hazard(
            "refusal",
            "schema-exists",
            name,
            f"schema {name} exists, but is not of uuidmig",
            "rename it: uuidmig keeps its tables in a schema of this name",
        )
        for (name,) in rows
    ]
