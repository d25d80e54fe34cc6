"""A security label provider of our own: PostgreSQL comes with none that runs everywhere."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import sql

from tests.servers import TestDatabase, TestServer

PROVIDER = "uuidmig_test"
_FOLDER = Path(__file__).parent
_DOWNLOADED = _FOLDER.parents[1] / ".cache/postgresql-{}/usr/include/postgresql/{}/server"


@contextmanager
def label_provider(server: TestServer) -> Iterator[Path]:
    """Compile it for the server and yield the library; skips where that cannot be done."""
    if server.embedded is None:
        pytest.skip("a label provider needs a server that the test run started itself")
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("a label provider needs a C compiler")
    headers = _headers(server)
    folder = Path(tempfile.mkdtemp(prefix="uuidmig-labels-"))
    try:
        folder.chmod(0o755)  # the server may be another user
        library = folder / "label_provider.so"
        included = [f"-I{path}" for path in (headers, headers.parent.parent)]
        command = [compiler, "-shared", "-fPIC", *included, "-o", str(library)]
        subprocess.run([*command, str(_FOLDER / "label_provider.c")], check=True)
        yield library
    finally:
        shutil.rmtree(folder)


def _headers(server: TestServer) -> Path:
    places = (
        server.bin.parent / "include/server",
        Path(f"/usr/include/postgresql/{server.version}/server"),
        Path(str(_DOWNLOADED).format(server.version, server.version)),
    )
    found = next((place for place in places if (place / "commands/seclabel.h").exists()), None)
    if found is None:
        pytest.skip(f"a label provider needs the headers of the server: none in {places}")
    return found


def load_label_provider(database: TestDatabase, library: Path) -> None:
    """Have all new sessions in the database load it."""
    _alter(
        database, sql.SQL("SET session_preload_libraries = {}").format(sql.Literal(str(library)))
    )


def forget_label_provider(database: TestDatabase) -> None:
    """Have new sessions in the database not load it any more."""
    _alter(database, sql.SQL("RESET session_preload_libraries"))


def _alter(database: TestDatabase, what: sql.Composable) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} {}").format(sql.Identifier(database.name), what))
