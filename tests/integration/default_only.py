"""What the tests of strategy default-only ask for, and what may have changed in the end."""

from __future__ import annotations

import difflib

from tests.schema_dump import finished_dump
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions

DEFAULT_ONLY = PlanOptions(strategy="default-only")
MANUAL = RunOptions(cutover="manual")
MIGRATE = ("migrate", "--yes", "--strategy", "default-only")


def assert_only_defaults_differ(database: TestDatabase, before: str, columns: int) -> None:
    pairs = changed_lines(before, finished_dump(database))
    assert len(pairs) == columns
    for old, new in pairs:
        assert old.replace("gen_random_uuid()", new_default(database), 1) == new


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    """Return the pairs of lines that differ; a line that came or went alone fails the test."""
    matcher = difflib.SequenceMatcher(None, old := before.splitlines(), new := after.splitlines())
    pairs: list[tuple[str, str]] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        assert b - a == d - c, (old[a:b], new[c:d])
        pairs += zip(old[a:b], new[c:d], strict=True)
    return pairs


def new_default(database: TestDatabase) -> str:
    return "uuidv7()" if database.server.version >= 18 else "uuidmig_keys.uuidv7()"
