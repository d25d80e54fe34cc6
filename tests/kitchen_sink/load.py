"""The kitchen sink in a database of its own, and how to tell that nothing of it was lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tests.acceptance.shop import Shop
from tests.kitchen_sink.uses import USES, Rows, use
from tests.servers import TestDatabase
from uuidmig import PlanOptions
from uuidmig.demo.data import load_shop
from uuidmig.demo.schema import create_shop
from uuidmig.planner.model import Discriminator, SoftReference

_FOLDER = Path(__file__).parent
_SCRIPTS = ("schema", "partitions", "rows", "soft_references", "publications")
_OF_SCHEMAS: LiteralString = 'CREATE PUBLICATION stocks FOR TABLES IN SCHEMA stock, "Odd Schema"'

_KINDS = (("account", "crm.accounts.id"), ("order", "shop.orders.id"))
_INSIDE = (
    ("subjects", None),
    ("links", None),
    ("document", "$.entity.id"),
    ("document", "$.lines[*].ref"),
)
OPTIONS = PlanOptions(
    accept_replication=True,
    soft_references=(
        *(
            SoftReference(f"reports.audit.{column}", references, Discriminator("kind", kind))
            for column in ("entity", "entity_text")
            for kind, references in _KINDS
        ),
        *(
            SoftReference(f"reports.inbox.{column}", references, Discriminator("kind", kind), path)
            for column, path in _INSIDE
            for kind, references in _KINDS
        ),
        SoftReference("reports.favourites.article", "stock.articles.id"),
        *(
            SoftReference(column, "events.sources.id", Discriminator("kind", "source"))
            for column in ("events.mentions.key", "events.mentions.keys")
        ),
    ),
)
"""What its owner says of it: tables are published, and what references keys without saying so."""

# Tables and their columns that hold no key, which a migration must leave alone.
_COLUMNS: LiteralString = """
select n.nspname::text, c.relname::text, array_agg(a.attname::text order by a.attnum)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where
    c.relkind in ('r', 'p') and not c.relispartition
    and n.nspname in ('crm', 'billing', 'stock', 'Odd Schema', 'reports', 'events')
    and 'uuid'::regtype not in (t.oid, t.typbasetype)
    and (c.relname, a.attname) not in (
        ('audit', 'entity_text'), ('mentions', 'key'), ('mentions', 'keys'),
        ('inbox', 'subjects'), ('inbox', 'links'), ('inbox', 'document')
    )
group by 1, 2
order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class KitchenSink(Shop):
    """The shop, with all that the kitchen sink adds to it."""

    def contents(self) -> dict[str, Rows]:
        """Return the rows of every table that is not the shop's, without their keys."""
        found: dict[str, Rows] = {}
        for schema, name, columns in self.connection.execute(_COLUMNS).fetchall():
            listed = sql.SQL(", ").join(map(sql.Identifier, columns))
            query = sql.SQL("SELECT ROW({})::text FROM {} ORDER BY 1").format(
                listed, sql.Identifier(schema, name)
            )
            found[f"{schema}.{name}"] = self.connection.execute(query).fetchall()
        return found

    def uses(self) -> dict[str, Rows]:
        """Use every object and return what came of it."""
        return {name: use(self.connection, name) for name in USES}


@contextmanager
def open_kitchen_sink(database: TestDatabase, orders: int = 300) -> Iterator[KitchenSink]:
    """Create and fill it, and yield it while its connection is open."""
    with closing(database.connect(autocommit=True, application_name="uuidmig:test")) as connection:
        create_shop(connection)
        load_shop(connection, orders=orders)
        for script in _SCRIPTS:
            connection.execute((_FOLDER / f"{script}.sql").read_bytes())
        with database.connect_admin(autocommit=True) as admin:
            admin.execute(_OF_SCHEMAS)
        yield KitchenSink(database, connection)


def table_count(connection: psycopg.Connection[Any]) -> int:
    """Return how many tables it has, partitions included."""
    row = connection.execute(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_|^uuidmig|__uuid'"
        " AND n.nspname <> 'information_schema'"
    ).fetchone()
    assert row is not None
    return int(row[0])
