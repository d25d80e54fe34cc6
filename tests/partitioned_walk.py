"""The random walk over tables that are partitioned by hash, or by range, of a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.errors import CheckViolation, FeatureNotSupported, ForeignKeyViolation

from tests.by_range import by_range
from tests.random_walk import SCHEMA, TABLES, Connection, RandomWalk

BY: dict[str, str] = {
    "tenants": "id",
    "projects": "tenant_id, id",
    "tasks": "id",
    "people": "id",
    "profiles": "person_id",
    "letters": "id",
    "stamps": "id",
    "letter_tags": "tag_id",
    "readings": "device",
}
MODULUS = 3


def _partitioned(schema: str) -> str:
    for table, key in BY.items():
        schema = re.sub(
            rf"(create table {table} \(.*?\n\));",
            rf"\1 partition by hash ({key});",
            schema,
            flags=re.S,
        )
        for number in range(MODULUS):
            schema += (
                f"create table {table}_{number} partition of {table}"
                f" for values with (modulus {MODULUS}, remainder {number});\n"
            )
    return schema


def _partitions(table: str) -> tuple[str, ...]:
    return tuple(f"{table}_{number}" for number in range(MODULUS))


class PartitionedWalk(RandomWalk):
    """Single partitions are emptied too: their rows lie in all partitions of the other side."""

    schema = _partitioned(SCHEMA)
    heaps = tuple(
        heap for table in TABLES for heap in (_partitions(table) if table in BY else (table,))
    )

    def __init__(self, connection: Connection, seed: int) -> None:
        super().__init__(connection, seed)
        self.operations.append((4, self.truncate_partitions))

    def truncate_partitions(self) -> None:
        table = self.random.choice(["letters", "stamps", "letter_tags", "tasks", "readings"])
        chosen = self.random.sample(_partitions(table), self.random.randrange(1, MODULUS + 1))
        query = psycopg.sql.SQL("truncate {} cascade").format(
            psycopg.sql.SQL(", ").join([psycopg.sql.Identifier(name) for name in chosen])
        )
        self.connection.execute(query)
        for _ in range(2):
            self.insert_tree()
            self.insert_tenant()

    def step(self) -> None:
        """Leave out what the server cannot do with rows that are partitioned by a key.

        Before 18 it cannot move them where a key changes by cascade, and in any version not when
        the key of a row changes that references itself, be there a migration or not.
        """
        with suppress(CheckViolation), self.unless_own_boss_moves():
            super().step()

    @contextmanager
    def unless_own_boss_moves(self) -> Iterator[None]:
        own = self.connection.execute("select from people where id = boss_id").rowcount
        try:
            yield
        except ForeignKeyViolation as error:
            if not own or error.diag.constraint_name is None:
                raise
            if not error.diag.constraint_name.startswith("people_boss_id_fkey"):
                raise

    def use_remembered_key(self) -> None:
        """An old key cannot be translated where it decides the partition."""
        with suppress(FeatureNotSupported), self.connection.transaction():
            super().use_remembered_key()


class RangeWalk(PartitionedWalk):
    """By range of the same keys: new keys lie in the first two of three partitions."""

    schema = by_range(PartitionedWalk.schema)
