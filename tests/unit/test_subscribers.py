"""The commands for subscribers are those of the documentation, with other names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.factories import (
    column,
    foreign_key,
    index,
    key,
    plan,
    primary,
    relation,
    server,
    table,
)
from uuidmig.catalog.model import Publication, PublicationMember
from uuidmig.planner.model import Plan, PlanOptions
from uuidmig.planner.replication import find_replication
from uuidmig.steps.subscribers import (
    after_cutover,
    after_removal,
    after_rollback,
    attach,
    detach,
    subscriber_commands,
)

ACCEPTED = PlanOptions(accept_replication=True)
PAGE = Path(__file__).parents[2] / "docs" / "replication.md"

SALES = Publication(
    "sales", "owner", False, sent=(relation("shop.orders"), relation("shop.customers"))
)


def test_the_page_shows_what_is_printed() -> None:
    published = replace(plan(table("shop.customers", key())), publications=(SALES,))
    block = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)[0]
    assert list(subscriber_commands(published)) == block.splitlines()
    # A comment that a terminal folds would go on as SQL.
    assert max(len(line) for line in block.splitlines() if line.startswith("--")) < 80


def test_publications_that_share_tables_are_done_in_one_round() -> None:
    both = (SALES, replace(SALES, name="O'Hara's \"x\""))
    commands = "\n".join(
        subscriber_commands(replace(plan(table("shop.orders", key())), publications=both))
    )
    assert commands.count("TRUNCATE") == 1
    assert 'DROP PUBLICATION "sales", "O\'Hara\'s ""x""";' in commands
    assert "ARRAY['sales', 'O''Hara''s \"x\"']" in commands


def test_nothing_published_nothing_to_do() -> None:
    assert subscriber_commands(plan(table("shop.orders", key()))) == ()


def test_the_page_shows_what_stands_in_for_all_tables() -> None:
    everything = replace(SALES, all_tables=True)
    published = replace(plan(table("shop.customers", key())), publications=(everything,))
    blocks = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    commands = "\n".join(subscriber_commands(published)) + "\n"
    assert commands.startswith(blocks[2])
    assert commands.endswith(blocks[3])
    rest = commands.removeprefix(blocks[2]).removesuffix(blocks[3])
    assert rest == blocks[0].replace('"sales"', '"uuidmig_instead"').replace(
        "'sales'", "'uuidmig_instead'"
    )
    assert max(len(line) for line in commands.splitlines() if line.startswith("--")) < 80


def test_the_stand_in_sends_what_the_other_one_sent_and_nothing_of_ours() -> None:
    sent = ("shop.orders", "uuidmig.run", "shop__uuid7.orders", "crm.notes")
    everything = Publication(
        "it's all",
        "owner",
        True,
        sent=tuple(map(relation, sent)),
        publish=("insert", "delete"),
        via_root=True,
        generated_columns=True,
    )
    several = (everything, replace(SALES, all_tables=True))
    commands = subscriber_commands(replace(plan(table("shop.orders", key())), publications=several))
    options = (
        "WITH (publish = 'insert, delete', publish_via_partition_root = true,"
        " publish_generated_columns = stored);"
    )
    for line in (
        f'CREATE PUBLICATION "uuidmig_instead_1" FOR TABLES IN SCHEMA "crm", "shop" {options}',
        'CREATE PUBLICATION "uuidmig_instead_2" FOR TABLES IN SCHEMA "shop";',
        f'CREATE PUBLICATION "it\'s all" FOR ALL TABLES {options}',
        'CREATE PUBLICATION "sales" FOR ALL TABLES;',
        'ALTER SUBSCRIPTION :"subscription" DROP PUBLICATION "it\'s all";',
        'TRUNCATE "crm"."notes", "shop"."customers", "shop"."orders";',
    ):
        assert line in commands


def test_partitions_that_are_sent_one_by_one() -> None:
    parts = tuple(table(f"shop.orders_{n}", key(), parent=relation("shop.orders")) for n in "12")
    whole = table("shop.orders", key(), kind="p", partitions=parts)
    one_by_one = replace(SALES, sent=(relation("shop.orders_1"), relation("shop.customers")))
    for publication, named in ((SALES, False), (one_by_one, True)):
        commands = attach(replace(plan(whole), publications=(publication,)))
        assert ('-- "shop"."orders"' in commands) is named
    assert 'TRUNCATE "shop"."customers", "shop"."orders_1";' in commands


def test_the_page_shows_who_stands_still_until_the_end() -> None:
    chosen = plan(table("shop.customers", key()), options=ACCEPTED)
    everything = replace(SALES, all_tables=True)
    commands = subscriber_commands(replace(chosen, publications=(everything,)))
    block = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1]
    assert list(commands) == block.splitlines()
    assert max(len(line) for line in commands if line.startswith("--")) < 80


def test_all_tables_are_not_copied_anew_before_the_end() -> None:
    chosen = plan(table("shop.orders", key()), options=ACCEPTED)
    named = replace(chosen, publications=(SALES,))
    everything = replace(chosen, publications=(SALES, Publication("all", "owner", True)))
    assert after_cutover(named) == attach(named)
    assert after_rollback(named) == (*detach(named), *attach(named))
    assert after_removal(named) == ()
    assert (after_cutover(everything), after_rollback(everything)) == ((), ())
    assert after_removal(everything) == attach(everything)


def test_nothing_is_copied_anew_where_no_key_changes() -> None:
    """Unless the subscription let go of all tables: then it missed what the application did."""
    options = PlanOptions(strategy="default-only")
    found = replace(plan(table("shop.orders", key())), tables=(), options=options)
    published = replace(found, publications=(replace(SALES, all_tables=True),))
    printed = "\n".join(subscriber_commands(published))
    assert "uuidmig_instead" in printed
    assert "TRUNCATE" not in printed
    accepted = replace(published, options=replace(options, accept_replication=True))
    assert "TRUNCATE" in "\n".join(subscriber_commands(accepted))


ALL = Publication("all", "owner", True)
CHOSEN = (primary("id"), index("lines_n_key", "n", unique=True, replica_identity=True))


def refusals(found: Plan, *publications: Publication) -> list[tuple[str, str]]:
    hazards = find_replication(replace(found, publications=publications))
    return [(hazard.code, hazard.object) for hazard in hazards if hazard.severity == "refusal"]


def test_what_is_refused_unless_accepted_and_what_always() -> None:
    member = PublicationMember(relation("shop.orders"), "(id > 1)", ("id",))
    published = (
        replace(SALES, members=(replace(member, filter_columns=("note",)),)),
        replace(SALES, name="by key", members=(member,)),
        ALL,
    )
    orders, filtered = table("shop.orders", key()), ("publication-row-filter", "by key")
    assert refusals(plan(orders, options=ACCEPTED), *published) == [filtered]
    assert refusals(plan(orders), *published) == [
        ("publication", "sales"),
        ("publication", "by key"),
        filtered,
        ("publication-all-tables", "all"),
    ]


@pytest.mark.parametrize(
    ("sent", "version", "generated", "changes", "expected"),
    [
        ({}, 180000, "", {}, None),
        ({}, 180000, "", {"replica_identity": "n"}, "no-replica-identity"),
        ({}, 150000, "", {"indexes": ()}, "no-replica-identity"),
        ({}, 180000, "", {"indexes": (primary("id", immediate=False),)}, "no-replica-identity"),
        ({}, 180000, "", {"replica_identity": "i"}, "no-replica-identity"),
        ({}, 180000, "", {"replica_identity": "i", "indexes": CHOSEN}, None),
        ({"publish": ("insert",)}, 150000, "", {"replica_identity": "n"}, None),
        ({}, 180000, "", {"replica_identity": "f", "indexes": ()}, None),
        ({}, 180000, "s", {}, "unpublished-generated-column"),
        ({}, 170000, "s", {}, None),
        ({"generated_columns": True}, 180000, "s", {}, None),
        ({"generated_columns": True}, 180000, "v", {}, "unpublished-generated-column"),
    ],
)
def test_what_could_not_be_deleted_from_the_copy(
    sent: dict[str, Any],
    version: int,
    generated: str,
    changes: dict[str, Any],
    expected: str | None,
) -> None:
    twice = column("twice", "int4", generated=generated)
    to_orders = foreign_key("shop.orders", "order_id")
    lines = table("shop.lines", key(), column("order_id"), twice, keys=(to_orders,), **changes)
    found = plan(table("shop.orders", key()), lines, options=ACCEPTED, of=server(version))
    named = [(expected, "shop.lines")] if expected else []
    assert refusals(found, replace(ALL, **sent)) == named
