"""When which step of the migration ran, by the clock the writers use too."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from uuidmig.engine.progress import Event, Observer, StepFinished, StepStarted


@dataclass(slots=True)
class Timeline:
    """An observer that notes times and passes every event on."""

    observer: Observer
    spans: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def notify(self, event: Event) -> None:
        """Take one event; thread-safe."""
        now = time.time()
        with self._lock:
            match event:
                case StepStarted(step=step):
                    # A step that is tried again counts from its first start.
                    self.spans[step] = self.spans.get(step, (now, None))[0], None
                case StepFinished(step=step):
                    self.spans[step] = self.spans.get(step, (now, None))[0], now
                case _:
                    pass
        self.observer.notify(event)

    def span(self, step: str) -> tuple[float, float] | None:
        """Return when a step began and ended (seconds since 1970); None when it did not."""
        start, end = self.spans.get(step, (0.0, None))
        return None if end is None else (start, end)
