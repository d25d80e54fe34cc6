"""What is read from pg_catalog: plain frozen data, no connection, no behaviour beyond look-ups.

All SQL fragments (`definition`, `default`, `type`) were read with an empty search_path, so every
name in them is schema-qualified and they can be replayed in any session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from uuidmig.catalog.dependents_model import Dependents


@dataclass(frozen=True, slots=True, order=True)
class RelationName:
    """A schema-qualified name, unquoted as stored in pg_class."""

    schema: str
    name: str

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Grant:
    """One pair of an ACL: `privileges` are SQL keywords, grantee '' means PUBLIC.

    `grantable` are those of `privileges` that come WITH GRANT OPTION.
    """

    grantee: str
    grantor: str
    privileges: tuple[str, ...]
    grantable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityLabel:
    """What a label provider, a library loaded into the server, knows of an object."""

    provider: str
    label: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence that a column owns: identity (internal) or serial (OWNED BY).

    Numbers are as in pg_sequence; `comment`, `acl` and `owner` as in the catalogs.
    """

    relation: RelationName
    kind: str  # "identity" | "serial"
    data_type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool
    owner: str
    comment: str | None = None
    acl: tuple[Grant, ...] | None = None
    persistence: str = "p"
    labels: tuple[SecurityLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A live (not dropped) column of a table, in column order."""

    name: str
    number: int
    type: str  # format_type(): "uuid", "timestamp with time zone", "numeric(10,2)"
    base_type: str  # pg_type.typname, below a domain; "uuid", "timestamptz", "public.citext"
    type_kind: str  # pg_type.typtype: "b", "d" domain, "e" enum, "c" composite, "r" range, "m"
    not_null: bool
    default: str | None = None  # pg_get_expr; None for generated columns too
    domain_default: str | None = None  # of the column's domain type; holds without a `default`
    generated: str = ""  # "" | "s" stored | "v" virtual
    generation_expression: str | None = None
    identity: str = ""  # "" | "a" always | "d" by default
    sequence: Sequence | None = None  # identity or OWNED BY sequence of this column
    statistics_target: int | None = None  # None: the default
    options: tuple[str, ...] = ()  # attoptions, "n_distinct=5"
    hashable: bool = True  # the type has an extended hash function (else compared as text)
    hash_function: str | None = None  # that function, (value, seed bigint), when SQL can call it
    comment: str | None = None
    acl: tuple[Grant, ...] | None = None
    labels: tuple[SecurityLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """An index; those behind a constraint carry its name in `constraint` (it equals `name`)."""

    name: str
    definition: str  # pg_get_indexdef
    method: str
    unique: bool
    primary: bool
    valid: bool
    immediate: bool
    constraint: str | None
    constraint_type: str | None  # "p" | "u" | "x"
    columns: tuple[str | None, ...]  # key columns, None for an expression; INCLUDE not among them
    included: tuple[str, ...] = ()
    partial: bool = False
    clustered: bool = False
    replica_identity: bool = False
    deferrable: bool = False
    deferred: bool = False
    statistics_targets: tuple[tuple[int, int], ...] = ()  # (index column number, target)
    comment: str | None = None
    constraint_comment: str | None = None
    constraint_definition: str | None = None  # pg_get_constraintdef
    parent: str | None = None  # the index of the partitioned table that this one is attached to
    tablespace: str | None = None
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint, or a NOT NULL one that is not validated."""

    name: str
    definition: str  # pg_get_constraintdef: CHECK (...) [NO INHERIT] [NOT VALID | NOT ENFORCED]
    columns: tuple[str, ...]
    validated: bool
    comment: str | None = None
    inherited: bool = False  # a partition has it from the partitioned table


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; `columns[i]` references `parent_columns[i]`."""

    name: str
    child: RelationName
    columns: tuple[str, ...]
    parent: RelationName
    parent_columns: tuple[str, ...]
    definition: str  # pg_get_constraintdef: FOREIGN KEY (...) REFERENCES ... [NOT VALID]
    validated: bool
    enforced: bool
    match: str  # "s" simple | "f" full
    on_update: str  # "a" "r" "c" "n" "d" as in pg_constraint.confupdtype
    on_delete: str
    deferrable: bool
    deferred: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A user trigger (never an internal one, never one of uuidmig's own)."""

    name: str
    definition: str  # pg_get_triggerdef
    enabled: str  # "O" origin | "D" disabled | "R" replica | "A" always
    constraint: bool  # CREATE CONSTRAINT TRIGGER
    comment: str | None = None
    watches: RelationName | None = None  # the table it names by FROM


@dataclass(frozen=True, slots=True)
class Policy:
    """A row security policy. `using` and `check` are bare expressions, without parentheses."""

    relation: RelationName
    name: str
    permissive: bool
    command: str  # "*" all | "r" select | "a" insert | "w" update | "d" delete
    roles: tuple[str, ...]  # '' means PUBLIC
    using: str | None = None
    check: str | None = None
    comment: str | None = None
    alterable: bool = True  # the current role has the rights of the table's owner
    reads: tuple[RelationName, ...] = ()  # other tables that its expressions are bound to


@dataclass(frozen=True, slots=True)
class ExtendedStatistics:
    """A CREATE STATISTICS object."""

    relation: RelationName
    definition: str  # pg_get_statisticsobjdef
    owner: str
    target: int | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """An object that hangs on a table and that uuidmig cannot carry over yet."""

    kind: str  # "view", "policy", "rule", "publication", "partition", "inheritance", ...
    name: str  # as pg_describe_object names it, e.g. "view public.open_orders"
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with everything that hangs on it. Sizes in bytes, `rows` estimated.

    A partitioned one stands for its whole tree: the partitions of every level are in `partitions`,
    and its sizes are their sum.
    """

    name: RelationName
    oid: int
    owner: str
    kind: str  # pg_class.relkind: "r" ordinary, "p" partitioned
    persistence: str  # "p" permanent | "u" unlogged
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()
    checks: tuple[Check, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()  # outgoing
    triggers: tuple[Trigger, ...] = ()
    statistics: tuple[ExtendedStatistics, ...] = ()
    options: tuple[str, ...] = ()  # reloptions, toast ones prefixed "toast."
    access_method: str = "heap"
    tablespace: str | None = None
    replica_identity: str = "d"  # "d" default | "n" nothing | "f" full | "i" index
    acl: tuple[Grant, ...] | None = None
    comment: str | None = None
    row_type_acl: tuple[Grant, ...] | None = None
    row_type_comment: str | None = None
    labels: tuple[SecurityLabel, ...] = ()
    row_type_labels: tuple[SecurityLabel, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    row_security_active: bool = False  # it holds for the role that reads the catalog
    policies: tuple[Policy, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    partition_key: str | None = None  # pg_get_partkeydef: "RANGE (created_at)"
    parent: RelationName | None = None  # the table that this one is a partition of
    bound: str | None = None  # of a partition: "FOR VALUES FROM (…) TO (…)", "DEFAULT"
    partitions: tuple[Table, ...] = ()  # parents before their own partitions
    rows: float = -1.0  # pg_class.reltuples; -1 never analyzed
    pages: int = 0
    heap_bytes: int = 0
    toast_bytes: int = 0
    index_bytes: int = 0

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def has_btree_on(self, columns: tuple[str, ...]) -> bool:
        """Return whether a whole B-tree index begins with these columns, in this order."""
        return any(
            index.columns[: len(columns)] == columns
            for index in self.indexes
            if index.method == "btree" and index.valid and not index.partial
        )

    @property
    def primary_key(self) -> Index | None:
        return next((index for index in self.indexes if index.primary), None)


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """Rows by version of their key. `exact` is False when sampled; then counts are scaled up."""

    v4: int
    v7: int
    other: int
    exact: bool

    @property
    def total(self) -> int:
        return self.v4 + self.v7 + self.other


@dataclass(frozen=True, slots=True)
class Server:
    """Where the catalog was read. `version` is server_version_num, e.g. 180006."""

    version: int
    database: str
    user: str
    superuser: bool
    in_recovery: bool
    settings: tuple[tuple[str, str], ...] = ()  # name, current_setting() of those that matter
    extensions: tuple[tuple[str, str], ...] = ()  # name, schema

    def setting(self, name: str) -> str | None:
        return dict(self.settings).get(name)

    def has_extension(self, name: str) -> bool:
        return any(extension == name for extension, _ in self.extensions)


@dataclass(frozen=True, slots=True)
class PublicationMember:
    """A table that a publication names. `filter_columns` are those its row filter reads."""

    relation: RelationName
    row_filter: str | None = None  # pg_get_expr
    filter_columns: tuple[str, ...] = ()


EVERY_CHANGE = ("insert", "update", "delete", "truncate")
"""What a publication sends unless its creator said otherwise."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication. `sent` are all tables that subscribers get, as they see their names;
    `members` those that it names itself, not by their schema."""

    name: str
    owner: str
    all_tables: bool
    sent: tuple[RelationName, ...] = ()
    members: tuple[PublicationMember, ...] = ()
    publish: tuple[str, ...] = EVERY_CHANGE
    via_root: bool = False  # publish_via_partition_root
    generated_columns: bool = False  # the stored ones, from 18 on


@dataclass(frozen=True, slots=True)
class Catalog:
    """All user tables of one database (system, temporary and uuidmig's own schemas excluded)."""

    server: Server
    tables: tuple[Table, ...]
    publications: tuple[Publication, ...] = ()
    dependents: Dependents | None = None  # views and the like, of all tables; None: not read

    def table(self, name: RelationName) -> Table:
        """Return the table of that name; KeyError when there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(str(name))
