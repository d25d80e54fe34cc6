"""Ctrl-C and SIGTERM: the batch under way ends, or is rolled back; the next run goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.commands import Running, run_into, start, wait_until
from tests.acceptance.shop import Shop
from uuidmig import RunOptions, migrate, pause, resume

SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=("SIGINT", "SIGTERM")
)


@contextmanager
def stuck_in_the_copy(shop: Shop) -> Iterator[Running]:
    """A migration whose workers wait for a table that is locked until the block ends."""
    run_into(shop.dsn, "cut", "migrate", "--yes", "--batch", "50")
    with shop.database.connect() as holder:
        holder.execute("LOCK TABLE shop.customers IN ACCESS EXCLUSIVE MODE")
        running = start(shop.dsn, "migrate", "--yes", "--batch", "50")
        wait_until(lambda: waiting_copies(shop) == 2, "both workers in wait")
        yield running


def waiting_copies(shop: Shop) -> int:
    return int(
        shop.one(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'uuidmig:copy'"
            " AND wait_event_type = 'Lock' AND datname = current_database()"
        )
    )


def resting_copies(shop: Shop) -> int:
    return int(
        shop.one(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'uuidmig:copy'"
            " AND state = 'idle' AND query ~ 'paused' AND datname = current_database()"
        )
    )


def chunks_done(shop: Shop) -> int:
    return int(shop.one("SELECT count(*) FROM uuidmig.chunk WHERE done"))


def assert_resumable(shop: Shop, picture: object) -> None:
    assert shop.state() == "copying"
    assert migrate(shop.dsn, run_options=RunOptions(batch=50)).state == "validated"
    assert shop.picture() == picture
    shop.assert_copied_once()


@SIGNALS
def test_the_first_signal_lets_the_batch_end(shop: Shop, number: signal.Signals, code: int) -> None:
    picture = shop.picture()
    with stuck_in_the_copy(shop) as running:
        running.signal(number)
    ended = running.wait()
    assert ended.code == code, ended
    assert "run the command again" in ended.output
    assert chunks_done(shop) == 2
    assert_resumable(shop, picture)


@SIGNALS
def test_the_second_signal_cancels_it(shop: Shop, number: signal.Signals, code: int) -> None:
    picture = shop.picture()
    with stuck_in_the_copy(shop) as running:
        running.signal(number)
        wait_until(lambda: "again to cancel" in running.output.read_text(), "signal taken")
        running.signal(number)
        ended = running.wait()
        assert ended.code == code, ended
        assert chunks_done(shop) == 0
    assert_resumable(shop, picture)


def test_a_signal_ends_a_paused_run(shop: Shop) -> None:
    picture = shop.picture()
    run_into(shop.dsn, "copying:2", "migrate", "--yes", "--batch", "50")
    pause(shop.dsn, "tea")
    running = start(shop.dsn, "migrate", "--yes", "--batch", "50")
    wait_until(lambda: resting_copies(shop) == 2, "both workers at rest")
    running.signal(signal.SIGINT)
    assert running.wait().code == 130
    resume(shop.dsn)
    assert_resumable(shop, picture)
