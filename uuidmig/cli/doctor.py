"""`uuidmig doctor`: is this server, this role and this Python fit for a migration?"""

from __future__ import annotations

from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import show, write
from uuidmig.errors import PreflightRefused

EXAMPLES = (
    "uuidmig doctor",
    "uuidmig doctor --dsn service=shop",
    "uuidmig doctor --runtime",
    "uuidmig doctor --json | jq '.checks[] | select(.verdict == \"blocks\")'",
)


def doctor(
    ctx: typer.Context,
    runtime: Annotated[
        bool, typer.Option("--runtime", help="Only what this Python offers; needs no database.")
    ] = False,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Check server version, role, rights, extensions, settings and Python. Reads only.

    Exit code 3 when something would block a migration.
    """
    from uuidmig.engine.doctor import examine
    from uuidmig.report.diagnosis import diagnosis_table
    from uuidmig.report.document import document

    if runtime:
        _show_runtime(as_json)
        return
    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
        checks = examine(run.dsn)
        if as_json:
            write(document({"checks": checks}))
        else:
            show(diagnosis_table(checks))
        blockers = [check.name for check in checks if check.verdict == "blocks"]
        if blockers:
            run.talk.complain(f"this blocks a migration: {', '.join(blockers)}")
            raise typer.Exit(PreflightRefused.exit_code)


def _show_runtime(as_json: bool) -> None:
    from uuidmig.keys.generate import GENERATOR
    from uuidmig.report.document import document
    from uuidmig.report.runtime import runtime_table
    from uuidmig.runtime import get_runtime_info

    info = get_runtime_info()
    if as_json:
        write(document({"runtime": info, "new_keys_by": GENERATOR}))
    else:
        show(runtime_table(info))
