"""pg_repack, the fairest peer in speed: it copies tables and builds their indexes beside writers.

Rows and keys stay what they are: it maps no key, translates no reference, validates no foreign key,
compares nothing and keeps no way back. Only a superuser can run it, with its extension.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks.migration.client import run_program
from benchmarks.migration.data import WrongOutcome
from benchmarks.migration.methods import Work
from benchmarks.migration.scripts import read_sql
from benchmarks.migration.server import BenchServer
from uuidmig.servers.binaries import clean_environment
from uuidmig.servers.embedded import SUPERUSER

PROGRAM = "pg_repack"
JOBS = 2


def obstacle(server: BenchServer) -> str | None:
    """Return why pg_repack cannot run on that server; None when it can."""
    version = server.embedded.version
    package = f"Debian has it for its own servers: apt-get install postgresql-{version}-repack"
    if not (server.embedded.bin / PROGRAM).is_file():
        return f"there is no {PROGRAM} beside this PostgreSQL {version}; {package}"
    with server.admin() as connection:
        if not connection.execute(read_sql("has_repack", __package__)).rowcount:
            return f"this PostgreSQL {version} has no extension {PROGRAM}; {package}"
    return None


def create_extension(dsn: str) -> None:
    """Install what the program needs in the database; off the clock."""
    with psycopg.connect(make_conninfo(dsn, user=SUPERUSER), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_repack")


def repack(dsn: str, *, program: Path) -> Work:
    """Rewrite both tables, as VACUUM FULL would, with two workers for the indexes."""
    place = conninfo_to_dict(dsn)
    connection = (f"--host={place['host']}", f"--port={place['port']}", f"--username={SUPERUSER}")
    tables = ("--table=orders", "--table=items")
    how = ("--no-order", f"--jobs={JOBS}")
    command = [str(program), *connection, *how, *tables, f"--dbname={place['dbname']}"]
    done = run_program(command, clean_environment())
    return Work({PROGRAM: round(done.seconds, 3)}, done.memory_bytes)


def require_rewrite(dsn: str) -> None:
    """Raise WrongOutcome when a table still is the file it was created as: all rows are alike."""
    with psycopg.connect(dsn) as connection:
        old = connection.execute(read_sql("not_rewritten", __package__)).fetchall()
    if old:
        raise WrongOutcome(f"{PROGRAM} did not rewrite {', '.join(name for (name,) in old)}")
