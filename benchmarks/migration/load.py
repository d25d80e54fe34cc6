"""What an application feels: the demo's shop and its writers, on the server of the benchmark.

The shop, not the benchmark's two tables: its writers know what every row of theirs must be after
the migration, so an error that no statement reports is found, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.migration.rounds import Say
from benchmarks.migration.server import BenchServer
from uuidmig.demo.run import run_demo
from uuidmig.engine.progress import Event, Note, Stall

ORDERS_AT_SCALE_1 = 250_000
FEWEST_ORDERS = 1000
WRITERS = 8
TRANSACTIONS_PER_SECOND = 200.0


@dataclass(frozen=True, slots=True)
class Load:
    """What `writers` sessions felt. p99 is that of all their statements, in milliseconds.

    The journal's stall is how long the cutover held its locks, the writers' one the slowest
    statement of that step. None where there was nothing to measure.
    """

    writers: int
    transactions_per_second: float
    rows_migrated: int
    transactions: int
    application_errors: tuple[str, ...]
    differences: tuple[str, ...]
    p99_without_ms: float | None
    p99_during_copy_ms: float | None
    stall_at_cutover_journal_ms: float | None
    stall_at_cutover_writers_ms: float | None

    @property
    def figures(self) -> dict[str, float | None]:
        """Return the figures that bars are set for."""
        stalls = (self.stall_at_cutover_journal_ms, self.stall_at_cutover_writers_ms)
        return {
            "p99_during_copy_to_without": _divide(self.p99_during_copy_ms, self.p99_without_ms),
            "longest_stall_at_cutover_ms": max(
                (stall for stall in stalls if stall is not None), default=None
            ),
            "application_errors": float(len(self.application_errors) + len(self.differences)),
        }


@dataclass(slots=True)
class _Listener:
    """Keeps the stalls that the journal tells and passes on what there is to say."""

    say: Say
    stalls: dict[str, float] = field(default_factory=dict)

    def notify(self, event: Event) -> None:
        match event:
            case Stall(step=step, milliseconds=milliseconds):
                self.stalls[step] = milliseconds
            case Note(text=text, level="info" | "warning"):
                self.say(f"under load: {text}")
            case _:
                pass


def run_under_load(server: BenchServer, scale: float, say: Say) -> Load:
    """Migrate a shop with 2 workers while 8 writers work on it at a fixed rate."""
    listener = _Listener(say)
    report = run_demo(
        server.embedded.dsn(),  # makes a database and an ordinary role of its own
        orders=max(FEWEST_ORDERS, round(ORDERS_AT_SCALE_1 * scale)),
        writers=WRITERS,
        rate=TRANSACTIONS_PER_SECOND,
        observer=listener,
    )
    return Load(
        writers=WRITERS,
        transactions_per_second=TRANSACTIONS_PER_SECOND,
        rows_migrated=report.rows_migrated,
        transactions=report.transactions,
        application_errors=report.application_errors,
        differences=report.differences,
        p99_without_ms=report.p99_before_ms,
        p99_during_copy_ms=report.p99_during_ms,
        stall_at_cutover_journal_ms=listener.stalls.get("cutover"),
        stall_at_cutover_writers_ms=report.stall_at_cutover_ms,
    )


def _divide(number: float | None, by: float | None) -> float | None:
    return round(number / by, 4) if number is not None and by else None
