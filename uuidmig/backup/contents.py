"""What goes into a backup: every definition, and the rows of the tables that are migrated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, groupby

from uuidmig.catalog import queries
from uuidmig.catalog.model import RelationName
from uuidmig.engine.connection import Connection
from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import all_leaves
from uuidmig.steps.names import retired_schemas, shadow_schemas

_NAMES_A_PATTERN = 500  # pg_dump looks each pattern up; one argument has at most 128 KB


@dataclass(frozen=True, slots=True)
class Contents:
    """Tables by oid whose rows are backed up, and the others, whose rows are not.

    `left_out` are schemas of which not even the definitions are: our own, of a run under way.
    """

    tables: dict[int, RelationName]
    others: tuple[RelationName, ...]
    left_out: tuple[str, ...]


def read_contents(connection: Connection, plan: Plan, *, under_way: bool) -> Contents:
    """Return what the backup of this plan holds, as the connection's snapshot has it."""
    wanted = {leaf.name for leaf in all_leaves(plan)}
    rows = connection.execute(queries.load("ordinary_tables")).fetchall()
    found = {int(oid): RelationName(*relation) for oid, relation in rows}
    return Contents(
        tables={oid: name for oid, name in found.items() if name in wanted},
        others=tuple(name for name in found.values() if name not in wanted),
        left_out=("uuidmig", *shadow_schemas(plan), *retired_schemas(plan)) if under_way else (),
    )


def arguments(contents: Contents) -> Iterator[str]:
    """Yield the arguments that make pg_dump write just that. It reads no large objects."""
    yield "--no-blobs"  # before 16 the only name of --no-large-objects
    for schema in contents.left_out:
        yield f"--exclude-schema={_quoted(schema)}"
    for schema, names in groupby(contents.others, lambda name: name.schema):
        if schema not in contents.left_out:
            for some in batched((name.name for name in names), _NAMES_A_PATTERN):
                yield f"--exclude-table-data={_quoted(schema)}.{_any_of(some)}"


def _any_of(names: Sequence[str]) -> str:
    return f"({'|'.join(map(_quoted, names))})"


def _quoted(name: str) -> str:
    """Return the name as a pattern that matches it alone: nothing is special between quotes."""
    return '"' + name.replace('"', '""') + '"'
