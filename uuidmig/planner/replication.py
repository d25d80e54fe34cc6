"""Publications that send closure tables: refused unless accepted, some of them always."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from uuidmig.catalog.model import Catalog, Publication, PublicationMember, RelationName
from uuidmig.planner.closure import with_partitions
from uuidmig.planner.model import ClosureTable, Hazard, Plan
from uuidmig.planner.partitions import all_members

PAGE = "docs/replication.md"


def find_publications(catalog: Catalog, closure: Iterable[ClosureTable]) -> tuple[Publication, ...]:
    """Return the publications that send a table of the closure, or whatever table there is."""
    names = {part.name for table in closure for part in with_partitions(table.table)}
    return tuple(p for p in catalog.publications if p.all_tables or _sent(p, names))


def _sent(publication: Publication, names: Collection[RelationName]) -> list[RelationName]:
    every = {*publication.sent, *(member.relation for member in publication.members)}
    return sorted(every.intersection(names))


def find_replication(plan: Plan) -> Iterator[Hazard]:
    """Yield what stands against the migration, or must be known, because tables are published."""
    tables = {member.name: member for member in all_members(plan)}
    for publication in plan.publications:
        if publication.all_tables:
            yield _all_tables(publication)
            continue
        yield _published(publication, _sent(publication, tables), plan)
        for member in publication.members:
            if member.relation in tables:
                yield from _row_filter(publication, member, tables[member.relation])


def _refusal(code: str, name: str, message: str, remedy: str) -> Hazard:
    return Hazard("refusal", code, name, message, remedy)


def _warning(code: str, name: str, message: str, remedy: str) -> Hazard:
    return Hazard("warning", code, name, message, remedy)


def _all_tables(publication: Publication) -> Hazard:
    return _refusal(
        "publication-all-tables",
        publication.name,
        "the publication is FOR ALL TABLES: it would send the copies and the journal to "
        "subscribers, which have no such tables and stop; --accept-replication alone does not help",
        "replace it by one FOR TABLES IN SCHEMA for the time of the migration, as the plan says "
        f"under Subscribers ({PAGE}); then with --accept-replication",
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
