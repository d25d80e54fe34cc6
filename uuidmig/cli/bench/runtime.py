"""`uuidmig bench runtime`: what this Python takes for the work of the suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import join
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.talk import Talk, show, write
from uuidmig.errors import ConfigurationError

EXAMPLES = (
    "uuidmig bench runtime",
    "uuidmig bench runtime --server embedded --output results_314.json",
    "uuidmig bench runtime --iterations 100 --dsn service=staging",
    "uuidmig bench runtime --json | jq '.not_run'",
)

Iterations = Annotated[
    int, typer.Option(min=1, help="How often each benchmark runs, after once that does not count.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        dir_okay=False,
        help="Write the results to this file, for `uuidmig bench compare`.",
    ),
]
Dsn = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        "-d",
        rich_help_panel="Connection",
        help="Measure queries and the server's key generators too, on this server; it is only read "
        "from. (UUIDMIG_DSN and UUIDMIG_SERVER do not count here)",
    ),
]


def runtime(
    ctx: typer.Context,
    iterations: Iterations = 20,
    output: Output = None,
    as_json: options.AsJson = False,
    dsn: Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Measure this Python: CPU-bound work in threads and processes, new keys, compression, asyncio.

    The same work in every interpreter: `uuidmig bench compare` puts the files of several side by
    side. What this one lacks is shown as not run, with the reason.
    """
    from uuidmig.bench.runtime.document import runtime_document
    from uuidmig.bench.runtime.suite import run_suite
    from uuidmig.report.bench_runtime import runtime_report
    from uuidmig.report.document import document

    talk: Talk = ctx.obj
    talk.verbosity = -1 if quiet else verbose
    if output is not None and not output.parent.is_dir():
        raise ConfigurationError(f"--output {output}: there is no folder {output.parent}")
    with _server(dsn, server, talk) as used:
        report = run_suite(used, iterations, talk.say)
    text = document(runtime_document(report, _command(iterations, server)))
    if output is not None:
        _write(output, text)
    if as_json:
        write(text)
    else:
        show(runtime_report(report))


@contextmanager
def _server(dsn: str | None, server: str | None, talk: Talk) -> Iterator[str | None]:
    """Yield the connection string of the server that was asked for by an option, if any was."""
    from uuidmig.cli.session import server_dsn
    from uuidmig.config import load_settings

    if dsn is None and server is None:
        yield None
        return
    with server_dsn(load_settings({"dsn": dsn, "server": server}), talk) as resolved:
        yield resolved


def _command(iterations: int, server: str | None) -> str:
    """Return what to type to run this again, without a connection string."""
    chosen = [] if server is None else ["--server", server]
    return join(["uuidmig", "bench", "runtime", "--iterations", str(iterations), *chosen])


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
