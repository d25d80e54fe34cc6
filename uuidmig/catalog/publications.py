"""Publications: which tables each of them sends to subscribers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from uuidmig.catalog.model import Publication, PublicationMember, RelationName
from uuidmig.catalog.rows import Row


def build_publications(rows: Iterable[Row], members: Iterable[Row]) -> tuple[Publication, ...]:
    """Return the publications from the rows of `publications.sql` and `publication_members.sql`."""
    named: defaultdict[str, list[PublicationMember]] = defaultdict(list)
    for row in members:
        fields = dict(row)
        relation = RelationName(*fields.pop("relation"))
        named[fields.pop("publication")].append(PublicationMember(relation, **fields))
    return tuple(
        Publication(
            name=row["name"],
            owner=row["owner"],
            all_tables=row["all_tables"],
            sent=tuple(RelationName(*relation) for relation in row["sent"]),
            members=tuple(named[row["name"]]),
            publish=tuple(row["publish"]),
            via_root=row["via_root"],
            generated_columns=row["generated_columns"],
        )
        for row in rows
    )
