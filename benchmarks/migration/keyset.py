"""Shadow columns filled in batches by key, as such migrations are scripted by hand.

In the script's favour nobody writes meanwhile: it has no triggers that keep the new columns right.
"""

from __future__ import annotations

from uuid import UUID

from psycopg import sql

from benchmarks.migration.mapping import new_key
from benchmarks.migration.scripts import Connection, run_script
from benchmarks.migration.stopwatch import Stopwatch

BATCH = 10_000

# The last key of a batch is where the next one starts.
_BATCH_OF_ORDERS = sql.SQL(
    "WITH batch AS"
    " (SELECT id FROM orders WHERE id > %(after)s ORDER BY id LIMIT %(rows)s),"
    " filled AS (UPDATE orders o SET new_id = {key} FROM batch WHERE o.id = batch.id)"
    " SELECT id FROM batch ORDER BY id DESC LIMIT 1"
)

_BATCH_OF_ITEMS = sql.SQL(
    "WITH batch AS"
    " (SELECT id FROM items WHERE id > %(after)s ORDER BY id LIMIT %(rows)s),"
    " filled AS (UPDATE items i SET new_id = {key}, new_order_id = o.new_id"
    " FROM batch, orders o WHERE i.id = batch.id AND o.id = i.order_id)"
    " SELECT id FROM batch ORDER BY id DESC LIMIT 1"
)


def run(connection: Connection, watch: Stopwatch) -> None:
    """Give both tables their new keys."""
    with watch.step("columns"):
        run_script(connection, "keyset/columns")
    with watch.step("orders"):
        _fill(connection, _BATCH_OF_ORDERS.format(key=new_key("o")))
    with watch.step("items"):
        _fill(connection, _BATCH_OF_ITEMS.format(key=new_key("i")))
    with watch.step("not-null"):
        run_script(connection, "keyset/not_null")
    with watch.step("indexes"):
        run_script(connection, "keyset/indexes")
    with watch.step("swap"), connection.transaction():
        run_script(connection, "keyset/swap")
    with watch.step("foreign-key"):
        run_script(connection, "keyset/validate")


def _fill(connection: Connection, batch: sql.Composed) -> None:
    """Run batches, a transaction each, until there are no more rows."""
    last = UUID(int=0)
    while row := connection.execute(batch, {"after": last, "rows": BATCH}).fetchone():
        last = row[0]
