"""What stands in for a publication FOR ALL TABLES while a migration is under way.

FOR ALL TABLES would send the copies, the change logs and the journal to subscribers that have no
such tables. A publication of the schemas there are sends the same tables, and none of ours: they
lie in schemas of their own. It comes before the other one goes, so nothing is lost and nothing is
copied: a subscription copies only tables that it does not have yet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from psycopg import sql

from uuidmig.catalog.model import EVERY_CHANGE, Publication
from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import all_members

INSTEAD = "uuidmig_instead"
"""The publication of schemas, which the DBA creates and drops; numbered when there are several."""

AWAIT_SLOTS = """\
SELECT pg_current_wal_lsn() AS created \\gset
-- again and again, until every subscriber has passed it:
SELECT slot_name, confirmed_flush_lsn >= :'created' AS passed FROM pg_replication_slots \
WHERE slot_type = 'logical' AND database = current_database();"""
"""What follows a CREATE PUBLICATION before a subscriber may name it: one that is behind would look
for it in the catalog of its own time."""

_CREATE_INSTEAD = sql.SQL("""\
-- on the publisher, before the migration, in place of the one FOR ALL TABLES:
CREATE PUBLICATION {instead} FOR TABLES IN SCHEMA {schemas}{options};
{await_slots}""")

_USE_INSTEAD = sql.SQL("""\
-- on every subscriber, for each of these, with psql -v subscription=NAME:
SELECT subname FROM pg_subscription WHERE {literal} = ANY (subpublications);
ALTER SUBSCRIPTION :"subscription" ADD PUBLICATION {instead};
ALTER SUBSCRIPTION :"subscription" DROP PUBLICATION {everything};""")

# The command that a WAL sender runs for its consumer has the names of the publications.
_READERS = """\
-- on the publisher, when nobody reads it any more: each of these is active,
-- and none reads it; whoever still does, or comes back later, loses changes:
SELECT slot_name, active, substring(query FROM 'publication_names.*') AS reads \
FROM pg_replication_slots LEFT JOIN pg_stat_activity ON pid = active_pid \
WHERE plugin = 'pgoutput' AND database = current_database();
"""

_DROP_EVERYTHING = sql.SQL(_READERS + "DROP PUBLICATION {everything};")

_CREATE_EVERYTHING = sql.SQL("""\
-- on the publisher, after uuidmig finish or abort, to have that one again:
CREATE PUBLICATION {everything} FOR ALL TABLES{options};
{await_slots}""")

_USE_EVERYTHING = sql.SQL("""\
-- on every subscriber, for each of these, with psql -v subscription=NAME:
SELECT subname FROM pg_subscription WHERE {instead_literal} = ANY (subpublications);
ALTER SUBSCRIPTION :"subscription" ADD PUBLICATION {everything};
ALTER SUBSCRIPTION :"subscription" DROP PUBLICATION {instead};""")

_DROP_INSTEAD = sql.SQL(_READERS + "DROP PUBLICATION {instead};")


@dataclass(frozen=True, slots=True)
class StandIn:
    """A publication FOR ALL TABLES, and the one of schemas that takes its place for a while."""

    everything: Publication
    instead: Publication

    def create_instead(self) -> tuple[str, ...]:
        """Return what is done on the publisher first."""
        return self._lines(_CREATE_INSTEAD)

    def use_instead(self) -> tuple[str, ...]:
        """Return what each subscriber does then; it copies nothing, and loses nothing."""
        return self._lines(_USE_INSTEAD)

    def drop_everything(self) -> tuple[str, ...]:
        """Return what is done on the publisher before the migration may begin."""
        return self._lines(_DROP_EVERYTHING)

    def create_everything(self) -> tuple[str, ...]:
        """Return what is done on the publisher when nothing of the migration is left."""
        return self._lines(_CREATE_EVERYTHING)

    def use_everything(self) -> tuple[str, ...]:
        """Return what each subscriber does then."""
        return self._lines(_USE_EVERYTHING)

    def drop_instead(self) -> tuple[str, ...]:
        """Return what is done on the publisher in the end."""
        return self._lines(_DROP_INSTEAD)

    def _lines(self, template: sql.SQL) -> tuple[str, ...]:
        schemas = sorted({relation.schema for relation in self.instead.sent})
        text = template.format(
            everything=sql.Identifier(self.everything.name),
            literal=sql.Literal(self.everything.name),
            instead=sql.Identifier(self.instead.name),
            instead_literal=sql.Literal(self.instead.name),
            schemas=sql.SQL(", ").join(map(sql.Identifier, schemas)),
            options=_options(self.everything),
            await_slots=sql.SQL(AWAIT_SLOTS),
        )
        return tuple(text.as_string(None).splitlines())


def stand_ins(plan: Plan) -> tuple[StandIn, ...]:
    """Return one for each publication FOR ALL TABLES."""
    found = [publication for publication in plan.publications if publication.all_tables]
    ours = {"uuidmig"}  # of a migration that was rolled back
    ours.update(s for t in all_members(plan) for s in (t.shadow.schema, t.retired.schema))
    return tuple(
        StandIn(
            publication,
            replace(
                publication,
                name=INSTEAD if len(found) == 1 else f"{INSTEAD}_{number}",
                all_tables=False,
                sent=tuple(table for table in publication.sent if table.schema not in ours),
            ),
        )
        for number, publication in enumerate(found, 1)
    )


def _options(publication: Publication) -> sql.Composable:
    """Return the options that are not the server's defaults."""
    parts: list[sql.Composable] = []
    if publication.publish != EVERY_CHANGE:
        parts.append(sql.SQL("publish = {}").format(sql.Literal(", ".join(publication.publish))))
    if publication.via_root:
        parts.append(sql.SQL("publish_via_partition_root = true"))
    if publication.generated_columns:
        parts.append(sql.SQL("publish_generated_columns = stored"))
    return sql.SQL(" WITH ({})").format(sql.SQL(", ").join(parts)) if parts else sql.SQL("")
