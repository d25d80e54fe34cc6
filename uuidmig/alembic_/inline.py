"""Steps as the body of upgrade() and downgrade(), for a revision made by somebody's own template.

Templates, Alembic's renderer and formatters move lines about and cut blanks off their ends. So no
literal goes over a line's end: each line of a statement is a literal of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from textwrap import dedent

from uuidmig.alembic_.render import NAMES, RUN, comment, describe, escaped
from uuidmig.steps.model import Statement, Step

_MARK = re.compile(rf"# uuidmig ({'|'.join(NAMES)}) of plan ([0-9a-f]{{64}})")

_KEEP = "# Nothing of it is to be adjusted: it is the SQL of that plan, to the byte."

MESSAGES = {
    "prepare": "prepare uuid7 keys",
    "cutover": "cutover to uuid7 keys",
    "finish": "finish uuid7 keys",
}
"""What Alembic is told the revisions are, as by `alembic revision -m`."""


def mark(name: str, digest: str) -> str:
    """Return the comment by which a revision is found again, whatever its template says."""
    return f"# uuidmig {name} of plan {digest}"


def read_mark(script: str) -> tuple[str, str] | None:
    """Return name and plan hash of the revision with this text; None when it is none of ours."""
    for line in script.splitlines():
        if found := _MARK.fullmatch(line.strip()):
            return found[1], found[2]
    return None


def upgrade_body(name: str, digest: str, steps: Iterable[Step]) -> str:
    """Return the statements that do the steps, as Python text without indentation."""
    parts = [(step, step.apply) for step in steps]
    return _body([mark(name, digest), _KEEP, RUN.rstrip()], parts)


def downgrade_body(name: str, steps: tuple[Step, ...], no_way_back: str) -> str:
    """Return the statements that undo the steps; `no_way_back`, which raises, for finish."""
    if name == "finish":
        return dedent(no_way_back).rstrip()
    return _body([RUN.rstrip()], [(step, step.undo) for step in reversed(steps)])


def _body(head: list[str], parts: list[tuple[Step, tuple[Statement, ...]]]) -> str:
    calls = [_call(step, statements) for step, statements in parts if statements]
    return "\n".join([*head, "", "\n\n".join(calls)])


def _call(step: Step, statements: tuple[Statement, ...]) -> str:
    lines = [line for statement in statements for line in _argument(statement)]
    return "\n".join([comment(describe(step)), "run(", *(f"    {line}" for line in lines), ")"])


def _argument(statement: Statement) -> Iterator[str]:
    if statement.comment:
        yield comment(statement.comment)
    *lines, last = line_literals(statement.text)
    yield from lines
    yield f"{last},"


def line_literals(text: str) -> list[str]:
    """Return Python literals that together are `text` and a newline, one for each of its lines.

    The newline ends a comment that `text` may end with.
    """
    return [_literal(f"{line}\n") for line in text.split("\n")]


def _literal(text: str) -> str:
    quote = "'" if '"' in text and "'" not in text else '"'
    return quote + "".join(_in_literal(character, quote) for character in text) + quote


def _in_literal(character: str, quote: str) -> str:
    if character == quote:
        return f"\\{quote}"
    shown = character.isprintable() and character != "\\"
    return character if shown else escaped(character)
