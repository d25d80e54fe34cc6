"""The shortest script: one UPDATE of the parents' keys, the foreign key carries it to the children.

The children's own keys need an UPDATE of their own. All in one transaction, as a script is run that
nobody may see half done; the tables are locked from the first statement to the end.
"""

from __future__ import annotations

from psycopg import sql

from benchmarks.migration.mapping import new_key
from benchmarks.migration.scripts import Connection, run_script
from benchmarks.migration.stopwatch import Stopwatch

_UPDATE = sql.SQL("UPDATE {table} SET id = {key}")


def run(connection: Connection, watch: Stopwatch) -> None:
    """Give both tables their new keys."""
    with connection.transaction():
        with watch.step("foreign-key"):
            run_script(connection, "cascade/foreign_key")
        for table in ("orders", "items"):
            with watch.step(table):
                connection.execute(_UPDATE.format(table=sql.Identifier(table), key=new_key(table)))
        with watch.step("foreign-key"):
            run_script(connection, "cascade/restore")
