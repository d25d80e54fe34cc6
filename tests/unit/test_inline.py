"""Statements inside a revision of somebody else's template."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import errors

from tests.unit import factories
from uuidmig.alembic_.autogenerate import include_name
from uuidmig.alembic_.inline import downgrade_body, line_literals, mark, read_mark, upgrade_body
from uuidmig.alembic_.render import stages, words
from uuidmig.alembic_.users import as_psycopg

ODD = 'od"d :x ::y %s %% \\ {z} \'\'\' """ \r\n\t. '
DIGEST = "0123456789abcdef" * 4


def as_alembic_renders(text: str) -> str:
    """What alembic.autogenerate.render does to the body of a function."""
    indented = re.sub(r"^", "    ", text, flags=re.MULTILINE).strip()
    return re.sub(r" +$", "", indented, flags=re.MULTILINE)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@example('"a"""')
@example("C:\\new\\\n  'x' \n\n\ty")
@example("a\r\nb\rc\td\x0c\u2028d")
@example(ODD)
def test_literals_are_read_back_however_lines_are_moved(text: str) -> None:
    literals = line_literals(text)

    assert all(len(literal.splitlines()) == 1 for literal in literals)
    rendered = as_alembic_renders("\n".join(["value = (", *literals, ")"]))
    found: dict[str, str] = {}
    exec(compile(rendered.encode(), "revision", "exec"), found)
    assert found["value"] == f"{text}\n"


def test_bodies_are_python_and_marked() -> None:
    plan = factories.plan(
        factories.table(ODD, factories.key(), factories.timestamp("made"), factories.column(ODD))
    )
    for name, steps in stages(plan):
        body = f"def upgrade():\n    {as_alembic_renders(upgrade_body(name, DIGEST, steps))}"
        ast.parse(body)
        assert read_mark(body) == (name, DIGEST)
        down = downgrade_body(name, steps, words(name, plan)[2])
        undo = f"def downgrade():\n    {as_alembic_renders(down)}"
        ast.parse(undo)
        assert read_mark(undo) is None
        assert ("no way back" in undo) == (name == "finish")


def test_other_comments_are_no_mark() -> None:
    assert read_mark(f"x = 1\n    {mark('cutover', DIGEST)}  \n") == ("cutover", DIGEST)
    assert read_mark(f"{mark('cutover', DIGEST)} or so\n# uuidmig\n") is None


@pytest.mark.parametrize(
    ("schema", "seen"),
    [
        (None, True),
        ("shop", True),
        ("uuidmig_reports", True),
        ("uuidmig", False),
        ("uuidmig_keys", False),
        ("shop__uuid7", False),
        ("shop__uuid4", False),
    ],
)
def test_autogenerate_does_not_look_at_our_schemas(schema: str | None, seen: bool) -> None:
    assert include_name(schema, "schema", {}) == seen
    assert include_name(schema, "table", {"schema_name": None})


class DriversError(Exception):
    """What psycopg2 raises has `pgcode`, what asyncpg raises has `sqlstate`."""

    def __init__(self, **codes: str) -> None:
        super().__init__("no lock")
        for name, code in codes.items():
            setattr(self, name, code)


def test_errors_of_other_drivers_are_told_apart() -> None:
    assert isinstance(as_psycopg(DriversError(pgcode="55P03")), errors.LockNotAvailable)
    assert isinstance(as_psycopg(DriversError(sqlstate="40P01")), errors.DeadlockDetected)
    assert as_psycopg(DriversError(sqlstate="UM001")).sqlstate == "UM001"
    own = errors.UniqueViolation("x")
    assert as_psycopg(own) is own
