"""A server in a container: its limits, its end, and what is said when there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from typer.testing import CliRunner

from tests.docker_engine import IMAGE, docker, images_or_skip
from uuidmig.cli.app import app
from uuidmig.errors import ServerUnavailable
from uuidmig.servers.docker import docker_server, limit_memory, memory_bytes

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module", autouse=True)
def _engine_with_image() -> Iterator[None]:
    pytest.importorskip("testcontainers", reason="the extra `docker` is not installed")
    from testcontainers.core.config import testcontainers_config

    images = images_or_skip()
    with pytest.MonkeyPatch.context() as patch:
        if testcontainers_config.ryuk_image not in images:
            patch.setattr(testcontainers_config, "ryuk_disabled", True)
        yield


def containers() -> set[str]:
    return set(docker("ps", "-aq", "--no-trunc", "--filter", f"ancestor={IMAGE}"))


def test_the_server_runs_within_its_limits_and_is_removed() -> None:
    with docker_server(IMAGE, memory="512m", cpus=1.5) as server:
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SELECT uuid_extract_version(uuidv7())").fetchone() == (7,)
        assert server.version == 18
        wanted = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}"
        limits = docker("inspect", server.container, "-f", wanted)
        assert limits == [str(512 * 2**20), "1500000000"]
    assert server.container not in containers()


def test_settings_and_a_limit_that_comes_later() -> None:
    with docker_server(IMAGE, settings={"shared_buffers": "48MB"}) as server:
        limit_memory(server, memory_bytes("200m"))
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SHOW shared_buffers").fetchone() == ("48MB",)
        limits = docker("inspect", server.container, "-f", "{{.HostConfig.Memory}}")
        assert limits == [str(200 * 2**20)]


def test_inserts_are_measured_within_a_limit_of_memory() -> None:
    sizes = ["--preload", "4k", "--batch", "50", "--rows", "4k", "--rounds", "1"]
    where = ["--server", "docker", "--memory", "300m", "--cpus", "1"]
    result = CliRunner().invoke(app, ["bench", "inserts", *sizes, *where, "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["settings"]["memory_bytes"] == 300 * 2**20
    assert document["memory"]["uuid7"]["index_to_memory"] < 0.01
    assert document["regime"] == "shared_buffers"
    assert document["new_page_density"]["uuid7"] > 80


def test_an_image_that_does_not_exist_is_named() -> None:
    with (
        pytest.raises(ServerUnavailable, match="uuidmig-no-such-image:1 did not start"),
        docker_server("localhost/uuidmig-no-such-image:1"),
    ):
        pass
