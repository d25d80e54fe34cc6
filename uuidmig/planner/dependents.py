"""Views, rules and routines that hang on the closure, and what should be known about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from uuidmig.catalog.dependents_model import (
    Dependents,
    MaterializedView,
    Routine,
    Rule,
    View,
)
from uuidmig.catalog.model import Catalog, RelationName
from uuidmig.planner.closure import with_partitions
from uuidmig.planner.graph import targets_first
from uuidmig.planner.model import ClosureTable, Hazard, Plan

LARGE_BYTES = 64 << 20
"""A materialized view of more than this is not filled under the locks of a swap (bytes)."""


def find_dependents(catalog: Catalog, closure: Sequence[ClosureTable]) -> Dependents:
    """Return what hangs on the closure, and only with the ties to it."""
    found = catalog.dependents or Dependents()
    names = {part.name for table in closure for part in with_partitions(table.table)}
    return Dependents(
        views=_tied(found.views, names),
        materialized_views=_tied(found.materialized_views, names),
        routines=_tied(found.routines, names),
        rules=_tied(found.rules, names),
    )


def _tied[D: (View, MaterializedView, Routine, Rule)](
    dependents: tuple[D, ...], names: set[RelationName]
) -> tuple[D, ...]:
    tied = (_only(dependent, names) for dependent in dependents)
    return tuple(dependent for dependent in tied if dependent.tables)


def _only[D: (View, MaterializedView, Routine, Rule)](dependent: D, names: set[RelationName]) -> D:
    tables = tuple(name for name in dependent.tables if name in names)
    if isinstance(dependent, View | Routine):
        through = tuple(name for name in dependent.through if name in names)
        return replace(dependent, tables=tables, through=through)
    return replace(dependent, tables=tables)


def recreated(dependents: Dependents) -> tuple[MaterializedView | Routine, ...]:
    """Return what must be dropped and created again, each after what it needs."""
    made: dict[str, MaterializedView | Routine] = {}
    made |= {view.name: view for view in dependents.materialized_views}
    made |= {routine.name: routine for routine in dependents.routines if routine.through}
    needs = {name: [need for need in item.needs if need in made] for name, item in made.items()}
    return tuple(made[name] for name in targets_first(needs))


def dependent_hazards(plan: Plan) -> Iterator[Hazard]:
    """Yield what the DBA should know, and names that cannot be quoted safely."""
    found = plan.dependents
    yield from _bound_anew(found)
    for view in found.materialized_views:
        yield from _rebuilt(view)
    names = [view.relation for view in found.views]
    names += [view.relation for view in found.materialized_views]
    names += [RelationName(routine.schema, routine.identity) for routine in found.routines]
    names += [RelationName(str(rule.relation), rule.name) for rule in found.rules]
    for name in names:
        if "$uuidmig$" in str(name):
            yield Hazard(
                "refusal",
                "reserved-name",
                str(name),
                "the name of a view, function or rule contains $uuidmig$",
                "rename it",
            )


def _bound_anew(found: Dependents) -> Iterator[Hazard]:
    kinds = {
        "view": found.views,
        "materialized view": found.materialized_views,
        "function": found.routines,
        "rule": found.rules,
    }
    counted = [
        f"{len(items)} {kind}{'' if len(items) == 1 else 's'}"
        for kind, items in kinds.items()
        if items
    ]
    if counted:
        one = sum(map(len, kinds.values())) == 1
        yield Hazard(
            "note",
            "bound-anew",
            "the closure",
            f"{', '.join(counted)} {'hangs' if one else 'hang'} on the tables: the swap binds"
            f" {'it' if one else 'them'} to the new ones, under its locks",
            f"change {'it not' if one else 'none of them'} until finish",
        )


def _rebuilt(view: MaterializedView) -> Iterator[Hazard]:
    if not view.populated:
        return
    if view.bytes > LARGE_BYTES:
        yield Hazard(
            "warning",
            "materialized-view-large",
            str(view.relation),
            f"it holds {view.bytes >> 20} MiB: the cutover stops rather than fill it while"
            " everybody waits",
            "--cutover manual; then REFRESH MATERIALIZED VIEW ... WITH NO DATA, uuidmig cutover,"
            " and REFRESH it again; a rollback needs the same",
        )
        return
    yield Hazard(
        "warning",
        "materialized-view-rebuilt",
        str(view.relation),
        "it is filled afresh in the swap: readers and writers of all tables wait for its query, at"
        " most a second, then the cutover gives up and changes nothing",
        "time a REFRESH of it; if it is slow, REFRESH MATERIALIZED VIEW ... WITH NO DATA right"
        " before the cutover and REFRESH it right after",
    )
