"""What the DBA of each subscriber does around a cutover and a rollback, as commands for psql.

Subscribers hold the old keys, and a table that a subscription has once is never copied again. So
the subscription lets go of the publications, for one that sends nothing (it must have one), and
takes them up again after the switch, which copies their tables. A subscription that is behind must
not meet that publication in WAL written before it existed: before PostgreSQL 18 it would fail there
again and again.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import Plan

NOTHING = "uuidmig_nothing"
"""The publication without a table, which the DBA creates and drops."""

_ON_PUBLISHER = sql.SQL("""\
-- on the publisher, some time before the cutover:
CREATE PUBLICATION {nothing};
SELECT pg_current_wal_lsn() AS created \\gset
-- again and again, until every subscriber has passed it:
SELECT slot_name, confirmed_flush_lsn >= :'created' AS passed FROM pg_replication_slots \
WHERE slot_type = 'logical' AND database = current_database();""")

_DETACH = sql.SQL("""\
-- on every subscriber, before the cutover (and before a rollback), for each
-- of these, with psql -v subscription=NAME; without publications it lacks:
SELECT subname, subpublications FROM pg_subscription WHERE subpublications && ARRAY[{literals}];
ALTER SUBSCRIPTION :"subscription" ADD PUBLICATION {nothing} WITH (refresh = false);
ALTER SUBSCRIPTION :"subscription" DROP PUBLICATION {names};""")

_ATTACH = sql.SQL("""\
-- on every subscriber, after the cutover (and after a rollback):
TRUNCATE {tables};
ALTER SUBSCRIPTION :"subscription" ADD PUBLICATION {names};
ALTER SUBSCRIPTION :"subscription" DROP PUBLICATION {nothing};""")

_RELEASE = sql.SQL("""\
-- on the publisher, when no subscription has it and nobody will roll back:
DROP PUBLICATION {nothing};""")


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


def subscriber_commands(plan: Plan) -> tuple[str, ...]:
    """Return all of it in order, to the end."""
    return (
        *prepare_publisher(plan),
        *detach(plan),
        *attach(plan),
        *release_publisher(plan),
    )


def _lines(plan: Plan, template: sql.SQL) -> tuple[str, ...]:
    carried = [publication for publication in plan.publications if not publication.all_tables]
    if not carried:
        return ()
    tables = sorted({relation for publication in carried for relation in publication.sent})
    text = template.format(
        nothing=sql.SQL(NOTHING),
        names=sql.SQL(", ").join([sql.Identifier(p.name) for p in carried]),
        literals=sql.SQL(", ").join([sql.Literal(p.name) for p in carried]),
        tables=sql.SQL(", ").join([relation.identifier for relation in tables]),
    )
    return tuple(text.as_string(None).splitlines())
