"""What the types of columns are made of: domains, arrays, composites, ranges and their parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from uuidmig.catalog.rows import Row


@dataclass(frozen=True, slots=True)
class Types:
    """Types by oid: name, kind (pg_type.typtype), hashing, and the types inside."""

    names: dict[int, str]
    kinds: dict[int, str]
    hashed: dict[int, bool]
    hash_functions: dict[int, str | None]
    parts: dict[int, tuple[int, ...]]

    def base_name(self, oid: int) -> str:
        """Return the name of the type, of a domain the name of what it is a domain over."""
        return self.names[self._base(oid)]

    def hash_function(self, oid: int) -> str | None:
        """Return the built-in that hashes a value of this type or of the one below the domain."""
        return self.hash_functions[self._base(oid)]

    def _base(self, oid: int) -> int:
        while self.kinds[oid] == "d":
            (oid,) = self.parts[oid]
        return oid

    def hashable(self, oid: int) -> bool:
        """Whether hash_record_extended can take a value of this type: all its parts can.

        The server's type cache does not look through a domain to the range below it.
        """
        parts = self.parts.get(oid)
        if parts is None:
            return self.hashed[oid]
        if self.kinds[oid] == "d" and self.kinds[parts[0]] in ("r", "m"):
            return False
        return all(map(self.hashable, parts))


def build_types(rows: Iterable[Row]) -> Types:
    """Build from the rows of `types.sql`."""
    types = Types({}, {}, {}, {}, {})
    for row in rows:
        oid, whole = row["part"], row["whole"]
        types.names[oid] = row["name"]
        types.kinds[oid] = row["kind"]
        types.hashed[oid] = row["hashable"]
        types.hash_functions[oid] = row["hash_function"]
        if whole:
            types.parts[whole] = (*types.parts.get(whole, ()), oid)
    return types
