"""What is said where no Docker Engine runs, or its package is missing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from uuidmig.errors import ServerUnavailable
from uuidmig.servers.docker import docker_server

SCRIPT = "from uuidmig.servers.docker import docker_server\nwith docker_server(): pass"


def test_without_an_engine_the_reason_and_the_remedy_are_said() -> None:
    pytest.importorskip("testcontainers")
    # A process of its own: docker's client leaves the socket it could not connect unclosed.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock"},
        capture_output=True,
        text=True,
    )
    assert "ServerUnavailable: no Docker Engine can be reached" in done.stderr
    assert "--server embedded" in done.stderr


def test_without_the_package_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "testcontainers.community.postgres", None)
    with pytest.raises(ServerUnavailable, match=r"pip install uuidmig\[docker\]"), docker_server():
        pass
