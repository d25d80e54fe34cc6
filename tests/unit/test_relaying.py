"""Which rows go through COPY, and the statements that send and take them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.factories import column, foreign_key, key, plan, primary, table, timestamp
from uuidmig.catalog.model import Column, Table
from uuidmig.planner.model import Plan
from uuidmig.steps.relaying import any_compressed, can_be_relayed, copy_in, copy_out


def orders(*columns: Column, **facts: Any) -> Table:
    sizes = {"rows": 1000.0, "heap_bytes": 200_000}
    return table("orders", key(), timestamp("at"), *columns, **{**sizes, **facts})


def relayed(*tables: Table) -> bool:
    made = plan(*tables)
    return can_be_relayed(made, made.tables[0])


def test_rows_of_plain_values_are_relayed() -> None:
    plain = [column(name, name) for name in ("int4", "text", "numeric", "bytea", "varchar")]
    assert relayed(orders(*plain, column("color", "public.color", type_kind="e")))


@pytest.mark.parametrize(
    "other", ["json", "jsonb", "xml", "_text", "tsvector", "public.citext", "int4range", "point"]
)
def test_rows_with_other_values_are_not(other: str) -> None:
    assert not relayed(orders(column("other", other)))


def test_a_generated_column_is_not_sent() -> None:
    assert relayed(orders(column("made", "tsvector", generated="s")))


@pytest.mark.parametrize(
    "sizes",
    [
        {"heap_bytes": 600_000},
        {"toast_bytes": 8192 * 2},
        {"rows": -1.0},
        {"rows": 0.0},
    ],
    ids=str,
)
def test_wide_or_unknown_rows_are_not(sizes: dict[str, float]) -> None:
    assert not relayed(orders(**sizes))


def test_a_little_toast_does_not_matter() -> None:
    assert relayed(orders(rows=100_000.0, heap_bytes=20_000_000, toast_bytes=8192))


def test_forced_row_security_forbids_it() -> None:
    assert relayed(orders(row_security=True))
    assert not relayed(orders(row_security=True, force_row_security=True))


def test_forced_row_security_of_another_table_forbids_it() -> None:
    forced = replace(
        table(
            "items",
            key(),
            column("order_id"),
            timestamp("at"),
            keys=(foreign_key("orders", "order_id"),),
        ),
        row_security=True,
        force_row_security=True,
    )
    assert not relayed(orders(), forced)


def made() -> Plan:
    items = table(
        "items",
        key(),
        timestamp("at"),
        column("order_id"),
        column("n", "int4"),
        indexes=(primary("id"),),
        keys=(foreign_key("orders", "order_id"),),
    )
    return plan(orders(), items)


def test_a_new_key_is_sent_as_its_bytes() -> None:
    text = copy_out(made(), made().tables[1], (5, 9)).text
    assert text.startswith('COPY (SELECT CASE WHEN uuid_extract_version("t"."id") = 4')
    assert text.endswith(") TO STDOUT (FORMAT binary)")
    assert "'hex'" not in text  # no way through text
    assert "'(5,0)'::tid" in text


def test_a_key_from_a_shadow_is_sent_as_it_is() -> None:
    items = made().tables[1]
    domains = frozenset(reference.domain for reference in items.references)
    text = copy_out(made(), items, (0, None), copied=domains, limit=77).text
    assert 'coalesce("p1"."id", (SELECT encode(' in text
    assert text.endswith(" LIMIT 77) TO STDOUT (FORMAT binary)")


def test_the_shadow_takes_the_same_columns() -> None:
    assert copy_in(made(), made().tables[1]).text == (
        'COPY "public__uuid7"."items" ("id", "at", "order_id", "n") FROM STDIN (FORMAT binary)'
    )


def test_only_columns_that_can_be_compressed_are_looked_at() -> None:
    doubtful = [column(name, name) for name in ("text", "numeric", "varbit")]
    safe = [column(name, name) for name in ("int4", "inet", "name", "interval")]
    made = plan(orders(*doubtful, *safe, column("color", "public.color", type_kind="e")))
    found = any_compressed(made.tables[0], [(0, 8), (16, None)])
    assert found is not None
    assert found.text.endswith(
        'num_nonnulls(pg_column_compression("t"."text"), pg_column_compression("t"."numeric"),'
        ' pg_column_compression("t"."varbit")) > 0)'
    )
    assert "< '(1,0)'::tid" in found.text  # of each range the first page
    assert "< '(17,0)'::tid" in found.text
    assert any_compressed(plan(orders(*safe)).tables[0], [(0, 8)]) is None
