"""What hangs on a table by its oid and is carried along: plain frozen data, as in `model`.

`tables` are the tables an object hangs on; `through` those of them that it reaches by way of
something that is dropped and created again, so that it cannot stay bound to it meanwhile.
Definitions were read with an empty search_path.
"""

from __future__ import annotations

from dataclasses import dataclass

from uuidmig.catalog.model import Grant, Index, RelationName, SecurityLabel


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view or materialized view; the last five only of materialized ones."""

    name: str
    number: int
    type: str
    collation: RelationName | None = None
    comment: str | None = None
    statistics_target: int | None = None
    storage: str | None = None  # pg_attribute.attstorage where it is not that of the type
    compression: str | None = None  # "p" pglz | "l" lz4
    options: tuple[str, ...] = ()
    acl: tuple[Grant, ...] | None = None
    labels: tuple[SecurityLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A view. It is replaced in place, which keeps its grants, comments, security labels, triggers
    and defaults."""

    relation: RelationName
    owner: str
    definition: str  # pg_get_viewdef, without the semicolon
    options: tuple[str, ...]
    columns: tuple[ViewColumn, ...]
    tables: tuple[RelationName, ...]
    through: tuple[RelationName, ...] = ()


@dataclass(frozen=True, slots=True)
class MaterializedView:
    """A materialized view. It is dropped, created again and filled, if it is filled then.

    `needs` are the names of other dependents that must be there before it. `bytes` with indexes.
    """

    name: str  # as pg_identify_object names it: materialized view public.m
    relation: RelationName
    owner: str
    definition: str  # pg_get_viewdef, without the semicolon
    options: tuple[str, ...]
    access_method: str
    tablespace: str | None
    columns: tuple[ViewColumn, ...]
    indexes: tuple[Index, ...]
    acl: tuple[Grant, ...] | None
    comment: str | None
    tables: tuple[RelationName, ...]
    needs: tuple[str, ...] = ()
    populated: bool = True
    bytes: int = 0
    labels: tuple[SecurityLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or procedure that holds the row type or, in a parsed body, the table.

    It is dropped and created again if it hangs on a table `through` its type (or something else
    that is created again), else replaced in place.
    """

    name: str  # as pg_identify_object names it: function public.f(public.t)
    identity: str  # public.f(public.t)
    schema: str
    owner: str
    definition: str  # pg_get_functiondef
    comment: str | None
    acl: tuple[Grant, ...] | None
    tables: tuple[RelationName, ...]
    through: tuple[RelationName, ...] = ()
    needs: tuple[str, ...] = ()
    labels: tuple[SecurityLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule on a table or view, `_RETURN` excluded. It is dropped and created again."""

    name: str
    relation: RelationName
    relation_kind: str  # pg_class.relkind
    owner: str  # of the relation
    definition: str  # pg_get_ruledef, without the semicolon
    enabled: str  # "O" origin | "D" disabled | "R" replica | "A" always
    comment: str | None
    tables: tuple[RelationName, ...]


@dataclass(frozen=True, slots=True)
class Dependents:
    """All objects that must be bound to other tables when these take the place of the old ones."""

    views: tuple[View, ...] = ()
    materialized_views: tuple[MaterializedView, ...] = ()
    routines: tuple[Routine, ...] = ()
    rules: tuple[Rule, ...] = ()
