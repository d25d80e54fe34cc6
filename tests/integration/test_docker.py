"""A server in a container: its limits, its end, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.docker_engine import IMAGE, docker, images_or_skip
from uuidmig.errors import ServerUnavailable
from uuidmig.servers.docker import docker_server

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
    return set(docker("ps", "-aq", "--filter", f"ancestor={IMAGE}"))


def test_the_server_runs_within_its_limits_and_is_removed() -> None:
    before = containers()
    with docker_server(IMAGE, memory="512m", cpus=1.5) as server:
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SELECT uuid_extract_version(uuidv7())").fetchone() == (7,)
        assert server.version == 18
        (started,) = containers() - before
        limits = docker("inspect", started, "-f", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}")
        assert limits == [str(512 * 2**20), "1500000000"]
    assert containers() == before


def test_an_image_that_does_not_exist_is_named() -> None:
    with (
        pytest.raises(ServerUnavailable, match="uuidmig-no-such-image:1 did not start"),
        docker_server("localhost/uuidmig-no-such-image:1"),
    ):
        pass
