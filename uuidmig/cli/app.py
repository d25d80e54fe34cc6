"""The application: commands are registered here, failures of all of them are reported here."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from uuidmig import __version__
from uuidmig.cli import (
    abort,
    backup,
    bench,
    cutover,
    decode,
    demo,
    doctor,
    export_map,
    finish,
    import_map,
    inspect,
    keys,
    lookup,
    migrate,
    pause,
    plan,
    report,
    resume,
    rewrite_file,
    rollback,
    scan,
    status,
    verify,
)
from uuidmig.cli.failures import heed_sigterm, report_failure
from uuidmig.cli.talk import Talk, write

_PANELS = {
    "Migrate": (plan, backup, migrate, status, verify, cutover, pause, resume),
    "Go back, clean up": (abort, rollback, finish),
    "Key maps": (export_map, import_map, rewrite_file),
    "Look": (lookup, inspect, decode, keys, scan, doctor, report, demo),
}

app = typer.Typer(
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # its tracebacks show source lines and could show locals
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="Examples:\n  uuidmig demo\n  uuidmig plan --dsn service=shop\n"
    "  uuidmig migrate --cutover manual",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        write(f"uuidmig {__version__}")
        raise typer.Exit


@app.callback()
def uuidmig(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Turn the uuid4 keys of a live PostgreSQL database into uuid7 keys, references included.

    Exit codes:
      0 done, or nothing to do
      1 failed; run it again to resume
      2 usage or configuration
      3 refused, nothing was changed
      4 no lock in the allowed time
      5 verification found a difference
      6 slower than the threshold of `bench compare` allows
      130, 143 interrupted; run it again to resume
    """
    ctx.obj = Talk()


def _register(group: typer.Typer, module: ModuleType, panel: str | None = None) -> None:
    name = module.__name__.rpartition(".")[2]
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES)
    kind = getattr(module, "Command", TyperCommand)
    group.command(
        name.replace("_", "-"), cls=kind, epilog=f"Examples:\n{examples}", rich_help_panel=panel
    )(_reporting_failures(getattr(module, name)))


def _reporting_failures(command: Callable[..., None]) -> Callable[..., None]:
    """Turn any failure, ours or the server's, into a message and an exit code."""

    @wraps(command)
    def run(ctx: typer.Context, **arguments: Any) -> None:
        try:
            command(ctx, **arguments)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            raise typer.Exit(report_failure(error, ctx.obj)) from None

    return run


for _panel, _modules in _PANELS.items():
    for _module in _modules:
        _register(app, _module, _panel)

_bench = typer.Typer(no_args_is_help=True, help=bench.HELP)
app.add_typer(_bench, name="bench", rich_help_panel="Measure")
for _module in bench.COMMANDS:
    _register(_bench, _module)


def main() -> None:
    """Run the command line; never returns."""
    heed_sigterm()
    # Ending an interpreter collects its garbage twice, which here takes longer than to start it.
    atexit.register(gc.freeze)
    app(prog_name="uuidmig")
