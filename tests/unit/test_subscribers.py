"""The commands for subscribers are those of the documentation, with other names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.unit.factories import key, plan, relation, table
from uuidmig.catalog.model import Publication, PublicationMember
from uuidmig.planner.model import PlanOptions
from uuidmig.planner.replication import find_replication
from uuidmig.steps.subscribers import subscriber_commands

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
    everything = Publication("all", "owner", True, sent=(relation("shop.orders"),))
    for publications in ((), (everything,)):
        unpublished = replace(plan(table("shop.orders", key())), publications=publications)
        assert subscriber_commands(unpublished) == ()


def test_what_is_accepted_and_what_never_is() -> None:
    chosen = plan(table("shop.orders", key()), options=PlanOptions(accept_replication=True))
    member = PublicationMember(relation("shop.orders"), "(id > 1)", ("id",))
    found = replace(
        chosen,
        publications=(
            replace(SALES, members=(replace(member, filter_columns=("note",)),)),
            replace(SALES, name="by key", members=(member,)),
            Publication("all", "owner", True),
        ),
    )
    refused = [(h.code, h.object) for h in find_replication(found) if h.severity == "refusal"]
    assert refused == [("publication-row-filter", "by key"), ("publication-all-tables", "all")]
