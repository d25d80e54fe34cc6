"""Publications that send closure tables, or all tables there are: refused unless accepted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from uuidmig.catalog.model import Catalog, Publication, PublicationMember, RelationName, Table
from uuidmig.planner.closure import with_partitions
from uuidmig.planner.model import ClosureTable, Hazard, Plan
from uuidmig.planner.partitions import all_leaves, all_members

PAGE = "docs/replication.md"
# The first server whose publications may send generated columns, and that asks whether they do.
_GENERATED_COLUMNS_SENT = 180000


def find_publications(catalog: Catalog, closure: Iterable[ClosureTable]) -> tuple[Publication, ...]:
    """Return the publications that send a table of the closure, or whatever table there is."""
    names = {part.name for table in closure for part in with_partitions(table.table)}
    return tuple(p for p in catalog.publications if p.all_tables or _sent(p, names))


def _sent(publication: Publication, names: Collection[RelationName]) -> list[RelationName]:
    every = {*publication.sent, *(member.relation for member in publication.members)}
    return sorted(every.intersection(names))


def sends_all_tables(plan: Plan) -> bool:
    """Return whether the copies and the journal are published too, from their creation on."""
    return any(publication.all_tables for publication in plan.publications)


def find_replication(plan: Plan) -> Iterator[Hazard]:
    """Yield what stands against the migration, or must be known, because tables are published."""
    tables = {member.name: member for member in all_members(plan)}
    for publication in plan.publications:
        if publication.all_tables:
            yield _all_tables(publication, plan)
            yield from _without_identity(publication, plan)
            continue
        yield _published(publication, _sent(publication, tables), plan)
        for member in publication.members:
            if member.relation in tables:
                yield from _row_filter(publication, member, tables[member.relation])


def _refusal(code: str, name: str, message: str, remedy: str) -> Hazard:
    return Hazard("refusal", code, name, message, remedy)


def _warning(code: str, name: str, message: str, remedy: str) -> Hazard:
    return Hazard("warning", code, name, message, remedy)


def _all_tables(publication: Publication, plan: Plan) -> Hazard:
    ours = "the journal" if plan.default_only else "the copies and the journal"
    if plan.options.accept_replication:
        return _warning(
            "published-all-tables",
            publication.name,
            f"the publication is FOR ALL TABLES: it sends {ours} too, until "
            "finish or abort; a subscription that reads it then stops, for want of these tables, "
            "and its slot keeps all WAL until it has let go of the publication",
            "do on each subscriber, before the migration, what the plan says under Subscribers",
        )
    return _refusal(
        "publication-all-tables",
        publication.name,
        f"the publication is FOR ALL TABLES: it would send {ours} to "
        "subscribers, which have no such tables and stop",
        "either replace it by one FOR TABLES IN SCHEMA for the time of the migration, as the plan "
        "says under Subscribers, or go on with --accept-replication: then the plan says how "
        f"subscribers stand still until finish ({PAGE})",
    )


def _without_identity(publication: Publication, plan: Plan) -> Iterator[Hazard]:
    """Copies are published while they are filled: what is deleted there needs an identity."""
    if not {"update", "delete"}.intersection(publication.publish):
        return
    for leaf in all_leaves(plan):
        table = leaf.table
        if not _has_identity(table):
            yield _refusal(
                "no-replica-identity",
                str(table.name),
                f"publication {publication.name} sends it and it has no replica identity: the "
                "server refuses every UPDATE and DELETE, those of uuidmig as well",
                f"ALTER TABLE {table.name.identifier.as_string(None)} REPLICA IDENTITY FULL",
            )
        elif plan.server.version >= _GENERATED_COLUMNS_SENT:
            yield from _unsent_columns(publication, table)


def _has_identity(table: Table) -> bool:
    """As RelationGetIndexList() in src/backend/utils/cache/relcache.c: a deferrable key is none,
    and an index that was chosen may have been dropped since."""
    if table.replica_identity == "d":
        return any(index.primary and index.immediate for index in table.indexes)
    if table.replica_identity == "i":
        return any(index.replica_identity for index in table.indexes)
    return table.replica_identity == "f"


def _unsent_columns(publication: Publication, table: Table) -> Iterator[Hazard]:
    """The server compares what a publication sends with an identity, which is the whole row."""
    kinds = {column.generated for column in table.columns}
    replaced = f"replace {publication.name} as the plan without --accept-replication says"
    meanwhile = (
        "; or, when its subscribers stand still and until they copy anew, ALTER PUBLICATION ... "
        "SET (publish_generated_columns = stored)"
    )
    if "v" in kinds or ("s" in kinds and not publication.generated_columns):
        yield _refusal(
            "unpublished-generated-column",
            str(table.name),
            f"publication {publication.name} sends it without its generated columns: the server "
            "refuses every DELETE in the copy while that has no index",
            replaced + ("" if "v" in kinds else meanwhile),
        )


def _published(publication: Publication, sent: list[RelationName], plan: Plan) -> Hazard:
    tables = ", ".join(map(str, sent))
    if plan.options.accept_replication:
        return _warning(
            "published",
            publication.name,
            f"the publication sends {tables}: it will send the new tables from the cutover on; "
            "subscribers keep old keys until they copy anew",
            "do on each subscriber what the plan says under Subscribers",
        )
    return _refusal(
        "publication",
        publication.name,
        f"the publication sends {tables}: subscribers would keep the old keys and find no row "
        "for any change",
        "with --accept-replication it is carried over, and each subscriber has to do what the "
        f"plan says under Subscribers ({PAGE})",
    )


def _row_filter(
    publication: Publication, member: PublicationMember, table: ClosureTable
) -> Iterator[Hazard]:
    keys = {name for name, _ in table.roots} | {reference.column for reference in table.references}
    if used := sorted(keys.intersection(member.filter_columns)):
        yield _refusal(
            "publication-row-filter",
            publication.name,
            f"its row filter of {member.relation} reads {', '.join(used)}: with new keys it would "
            f"choose other rows: {member.row_filter}",
            "ALTER PUBLICATION ... SET TABLE with a filter that reads no key",
        )
