"""The plan: frozen data that `build_plan` makes from a Catalog; the journal keeps it as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

from uuidmig.catalog.dependents_model import Dependents
from uuidmig.catalog.model import (
    ForeignKey,
    KeyCounts,
    Policy,
    Publication,
    RelationName,
    Server,
    Table,
)

DEFAULT_ONLY = "default-only"
"""The strategy that changes what makes new keys and leaves all present keys as they are."""


@dataclass(frozen=True, slots=True)
class Discriminator:
    """Which rows a soft reference is in: those whose `column`, as text, equals `equals`."""

    column: str
    equals: str


@dataclass(frozen=True, slots=True)
class SoftReference:
    """A reference without a foreign key, as the user declared it.

    Columns are named as [schema.]table.column, with SQL quotes or without; `path` says where in a
    json column the keys are.
    """

    column: str
    references: str
    when: Discriminator | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the user chose. Empty `tables` and `schemas` mean: everything that has uuid4 keys."""

    tables: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    timestamps: tuple[tuple[str, str], ...] = ()  # ("public.orders", "placed_at")
    time_zone: str = "UTC"  # of timestamp columns without a zone
    non_v4: str = "refuse"  # "refuse" | "convert" | "keep"
    grace: bool = True
    accept_replication: bool = False  # carry publications over; subscribers have to copy anew
    strategy: str = "rewrite"  # or DEFAULT_ONLY
    soft_references: tuple[SoftReference, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class ColumnName:
    """One column of one table."""

    table: RelationName
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class TimestampSource:
    """Where a root key's timestamp comes from.

    kind "column": `column` of the same table (of type `column_type`); "parent": the key that
    `foreign_key` (a NOT NULL one, of the same table) references lends its time through its column
    `column` (the referencing column of this table); "plan_time": one time for all.
    """

    kind: str
    reason: str
    column: str | None = None
    column_type: str | None = None
    time_zone: str | None = None  # for types without a zone
    foreign_key: str | None = None


@dataclass(frozen=True, slots=True)
class Generator:
    """What makes new keys. kind: "server" (a uuid4 default, replaced at cutover by `new_default`),
    "server_v7" (already uuid7), "other" (a default we do not know, kept), "application" (none)."""

    kind: str
    expression: str | None = None
    new_default: str | None = None


@dataclass(frozen=True, slots=True)
class KeySwitch:
    """A key column whose default the strategy default-only changes. Both are SQL expressions.

    It has no old one where that of its domain makes the keys; the domain is left alone.
    """

    column: ColumnName
    old_default: str | None
    new_default: str


@dataclass(frozen=True, slots=True)
class KeyDomain:
    """One root key column and every column whose values come from it through foreign keys."""

    number: int
    root: ColumnName
    root_unique: bool  # the root column is unique on its own (not only with others)
    timestamp: TimestampSource
    generator: Generator
    members: tuple[ColumnName, ...]  # the referencing columns, root excluded
    counts: KeyCounts | None = None  # None until keys were counted


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of a closure table that references a key of `domain` through `foreign_key`.

    Without a foreign key it is a declared soft reference to the domain's root, in the rows that
    `when` tells (None: in all). A column may have several of these, to different domains. `form` is
    "uuid", or "text" for a text column, where keys in canonical form count and nothing else;
    "uuid[]" and "text[]" for arrays of these; "json" and "jsonb", where `path` leads to the keys.
    """

    column: str
    domain: int
    foreign_key: str | None
    parent: RelationName
    parent_column: str
    when: Discriminator | None = None
    form: str = "uuid"
    path: str | None = None


@dataclass(frozen=True, slots=True)
class ClosureTable:
    """A table to be rewritten. `number` counts from 1, parents before children where possible;
    it is also the lock order and names the change log `uuidmig.log_<number>`."""

    number: int
    table: Table
    shadow: RelationName
    retired: RelationName
    identity: tuple[str, ...]  # the columns that tell rows apart: primary key, else a unique key
    roots: tuple[tuple[str, int], ...]  # own root key columns: (column, domain number)
    references: tuple[Reference, ...]

    @property
    def name(self) -> RelationName:
        return self.table.name

    @property
    def copied_columns(self) -> tuple[str, ...]:
        """Columns that a copy writes: all but generated ones."""
        return tuple(column.name for column in self.table.columns if not column.generated)

    @property
    def has_index_expressions(self) -> bool:
        """Whether an index has expressions, of which ANALYZE gathers statistics too."""
        return any(None in index.columns for index in self.table.indexes)


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something the DBA must know. severity: "refusal" blocks, "warning" and "note" do not."""

    severity: str
    code: str  # stable, kebab-case
    object: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the migration will cost, with how the figures were made in `basis`."""

    rows: int
    heap_bytes: int
    index_bytes: int
    disk_bytes: int  # extra space at the peak, change log excluded
    wal_bytes: int
    seconds: float
    basis: str


@dataclass(frozen=True, slots=True)
class IndexOutlook:
    """Where new keys land in an index on a root key column, and how full they leave its pages.

    place: "rightmost" (behind all others), "middle" (among the random keys), "scattered" (at the
    end of each value of the column it starts with), "follows-parent" (as the last, but that column
    is a reference: nearer to rightmost the sooner rows follow the row they reference).
    `bytes_a_key` is the index's growth a new row, where the key is alone in it.
    """

    index: RelationName
    table: RelationName
    columns: tuple[str | None, ...]
    place: str
    density_percent: int | None
    bytes_a_key: float | None


@dataclass(frozen=True, slots=True)
class StrategyOutlook:
    """What one strategy costs and leaves, to be compared with the other.

    `columns` get a new default; `lock_ms` is how long the locks of its switch are held, waiting for
    others excluded; `refusals` is how many things in the catalog stand against it.
    """

    strategy: str
    columns: int
    disk_bytes: int
    wal_bytes: int
    seconds: float
    lock_ms: float
    refusals: int
    indexes: tuple[IndexOutlook, ...]
    basis: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything `migrate` needs. Two plans of one hash do the same thing."""

    tool_version: str
    server: Server
    options: PlanOptions
    domains: tuple[KeyDomain, ...]
    tables: tuple[ClosureTable, ...]
    outside_tables: tuple[Table, ...] = ()  # live tables a closure table references, kept as is
    incoming: tuple[ForeignKey, ...] = ()  # from outside tables, by other columns than the keys
    partitioned_outside: tuple[RelationName, ...] = ()  # those of `incoming` that are partitioned
    outside_policies: tuple[Policy, ...] = ()  # of outside tables, reading closure tables
    switches: tuple[KeySwitch, ...] = ()  # of default-only, in lock order; `tables` is empty then
    dependents: Dependents = field(default_factory=Dependents)  # bound anew in the swap
    hazards: tuple[Hazard, ...] = ()
    forecast: Forecast | None = None
    publications: tuple[Publication, ...] = ()  # those that send a closure table, not in the hash
    strategies: tuple[StrategyOutlook, ...] = ()  # this one and the other, rewrite first
    created_at: str = field(default="", compare=False)  # ISO 8601 UTC, not part of the hash

    @property
    def default_only(self) -> bool:
        return self.options.strategy == DEFAULT_ONLY

    def domain(self, number: int) -> KeyDomain:
        """Return the domain of that number; KeyError when there is none."""
        for domain in self.domains:
            if domain.number == number:
                return domain
        raise KeyError(number)

    def table(self, name: RelationName) -> ClosureTable:
        """Return the closure table of that name; KeyError when there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(str(name))

    @property
    def refusals(self) -> tuple[Hazard, ...]:
        return tuple(hazard for hazard in self.hazards if hazard.severity == "refusal")
