"""What the DBA of each subscriber does around a cutover and a rollback, as commands for psql.

Subscribers hold the old keys, and a table that a subscription has once is never copied again. So
the subscription lets go of the publications, for one that sends nothing (it must have one), and
takes them up again after the switch, which copies their tables. A subscription that is behind must
not meet that publication in WAL written before it existed: before PostgreSQL 18 it would fail there
again and again.

A publication FOR ALL TABLES sends uuidmig's own tables as well, as long as there are any. Either it
is replaced before all that, and may come back after it; or, when that is accepted, the subscription
lets go before there are any, and takes it up again when there are none.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from psycopg import sql

from uuidmig.catalog.model import Publication, RelationName
from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import leaves
from uuidmig.planner.replication import sends_all_tables
from uuidmig.steps.all_tables import AWAIT_SLOTS, StandIn, stand_ins

NOTHING = "uuidmig_nothing"
"""The publication without a table, which the DBA creates and drops."""

_ON_PUBLISHER = sql.SQL("""\
-- on the publisher, some time before the {start}:
CREATE PUBLICATION {nothing};
{await_slots}""")

_DETACH = sql.SQL("""\
-- on every subscriber, before the {start}{again}, for each
-- of these, with psql -v subscription=NAME; without publications it lacks:
SELECT subname, subpublications FROM pg_subscription WHERE subpublications && ARRAY[{literals}];
ALTER SUBSCRIPTION :"subscription" ADD PUBLICATION {nothing} WITH (refresh = false);
ALTER SUBSCRIPTION :"subscription" DROP PUBLICATION {names};""")

# A worker that has applied changes to a table goes on doing so until it ends. One in the middle of
# a transaction would put rows into a table that was emptied meanwhile, and these are then copied as
# well: the copy fails on them for ever, or the table has them twice.
_ATTACH = sql.SQL("""\
-- on every subscriber, after {end}; nothing may
-- be applied while the tables are emptied, so its workers end first:
ALTER SUBSCRIPTION :"subscription" DISABLE;
SELECT set_config('uuidmig.subscription', :'subscription', false) \\gset
DO $$ BEGIN
  WHILE EXISTS (SELECT FROM pg_stat_subscription WHERE pid IS NOT NULL
                AND subname = current_setting('uuidmig.subscription')) LOOP
    PERFORM pg_sleep(0.1);
  END LOOP;
END $$;
{trees}TRUNCATE {tables};
ALTER SUBSCRIPTION :"subscription" ADD PUBLICATION {names} WITH (refresh = false);
ALTER SUBSCRIPTION :"subscription" DROP PUBLICATION {nothing} WITH (refresh = false);
ALTER SUBSCRIPTION :"subscription" ENABLE;
ALTER SUBSCRIPTION :"subscription" REFRESH PUBLICATION;""")

# The server takes TRUNCATE of partitions for one of tables that others reference, and all of those
# must be named. To name them empties partitions that only the subscriber has: not unasked.
_TREES = sql.SQL("""\
-- if it is refused because foreign keys hold between partitioned tables, name
-- these in it too; that empties partitions that only the subscriber has:
{names}
""")

_RELEASE = sql.SQL("""\
-- on the publisher, when no subscription has it and nobody will roll back:
DROP PUBLICATION {nothing};""")


# When a subscription stands still.
_AROUND_SWITCH = {
    "start": sql.SQL("cutover"),
    "again": sql.SQL(" (and before a rollback)"),
    "end": sql.SQL("the cutover (and after a rollback)"),
}
_THROUGHOUT = {
    "start": sql.SQL("migration"),
    "again": sql.SQL(": it would stop there"),
    "end": sql.SQL("uuidmig finish or abort"),
}


def prepare_publisher(plan: Plan) -> tuple[str, ...]:
    """Return what is done on this server before, line by line; empty when nothing is published."""
    return _lines(plan, _ON_PUBLISHER)


def detach(plan: Plan) -> tuple[str, ...]:
    """Return what each subscriber does before a switch of keys; its tables stand still then."""
    return _lines(plan, _DETACH)


def attach(plan: Plan) -> tuple[str, ...]:
    """Return what each subscriber does after a switch of keys: it copies the tables anew."""
    return _lines(plan, _ATTACH)


def release_publisher(plan: Plan) -> tuple[str, ...]:
    """Return what is done on this server when all subscribers are done."""
    return _lines(plan, _RELEASE)


def after_cutover(plan: Plan) -> tuple[str, ...]:
    """Return what each subscriber does now."""
    return () if sends_all_tables(plan) else attach(plan)


def after_rollback(plan: Plan) -> tuple[str, ...]:
    """Return what each subscriber does now, whether it has done the first part before or not."""
    return () if sends_all_tables(plan) else (*detach(plan), *attach(plan))


def after_removal(plan: Plan) -> tuple[str, ...]:
    """Return what each subscriber does when finish or abort has left no table of uuidmig's."""
    return attach(plan) if sends_all_tables(plan) else ()


def subscriber_commands(plan: Plan) -> tuple[str, ...]:
    """Return all of it in order, to the end."""
    replaced = _replaced(plan)
    return (
        *chain.from_iterable(s.create_instead() for s in replaced),
        *chain.from_iterable(s.use_instead() for s in replaced),
        *chain.from_iterable(s.drop_everything() for s in replaced),
        *prepare_publisher(plan),
        *detach(plan),
        *attach(plan),
        *release_publisher(plan),
        *chain.from_iterable(s.create_everything() for s in replaced),
        *chain.from_iterable(s.use_everything() for s in replaced),
        *chain.from_iterable(s.drop_instead() for s in replaced),
    )


def _replaced(plan: Plan) -> tuple[StandIn, ...]:
    """Return what is to be replaced: nothing when all tables may be published meanwhile."""
    return () if plan.options.accept_replication else stand_ins(plan)


def _carried(plan: Plan) -> tuple[Publication, ...]:
    """Return the publications that subscriptions let go of, without what they send of ours: around
    a switch of keys, and while tables of ours are sent."""
    found = stand_ins(plan)
    if plan.options.accept_replication:
        every = [replace(s.instead, name=s.everything.name) for s in found]
    else:
        every = [] if plan.default_only else [s.instead for s in found]
    return (*(p for p in plan.publications if not p.all_tables), *every)


def _lines(plan: Plan, template: sql.SQL) -> tuple[str, ...]:
    carried = _carried(plan)
    if not carried:
        return ()
    throughout = plan.options.accept_replication and sends_all_tables(plan)
    tables = {relation for publication in carried for relation in publication.sent}
    text = template.format(
        **(_THROUGHOUT if throughout else _AROUND_SWITCH),
        nothing=sql.SQL(NOTHING),
        await_slots=sql.SQL(AWAIT_SLOTS),
        names=sql.SQL(", ").join([sql.Identifier(p.name) for p in carried]),
        literals=sql.SQL(", ").join([sql.Literal(p.name) for p in carried]),
        tables=_listed(tables),
        trees=_trees(plan, tables),
    )
    return tuple(text.as_string(None).splitlines())


def _trees(plan: Plan, sent: set[RelationName]) -> sql.Composable:
    """Return the remark about partitioned tables that are sent by partition, if there are any."""
    trees = sorted(
        table.name
        for table in plan.tables
        if table.name not in sent and sent.intersection(leaf.name for leaf in leaves(table))
    )
    if not trees:
        return sql.SQL("")
    return _TREES.format(names=sql.SQL("\n").join(map(_comment, trees)))


def _comment(relation: RelationName) -> sql.Composed:
    """Return a line of its own: what a terminal folds would go on as SQL, as would a newline."""
    parts = (" ".join(part.splitlines()) for part in (relation.schema, relation.name))
    return sql.SQL("-- {}").format(RelationName(*parts).identifier)


def _listed(relations: set[RelationName]) -> sql.Composed:
    return sql.SQL(", ").join([relation.identifier for relation in sorted(relations)])
