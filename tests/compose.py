"""The server of docker-compose.yml, under a project name, a port and a volume of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.docker_engine import docker, images_or_skip
from uuidmig.servers.binaries import wheel_binaries

ROOT = Path(__file__).parents[1]
SERVICE = "postgres"
DEFAULT_PORT = "5433"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Compose:
    """`command` is what is installed: `docker compose`, or Debian's `docker-compose`."""

    command: str
    project: str
    port: str

    @property
    def environment(self) -> Mapping[str, str]:
        unwanted = ("PG", "POSTGRES_", "COMPOSE_", "UUIDMIG_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(unwanted)}
        folders = [str(Path(sys.executable).parent), str(wheel_binaries()), kept["PATH"]]
        ours = {"COMPOSE_PROJECT_NAME": self.project, "POSTGRES_PORT": self.port}
        return {**kept, **ours, "PATH": os.pathsep.join(folders)}

    def here(self, line: str) -> str:
        """A command line of the documents as it is typed on this machine, for this server."""
        wait = "" if self.command == "docker compose" else " --wait"  # only the former knows it
        return (
            line.replace(wait, "")
            .replace("docker compose", self.command)
            .replace(".venv/bin/", f"{Path(sys.executable).parent}/")
            .replace(f":{DEFAULT_PORT}/", f":{self.port}/")
        )

    def run(self, arguments: str) -> str:
        """What `docker compose <arguments>` prints. AssertionError when it fails."""
        done = subprocess.run(
            f"{self.command} {arguments}",
            shell=True,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def container(self) -> str:
        return self.run(f"ps --quiet {SERVICE}").strip()

    def wait_until_healthy(self) -> None:
        """What --wait does; AssertionError with the server's log when it takes a minute."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self.inspect("{{.State.Health.Status}}") != ["healthy"]:
            assert time.monotonic() < deadline, self.run("logs")
            time.sleep(0.1)

    def inspect(self, template: str) -> list[str]:
        return docker("inspect", self.container, "--format", template)

    def leftovers(self) -> list[str]:
        """Containers, volumes and networks of the project."""
        label = f"label=com.docker.compose.project={self.project}"
        return [
            *docker("ps", "--all", "--quiet", "--filter", label),
            *docker("volume", "ls", "--quiet", "--filter", label),
            *docker("network", "ls", "--quiet", "--filter", label),
        ]


@contextmanager
def compose_project() -> Iterator[Compose]:
    """Nothing is started yet; whatever was is gone afterwards. Skips where it cannot be."""
    images_or_skip()
    compose = Compose(_command(), f"uuidmig-test-{uuid4().hex[:8]}", str(_free_port()))
    try:
        yield compose
    finally:
        compose.run("down --volumes --remove-orphans --timeout 10")


def _command() -> str:
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True)
    if plugin.returncode == 0:
        return "docker compose"
    if shutil.which("docker-compose"):
        return "docker-compose"
    pytest.skip("no docker-compose: neither `docker compose` nor `docker-compose` is installed")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
