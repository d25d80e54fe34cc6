"""What keys say about themselves, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from uuidmig.keys.decode import KeyFacts
from uuidmig.report.layout import grid


def decoded_keys(facts: Sequence[KeyFacts]) -> RenderableType:
    """Return one block a key."""
    return Group(*(_block(fact) for fact in facts))


def _block(fact: KeyFacts) -> RenderableType:
    table = grid("key", str(fact.key))
    version = "none" if fact.version is None else str(fact.version)
    table.add_row("version", f"{version}: {fact.meaning}")
    if fact.created_at is not None:
        table.add_row("created", f"{_time(fact.created_at)} (to {fact.precision})")
    if fact.finer_created_at is not None:
        finer = f"{_time(fact.finer_created_at)} if rand_a is a fraction of the millisecond"
        table.add_row("", finer)
    for name, value in fact.bits.items():
        table.add_row(name, f"{value} ({value:#x})")
    return Group(table, Text())


def _time(made: datetime) -> str:
    return made.isoformat(sep=" ", timespec="microseconds").replace("+00:00", " UTC")
