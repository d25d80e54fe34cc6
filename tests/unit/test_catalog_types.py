from __future__ import annotations

from uuidmig.catalog.types import build_types


def row(whole: int, part: int, kind: str = "b", hashable: bool = True) -> dict[str, object]:
    return {
        "whole": whole,
        "part": part,
        "name": f"t{part}",
        "kind": kind,
        "hashable": hashable,
        "hash_function": f"hash{part}" if hashable else None,
    }


def test_a_plain_type_is_hashable_by_its_own_function() -> None:
    types = build_types([row(0, 1), row(0, 2, hashable=False)])
    assert (types.hashable(1), types.hashable(2)) == (True, False)


def test_a_type_with_parts_is_hashable_when_all_parts_are() -> None:
    rows = [row(0, 1, "c", hashable=False), row(1, 2), row(1, 3, hashable=False)]
    rows += [row(0, 4, "c", hashable=False), row(4, 2), row(4, 5, "d", hashable=False), row(5, 2)]
    types = build_types(rows)
    assert (types.hashable(1), types.hashable(4)) == (False, True)


def test_the_base_of_a_domain_over_a_domain() -> None:
    types = build_types([row(0, 1, "d"), row(1, 2, "d"), row(2, 3)])
    assert [types.base_name(oid) for oid in (1, 2, 3)] == ["t3", "t3", "t3"]
    assert [types.hash_function(oid) for oid in (1, 2, 3)] == ["hash3", "hash3", "hash3"]


def test_a_domain_hides_the_range_below_it() -> None:
    types = build_types([row(0, 1, "d"), row(1, 2, "r"), row(2, 3), row(0, 2, "r")])
    assert (types.hashable(1), types.hashable(2)) == (False, True)
