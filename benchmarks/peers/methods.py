"""What is compared: uuidmig, pg_repack, the default alone, and the scripts people write."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from benchmarks.migration.methods import METHODS, Method, finish, migrate
from benchmarks.migration.server import BenchServer
from benchmarks.peers.repack import (
    JOBS,
    PROGRAM,
    create_extension,
    obstacle,
    repack,
    require_rewrite,
)

DEFAULT_ONLY = Method(
    "default_only",
    "uuidmig migrate --strategy default-only",
    partial(migrate, options=("--strategy", "default-only")),
    tidy=finish,
    maps=False,
)
NAMES = ("identity", "migrate_2", PROGRAM, DEFAULT_ONLY.name, "cascade", "keyset")
"""All of them, in the order in which they are reported."""


def peers(server: BenchServer) -> tuple[Mapping[str, Method], Mapping[str, str]]:
    """Return the methods that can run on that server, and why others cannot, both by name."""
    why = obstacle(server)
    given = {**METHODS, DEFAULT_ONLY.name: DEFAULT_ONLY}
    if why is None:
        given[PROGRAM] = _pg_repack(server)
    return {name: given[name] for name in NAMES if name in given}, {PROGRAM: why} if why else {}


def _pg_repack(server: BenchServer) -> Method:
    return Method(
        PROGRAM,
        f"pg_repack --no-order --jobs={JOBS}, keys as they are",
        partial(repack, program=server.embedded.bin / PROGRAM),
        prepare=create_extension,
        tidy=require_rewrite,
        maps=False,
    )
