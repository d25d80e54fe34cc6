"""What one writer of the shop works with."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from uuid import UUID

from uuidmig.demo.model import Model
from uuidmig.demo.session import TimedSession


@dataclass(slots=True)
class Desk:
    """What one writer works with. `tags` are the keys of the shop's tags, as it remembers them."""

    session: TimedSession
    model: Model
    random: Random
    prefix: str
    tags: dict[str, UUID]
    labels: int = 0

    def new_label(self) -> str:
        self.labels += 1
        return f"{self.prefix}{self.labels:06d}"

    def pick(self, table: str) -> str | None:
        """Return the label of some row of this writer; None when it has none."""
        labels = list(self.model.rows[table])
        return self.random.choice(labels) if labels else None

    def key(self, table: str, label: str) -> UUID:
        return self.model.keys[table, label]

    def value(self, table: str, label: str, column: str) -> int:
        return int(str(self.model.rows[table][label][column]))
