"""A report with everything in it, and names that would break a page that is not careful."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from uuidmig.bench.index_health import IndexHealth
from uuidmig.bench.measurement import InsertProbe, Measurement, PageFill, TableSize
from uuidmig.catalog.model import KeyCounts, RelationName
from uuidmig.demo.application import ApplicationRecord, Phase
from uuidmig.engine.migration_record import CopiedSpan, CopiedTable, MigrationRecord
from uuidmig.engine.status_model import JournalEvent
from uuidmig.report.html import ReportDocument

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVIL = RelationName("Sales $x$", '</script><b a="1">&Orders, with a name as long as names may be')
TABLES = (RelationName("shop", "orders"), EVIL, RelationName("shop", "ordre_项目"))


def sample_report() -> ReportDocument:
    """Return it; the same at each call."""
    return ReportDocument(
        created_at=START,
        tool_version="9.9",
        migration=sample_migration(),
        application=sample_application(),
        bench=sample_bench(),
    )


def sample_migration() -> MigrationRecord:
    """A run of seven hours whose cutover needed three tries."""
    return MigrationRecord(
        database="shop <of> $$",
        tool_version="9.9",
        plan_hash="abcdef" * 10,
        strategy="rewrite",
        state="validated",
        prepared_at=START,
        tables=tuple(CopiedTable(str(table), 1_000_000) for table in TABLES),
        switched=(),
        copied=tuple(
            CopiedSpan(_at(60 + 100 * n), _at(160 + 100 * n), 20_000 + 100 * n) for n in range(200)
        ),
        events=tuple(_events()),
        measurements=(sample_measurement("before"), sample_measurement("after")),
    )


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _events() -> list[JournalEvent]:
    steps = (
        *(("cut", 1, 50), ("copy", 20_000, 20_100), ("build", 3_000, 23_100)),
        *(("catch-up", 20, 23_120), ("verify", 1_500, 24_620), ("cutover", 30, 24_650)),
        ("validate", 100, 24_750),
    )
    events = [JournalEvent(_at(end), "step", step, {"seconds": took}) for step, took, end in steps]
    times = [_at(24_625 + 5 * n).isoformat() for n in range(3)]
    samples = [[10.0 * n, 1.0 + math.sin(n / 9) ** 2, 1.5] for n in range(200)]
    throttle = {"base_ms": 0.9, "limit_ms": 1.4, "rested_seconds": 700.0, "samples": samples}
    return [
        JournalEvent(_at(0), "stall", "prepare", {"ms": 12.5}),
        *events,
        JournalEvent(_at(24_600), "stall", "verify", {"ms": 31.0}),
        JournalEvent(_at(24_648), "stall", "cutover", {"ms": 87.25}),
        JournalEvent(_at(24_650), "lock_retry", "cutover", {"count": 3, "times": times}),
        JournalEvent(_at(20_100), "waiting", "copy", {"count": 44, "times": [], "reason": "slow"}),
        JournalEvent(_at(20_100), "throttle", "copy", throttle),
    ]


def sample_measurement(stage: str) -> Measurement:
    """Return one with uuid4 keys from before, with uuid7 keys from after."""
    after = stage == "after"
    keys = KeyCounts(0, 1_000_000, 0, True) if after else KeyCounts(1_000_000, 0, 0, True)
    indexes = [
        IndexHealth(
            table=table,
            index=f"{table.name[:40]}_{number}_idx",
            column="id",
            bytes=(30_000_000 if after else 40_000_000) // (number + 1),
            leaf_density=90.1 if after else 66.6,
            leaf_fragmentation=0.0 if after else 49.5,
            unavailable=None,
            keys=keys,
        )
        for table in TABLES
        for number in range(6)
    ]
    return Measurement(
        stage=stage,
        at=START,
        seconds=3.5,
        server_version="18.6",
        settings=(("shared_buffers", "128MB"), ("wal_level", "replica")),
        tables=tuple(TableSize(table, 1e6, 90_000_000, 8192, 40_000_000) for table in TABLES),
        indexes=tuple(indexes),
        page_fill=tuple(_fill(table, after) for table in TABLES),
        probes=tuple(_probe(table, after) for table in TABLES),
        missing=("page fill of <one>: nobody knows",),
    )


def _fill(table: RelationName, after: bool) -> PageFill:
    v4 = tuple(0 if after else max(0, 40 - 5 * abs(n - 13)) for n in range(20))
    v7 = tuple(200 if after and n == 18 else 0 for n in range(20))
    mixed = tuple(5 if after and n == 10 else 0 for n in range(20))
    return PageFill(table, "pkey", sum(v4 + v7 + mixed), True, v4, v7, mixed)


def _probe(table: RelationName, after: bool) -> InsertProbe:
    slow = 2.0 if after else 6.0
    return InsertProbe(
        table=table,
        indexes=("pkey",),
        generator="default uuidv7()" if after else "default gen_random_uuid()",
        key_version=7 if after else 4,
        preloaded=50_000,
        rows=30_000,
        batch=1000,
        batch_ms=tuple(slow + (n % 7) / 5 for n in range(30)),
        wal_bytes=6_000_000 if after else 10_000_000,
        full_page_images=0,
        index_bytes=3_000_000,
        leaf_density=90.0 if after else 70.0,
    )


def sample_application() -> ApplicationRecord:
    """What eight writers felt."""
    spans = (("before", 0, 10), ("copy", 10, 60), ("verify", 60, 62), ("cutover", 62, 62.1))
    return ApplicationRecord(
        started_at=START,
        writers=8,
        transactions=12_000,
        errors=0,
        differences=0,
        slice_seconds=0.6,
        commits=tuple(120 - n % 9 for n in range(110)),
        phases=tuple(
            Phase(name, start, end, 4000, 0.5, 1.5, 3.25, 80.0) for name, start, end in spans
        ),
    )


def sample_bench() -> dict[str, Any]:
    """Return a document as `bench inserts --json` prints it, with what a report reads of it."""
    rates = {"uuid4": 21_000, "uuid7": 383_000, "mixed": 60_000, "bigint": 410_000}
    turn = {"p50_ms": 2.0, "p95_ms": 4.0, "p99_ms": 9.0, "max_ms": 30.0}
    return {
        "benchmarks": [
            {
                "name": f"{kind}[preload=1000,batch=1000]",
                "extra_info": {
                    "rows_per_second": {"median": rate, "min": rate, "max": rate},
                    "wal_bytes_per_row": {"median": 738 if kind == "uuid4" else 202},
                    "turns": [turn, turn],
                },
            }
            for kind, rate in rates.items()
        ],
        "ratios": {"rows_per_second_uuid7_to_uuid4": 17.8, "wal_per_row_uuid4_to_uuid7": 3.65},
        "new_page_density": {"uuid7": 90.1, "mixed": 51.0, "uuid4": None},
    }
