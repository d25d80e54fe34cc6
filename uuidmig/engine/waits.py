"""What a run waited for, kept in the journal: one event a step and kind, written when it ends.

Nothing is written while it waits: the journal must not be one more thing in the way.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from uuidmig.engine import journal
from uuidmig.engine.connection import Connection
from uuidmig.engine.progress import Event, LockRetry, Observer, Waiting

MOST_TIMES = 50  # of one step and kind; all are counted


@dataclass(slots=True)
class _Wait:
    """`reason` is the last one; what sessions in the way ran is not in it: that may hold values."""

    count: int = 0
    times: list[str] = field(default_factory=list)
    reason: str = ""


@dataclass(slots=True)
class Waits:
    """An observer that notes lock retries and waits, and passes every event on."""

    observer: Observer
    _found: dict[tuple[str, str], _Wait] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def around(cls, observer: Observer) -> Waits:
        """Return an observer of this kind that passes events on to the one given."""
        return observer if isinstance(observer, cls) else cls(observer)

    def notify(self, event: Event) -> None:
        """Take one event; thread-safe."""
        match event:
            case LockRetry(step=step, blockers=blockers):
                who = sorted({blocker.application or "no name" for blocker in blockers})
                self._note("lock_retry", step, ", ".join(who))
            case Waiting(step=step, reason=reason):
                self._note("waiting", step, reason)
            case _:
                pass
        self.observer.notify(event)

    def _note(self, kind: str, step: str, reason: str) -> None:
        with self._lock:
            wait = self._found.setdefault((kind, step), _Wait())
            wait.count += 1
            wait.reason = reason
            if len(wait.times) < MOST_TIMES:
                wait.times.append(datetime.now(UTC).isoformat(timespec="milliseconds"))

    def write(self, connection: Connection) -> None:
        """Move what was noted so far into the journal."""
        with self._lock:
            found, self._found = self._found, {}
        for (kind, step), wait in found.items():
            journal.record(
                connection, kind, step, count=wait.count, reason=wait.reason, times=wait.times
            )
