"""What uuidmig does not do: each finding names the object, the reason and the way out."""

from __future__ import annotations

from collections.abc import Iterator

from uuidmig.catalog.model import Grant, RelationName, Server, Table
from uuidmig.planner.domains import KeyGraph
from uuidmig.planner.listed_partitions import find_listed_refusals
from uuidmig.planner.model import ClosureTable, ColumnName, Hazard, KeyDomain, Plan
from uuidmig.planner.partition_refusals import find_staged_incoming
from uuidmig.planner.partitions import members
from uuidmig.planner.remedies import remedy_for
from uuidmig.planner.rerouting_refusals import find_rerouting_refusals

MINIMUM_SERVER = 150000


def find_refusals(graph: KeyGraph, plan: Plan) -> Iterator[Hazard]:
    """Yield every reason not to migrate that the catalog shows."""
    yield from server_refusals(plan.server)
    for domain in plan.domains:
        yield from _versions(domain, plan)
        yield from _columns(domain, graph)
    for table in plan.tables:
        for member in members(table):
            yield from _names(member.table)
            yield from _structure(member)
        yield from _foreign_keys(table)
        yield from _detours(table, plan)
        for member in members(table):
            yield from _grants(member.table)
        yield from find_rerouting_refusals(table)
        yield from find_listed_refusals(table, plan)
    yield from find_staged_incoming(plan)
    for key in plan.incoming:
        if not key.validated:
            yield _not_validated(key.child, key.name, key.enforced)


def _refusal(code: str, name: object, message: str, remedy: str) -> Hazard:
    return Hazard("refusal", code, str(name), message, remedy)


def server_refusals(server: Server) -> Iterator[Hazard]:
    """Yield why nothing can be changed on this server, whatever the strategy."""
    if server.in_recovery:
        yield _refusal(
            "in-recovery",
            server.database,
            "the server is a replica: it takes no writes",
            "connect to the primary",
        )
    if server.version < MINIMUM_SERVER:
        yield _refusal(
            "server-too-old",
            server.database,
            f"requires PostgreSQL 15, found {server.version // 10000}",
            "upgrade the server first",
        )


def _versions(domain: KeyDomain, plan: Plan) -> Iterator[Hazard]:
    counts = domain.counts
    if counts is not None and counts.other and plan.options.non_v4 == "refuse":
        about = "" if counts.exact else "about "
        yield _refusal(
            "other-versions",
            domain.root,
            f"{about}{counts.other} of {counts.total} keys are neither version 4 nor version 7 "
            f"({counts.v4} version 4, {counts.v7} version 7)",
            "--non-v4 convert maps them too, --non-v4 keep leaves them as they are",
        )


def _columns(domain: KeyDomain, graph: KeyGraph) -> Iterator[Hazard]:
    for name in (domain.root, *domain.members):
        roots = graph.roots[name]
        if len(roots) > 1:
            yield _refusal(
                "two-roots",
                name,
                f"the column follows {' and '.join(map(str, roots))}: it cannot hold the new keys "
                "of both",
                "drop all but one of the foreign keys",
            )


def _names(table: Table) -> Iterator[Hazard]:
    """The bodies of our functions are quoted with this: what follows it would run as SQL."""
    names = [table.name.schema, table.name.name]
    names += [column.name for column in table.columns]
    names += [column.sequence.relation.name for column in table.columns if column.sequence]
    names += [key.name for key in table.foreign_keys]
    if any("$uuidmig$" in name for name in names):
        yield _refusal(
            "reserved-name",
            table.name,
            "a name of the table, its columns, sequences or foreign keys contains $uuidmig$",
            "rename it",
        )


def _structure(entry: ClosureTable) -> Iterator[Hazard]:
    table = entry.table
    if table.kind not in ("r", "p"):
        yield _refusal(
            "table-kind",
            table.name,
            f"a table of kind {table.kind!r} is not handled",
            "leave the table out with --table or --schema",
        )
    # Only partitions of a partitioned table have rows to keep, so it may have no method.
    if table.access_method != "heap" and (table.access_method or table.kind != "p"):
        yield _refusal(
            "access-method",
            table.name,
            f"the access method is {table.access_method}, only heap is handled",
            "ALTER TABLE ... SET ACCESS METHOD heap",
        )
    if not entry.identity:
        yield _refusal(
            "no-identity",
            table.name,
            "no primary key, and no unique key over NOT NULL columns: rows cannot be told apart",
            "add a primary key",
        )
    for item in table.unsupported:
        yield _refusal(
            f"unsupported-{item.kind.replace(' ', '-')}",
            item.name,
            f"{item.reason} (it hangs on {table.name})",
            remedy_for(item.kind),
        )
    yield from _indexes(table)


def _indexes(table: Table) -> Iterator[Hazard]:
    for index in table.indexes:
        if not index.valid:
            yield _refusal(
                "invalid-index",
                RelationName(table.name.schema, index.name),
                f"the index of {table.name} is invalid",
                "REINDEX INDEX CONCURRENTLY or drop it",
            )
        if index.constraint_type in ("p", "u") and index.method == "gist":
            yield _refusal(
                "temporal-key",
                RelationName(table.name.schema, index.name),
                f"the key of {table.name} is WITHOUT OVERLAPS: one key value stands for several "
                "rows, which is not handled yet",
                "leave the table out with --table or --schema",
            )


def _foreign_keys(entry: ClosureTable) -> Iterator[Hazard]:
    for key in entry.table.foreign_keys:
        if not key.validated:
            yield _not_validated(key.child, key.name, key.enforced)


def _not_validated(child: RelationName, name: str, enforced: bool) -> Hazard:
    state = "not validated" if enforced else "not enforced"
    remedy = "ALTER TABLE ... VALIDATE CONSTRAINT" if enforced else "make it ENFORCED or drop it"
    return _refusal(
        "foreign-key-not-validated",
        f"{child}.{name}",
        f"the foreign key is {state}: there may be references to keys that do not exist",
        remedy,
    )


def _detours(entry: ClosureTable, plan: Plan) -> Iterator[Hazard]:
    for reference in entry.references:
        domain = plan.domain(reference.domain)
        parent = ColumnName(reference.parent, reference.parent_column)
        if not domain.root_unique and parent != domain.root:
            yield _refusal(
                "composite-detour",
                ColumnName(entry.name, reference.column),
                f"the column references {domain.root}, which is unique only together with other "
                f"columns, by way of {parent}",
                f"reference {domain.root.table} directly, with all columns of its key",
            )


def _grants(table: Table) -> Iterator[Hazard]:
    sequences = [column.sequence for column in table.columns if column.sequence is not None]
    holders = [
        (str(table.name), table.owner, table.acl),
        (f"type {table.name}", table.owner, table.row_type_acl),
        *((f"{table.name}.{c.name}", table.owner, c.acl) for c in table.columns),
        *((str(s.relation), s.owner, s.acl) for s in sequences),
    ]
    for name, owner, acl in holders:
        for grantor in _foreign_grantors(acl or (), owner):
            yield _refusal(
                "foreign-grantor",
                name,
                f"role {grantor} granted privileges that only that role can grant again "
                f"(the owner is {owner})",
                "revoke them and grant them as the owner",
            )


def _foreign_grantors(acl: tuple[Grant, ...], owner: str) -> list[str]:
    return sorted({grant.grantor for grant in acl} - {owner})
