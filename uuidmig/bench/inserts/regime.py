"""In which memory the index was: without that no two results can be compared."""

from __future__ import annotations

from uuidmig.bench.inserts.run import BenchReport


def memory_shares(report: BenchReport) -> dict[str, dict[str, float | None]]:
    """Return by kind the bytes of the primary key's index when it was loaded and in the end, of
    shared_buffers and of the server's memory, and the index as a multiple of both."""
    around = report.surroundings
    last = {turn.kind: turn.index_bytes for turn in report.turns}
    return {
        kind: {
            "index_bytes_loaded": loaded,
            "index_bytes": last[kind],
            "shared_buffers_bytes": around.shared_buffers,
            "memory_bytes": around.memory_bytes,
            "index_to_shared_buffers": last[kind] / around.shared_buffers,
            "index_to_memory": around.memory_bytes and last[kind] / around.memory_bytes,
        }
        for kind, loaded in report.loaded_bytes.items()
    }


def regime(report: BenchReport) -> str:
    """Return where the largest index fits: shared_buffers, memory, larger-than-memory, unknown."""
    around = report.surroundings
    largest = max(turn.index_bytes for turn in report.turns)
    if largest <= around.shared_buffers:
        return "shared_buffers"
    if around.memory_bytes is None:
        return "unknown"
    return "memory" if largest <= around.memory_bytes else "larger-than-memory"
