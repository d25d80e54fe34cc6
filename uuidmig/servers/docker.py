"""A Postgres server in a container, for trying out versions and limits of memory and processors."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

from uuidmig.errors import ConfigurationError, ServerUnavailable

if TYPE_CHECKING:
    from testcontainers.community.postgres import PostgresContainer

SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class DockerPostgres:
    """A server in a container. `version` is the major version."""

    host: str
    port: int
    password: str
    version: int
    container: str = ""

    def dsn(self, database: str = SUPERUSER) -> str:
        """libpq connection string of the superuser."""
        return make_conninfo(
            host=self.host,
            port=self.port,
            user=SUPERUSER,
            password=self.password,
            dbname=database,
        )


@contextmanager
def docker_server(
    image: str = "postgres:18",
    *,
    memory: str | None = None,
    cpus: float | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[DockerPostgres]:
    """Runs a container of `image` and yields its server; removes both afterwards.

    `memory` as Docker writes it ("512m", "2g"), `cpus` in processors, `settings` are the server's
    own. Unless TESTCONTAINERS_RYUK_DISABLED is set, a second container removes the first one when
    this process is killed. Raises ServerUnavailable when there is no Docker Engine or no such
    image.
    """
    limits: dict[str, Any] = {}
    if memory is not None:
        limits["mem_limit"] = memory
    if cpus is not None:
        limits["nano_cpus"] = round(cpus * 1e9)
    container = _container(image, limits)
    if settings:
        options = [f"--{name}={value}" for name, value in settings.items()]
        container.with_command(["postgres", *options])
    with closing(container.get_docker_client().client):
        try:
            _start(container, image)
            yield replace(_describe(container), container=container.get_wrapped_container().id)
        finally:
            container.stop()


def memory_bytes(text: str) -> int:
    """Return the bytes of a size as Docker writes it. ConfigurationError for anything else."""
    units = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
    found = re.fullmatch(r"(\d+)([bkmg]?)b?", text.strip().lower())
    if found is None:
        raise ConfigurationError(f"{text!r} is no size of memory; write 400m or 2g")
    return int(found[1]) * units[found[2]]


def limit_memory(server: DockerPostgres, limit: int) -> None:
    """Limit a container that runs to so many bytes, its cache of files included, without swap.

    Raises ServerUnavailable when the engine does not do that.
    """
    import docker
    from docker.errors import DockerException

    try:
        with closing(docker.from_env()) as client:
            container = client.containers.get(server.container)
            container.update(mem_limit=limit, memswap_limit=limit)
    except DockerException as error:
        raise ServerUnavailable(f"the container's memory cannot be limited: {error}") from error


def _container(image: str, limits: dict[str, Any]) -> PostgresContainer:
    try:
        from docker.errors import DockerException
        from testcontainers.community.postgres import PostgresContainer
    except ImportError as error:
        raise ServerUnavailable(
            "the server in a container needs the package testcontainers, which is not installed; "
            "run `pip install uuidmig[docker]`, or use --server embedded or --dsn"
        ) from error
    try:
        return PostgresContainer(
            image,
            username=SUPERUSER,
            password=secrets.token_hex(16),
            dbname=SUPERUSER,
            driver=None,
        ).with_kwargs(**limits)
    except DockerException as error:
        raise ServerUnavailable(
            f"no Docker Engine can be reached ({error}); start one, or use --server embedded"
        ) from error


def _start(container: PostgresContainer, image: str) -> None:
    from docker.errors import DockerException

    try:
        container.start()
    except (DockerException, TimeoutError) as error:
        hint = "; TESTCONTAINERS_RYUK_DISABLED=true does without it" if "ryuk" in str(error) else ""
        message = f"the container of {image} did not start: {error}{hint}"
        raise ServerUnavailable(message) from error


def _describe(container: PostgresContainer) -> DockerPostgres:
    host, port = container.get_container_host_ip(), int(container.get_exposed_port(5432))
    server = DockerPostgres(host, port, container.password, version=0)
    with psycopg.connect(server.dsn()) as connection:
        version = connection.info.server_version // 10000
    return DockerPostgres(host, port, container.password, version)
