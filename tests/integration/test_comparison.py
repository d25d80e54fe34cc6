"""What verify finds in shadows that are nearly right, by the last bytes of keys and by joins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import pytest
from psycopg import sql

from tests.servers import TestDatabase
from tests.verify_driver import TWINS, CaughtUp, caught_up
from uuidmig import status
from uuidmig.steps import comparing


@pytest.fixture
def plain(database: TestDatabase) -> Iterator[CaughtUp]:
    with caught_up(database) as opened:
        yield opened


@pytest.fixture
def twins(database: TestDatabase) -> Iterator[CaughtUp]:
    with caught_up(database, TWINS) as opened:
        yield opened


def test_what_is_right_passes_without_joins_of_rows(plain: CaughtUp) -> None:
    by_tail = {t.name.name for t in plain.plan.tables if comparing.compares_by_tail(plain.plan, t)}
    assert by_tail == {"parents", "children", "links", "kinds", "projects", "people"}
    assert not plain.verify()
    assert status(plain.database.dsn).state == "verified"


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (
            "children",
            "update children set parent_id = (select id from parents where n = 9) where n = 3",
        ),
        (
            "children",
            "update children set friend_id = (select id from parents where n = 9) where n = 3",
        ),
        ("children", "update children set friend_id = null where n = 3"),
        (
            "kinds",
            "update kinds set parent_id = (select id from parents where n = 9) where n = 3",
        ),
        ("kinds", "update kinds set parent_id = null where n = 3"),
        (
            "projects",
            "update projects set tenant_id = (select id from parents where n = 9) where n = 3",
        ),
        ("people", "update people set boss_id = id where n = 3"),
        ("people", "update people set boss_id = null where n = 3"),
        (
            "links",
            "update links set child_id = (select id from children where n = 9)"
            " where parent_id = (select id from parents where n = 2)",
        ),
        # Their rows are compared with joins at once.
        (
            "tasks",
            "update tasks t set project_id = p.id from projects p where t.n = 3 and p.n = 5",
        ),
        (
            "notes",
            "update notes t set project_id = p.id from projects p where t.n = 3 and p.n = 5",
        ),
        ("tasks", "update tasks set project_id = elsewhere(project_id) where n = 3"),
        ("notes", "update notes set project_id = null where n = 11"),
        # The server checks no reference whose kind is NULL, and its last bytes prove nothing.
        ("extras", "update extras set parent_id = elsewhere(parent_id) where n = 3"),
        ("extras", "update extras set parent_id = elsewhere(parent_id) where n = 11"),
        ("extras", "update extras set parent_id = elsewhere(parent_id) where n = 12"),
        (
            "notes",
            "update notes set project_id = (select id from projects where n = 2) where n = 11",
        ),
        ("notes", "update notes set project_id = key(9, 2) where n = 12"),
        ("lines", "update lines set child_id = (select id from children where n = 9) where n = 3"),
    ],
)
def test_a_reference_to_another_key_or_to_none(
    plain: CaughtUp, table: str, change: LiteralString
) -> None:
    plain.tamper(change)
    assert not plain.finds(table, "contents differ")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("children", "update children set parent_id = elsewhere(parent_id) where n = 3"),
        ("children", "update children set friend_id = elsewhere(friend_id) where n = 3"),
        ("kinds", "update kinds set parent_id = elsewhere(parent_id) where n = 3"),
        ("people", "update people set boss_id = elsewhere(boss_id) where n = 3"),
        (
            "links",
            "update links set child_id = elsewhere(child_id)"
            " where child_id = (select id from children where n = 3)",
        ),
        ("projects", "update projects set tenant_id = elsewhere(tenant_id) where n = 3"),
    ],
)
def test_a_reference_to_no_key_with_the_right_last_bytes(
    plain: CaughtUp, table: str, change: LiteralString
) -> None:
    plain.tamper(change)
    assert not plain.same_by_tail(table)
    assert not plain.finds(table, "1 rows reference a key that is not there")


@pytest.mark.parametrize(
    ("problem", "change"),
    [
        ("contents differ", "elsewhere"),
        ("1 keys are not version 7", "key_as_it_was"),
    ],
)
def test_a_key_that_is_wrong_wherever_it_stands(
    plain: CaughtUp, problem: str, change: LiteralString
) -> None:
    """Only the table of the key can tell: its references are right by their last bytes."""
    wrong = sql.Identifier(change)
    keys = sql.SQL("select id from parents where n = 20")
    for update in (
        "update children set parent_id = {wrong}(parent_id) where parent_id in ({keys})",
        "update children set friend_id = {wrong}(friend_id) where friend_id in ({keys})",
        "update parents set id = {wrong}(id) where n = 20",
    ):
        changed = plain.connection.execute(sql.SQL(update).format(wrong=wrong, keys=keys))
        assert changed.rowcount == 1
    assert plain.same_by_tail("children")
    assert not plain.finds("parents", problem)


def test_a_key_that_borrows_the_wrong_time(plain: CaughtUp) -> None:
    plain.tamper("update lines set id = elsewhere(id) where n = 3")
    assert not plain.finds("lines", "contents differ")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (
            "children",
            "update children a set parent_id = b.parent_id from children b"
            " where (a.n, b.n) in ((3, 7), (7, 3))",
        ),
        (
            "lines",
            "update lines a set child_id = b.child_id from lines b"
            " where (a.n, b.n) in ((3, 7), (7, 3))",
        ),
        (
            "tasks",
            "update tasks a set project_id = b.project_id from tasks b"
            " where (a.n, b.n) in ((3, 7), (7, 3))",
        ),
        (
            "links",
            "update links a set child_id = b.child_id from links b, children c, children d"
            " where (a.child_id, b.child_id) = (c.id, d.id) and (c.n, d.n) in ((3, 7), (7, 3))",
        ),
    ],
)
def test_references_that_two_rows_swapped(
    plain: CaughtUp, table: str, change: LiteralString
) -> None:
    plain.tamper(change, rows=2)
    plain.finds(table, "contents differ")


def test_keys_that_end_alike_pass_with_joins(twins: CaughtUp) -> None:
    assert twins.verify()
    assert status(twins.database.dsn).state == "verified"


def test_a_child_of_the_twin_is_found_with_joins(twins: CaughtUp) -> None:
    twins.tamper(
        "update children set parent_id = (select id from parents where n = 102) where n = 101"
    )
    assert twins.same_by_tail("children")
    assert twins.finds("children", "contents differ")


def test_a_reference_to_no_key_is_found_with_joins(twins: CaughtUp) -> None:
    twins.tamper("update children set parent_id = elsewhere(parent_id) where n = 3")
    assert twins.finds("children", "contents differ")
