"""Worker threads, each with its own connection, that end together.

One that fails stops the others after what they are doing. The first Ctrl-C lets each finish the
batch under way; the second cancels the queries.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue

from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.progress import Note, Observer, silent
from uuidmig.errors import Interrupted

Work = Callable[[Connection, threading.Event], None]


def run_workers(
    dsn: str, count: int, purpose: str, work: Work, observer: Observer = silent
) -> None:
    """Run `work(connection, stop)` in `count` threads until all return.

    `work` must look at `stop` between batches and return when it is set. Raises what the first
    failing worker raised, or Interrupted.
    """
    stop = threading.Event()
    connections = [connect(dsn, purpose) for _ in range(count)]
    try:
        with ThreadPoolExecutor(count, thread_name_prefix=purpose) as pool:
            futures = [pool.submit(work, connection, stop) for connection in connections]
            _join(futures, connections, stop, observer)
    finally:
        for connection in connections:
            connection.close()


def _join(
    futures: list[Future[None]],
    connections: list[Connection],
    stop: threading.Event,
    observer: Observer,
) -> None:
    interrupted: KeyboardInterrupt | None = None
    while True:
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            stop.set()
            wait(futures)
            break
        except KeyboardInterrupt as interrupt:
            stop.set()
            if interrupted:
                for connection in connections:
                    connection.cancel_safe(timeout=5)
            else:
                observer.notify(
                    Note("ending after what is under way; again to cancel it", "warning")
                )
            interrupted = interrupt
    if interrupted:
        raise Interrupted from interrupted
    for future in futures:
        future.result()


def run_tasks[Task](
    dsn: str,
    count: int,
    purpose: str,
    tasks: list[Task],
    work: Callable[[Connection, Task], None],
    observer: Observer = silent,
) -> None:
    """Run `work(connection, task)` for every task, in their order, in up to `count` threads."""
    queue: SimpleQueue[Task] = SimpleQueue()
    for task in tasks:
        queue.put(task)

    def loop(connection: Connection, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                task = queue.get_nowait()
            except Empty:
                return
            work(connection, task)

    if tasks:
        run_workers(dsn, min(count, len(tasks)), purpose, loop, observer)
