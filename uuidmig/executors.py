"""Threads or processes: one place decides it, and says why.

Threads share memory and start at once, but in an interpreter with a global lock (GIL) they run
Python code one at a time. Processes do not, and cost: they start in tenths of a second, and what
they work on and return is pickled.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from uuidmig.runtime import gil_is_enabled, usable_cores

Work = Literal["io", "cpu"]
Kind = Literal["threads", "processes"]


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool that was decided on: what of, how many, why. `str()` says all three."""

    kind: Kind
    workers: int
    reason: str

    def __str__(self) -> str:
        one = {"threads": "thread", "processes": "process"}[self.kind]
        return f"{self.workers} {self.kind if self.workers > 1 else one}: {self.reason}"

    def open(self, name: str = "") -> Executor:
        """Return the pool; use it in a `with` block. `name` begins the names of its threads.

        What is given to processes has to be picklable, functions by their names, and the program's
        main module has to be importable without running the program.
        """
        if self.kind == "threads":
            return ThreadPoolExecutor(self.workers, thread_name_prefix=name)
        return _processes(self.workers)


def choose_pool(work: Work, workers: int | None = None) -> Pool:
    """Return the pool for this kind of work; by default a worker for each core we may use.

    Work on sockets and files ("io"), and that of compiled code which lets go of the GIL, goes to
    threads. Python code ("cpu") goes to processes while the GIL is on, unless there is one worker.
    """
    count = usable_cores() if workers is None else workers
    if work == "io":
        return Pool("threads", count, "waiting for others does not hold the GIL")
    if not gil_is_enabled():
        return Pool("threads", count, "the GIL is off")
    if count == 1:
        return Pool("threads", count, "there is nothing to run beside it")
    return Pool("processes", count, "the GIL is on, and the work is Python code")


def _processes(workers: int) -> Executor:
    # Threads are what most commands need: they do not load this.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Never a plain fork: it copies locks that other threads hold, and connections to servers.
    known = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in known else "spawn"
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context(method))
