"""`uuidmig scan`: what in Python code makes uuid4 keys."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.talk import write

if TYPE_CHECKING:
    from uuidmig.cli.talk import Talk
    from uuidmig.scan import FixReport, ScanReport

EXAMPLES = (
    "uuidmig scan src",
    "uuidmig scan src tests --exclude 'legacy_*'",
    "uuidmig scan src --check",
    "uuidmig scan src --fix --target-python 3.14",
    "uuidmig scan src --json | jq '.findings[] | select(.kept == null)'",
)


def scan(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.")],
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Files and folders to pass over, by name or path; may be repeated. "
            "(default hidden folders, environments, node_modules, build, dist)",
        ),
    ] = None,
    target_python: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="The oldest Python the code runs on: from 3.14 on uuid.uuid7 is the replacement, "
            "before uuidmig.uuid7. (default requires-python of the project)",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 when there is something, for CI.")
    ] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Rewrite what makes keys. Needs uuidmig[scan].")
    ] = False,
    as_json: options.AsJson = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show what in Python code makes uuid4 keys, or takes no others. No database is needed.

    The code is read, never imported. Migrations are shown, but no reason for --check to fail and
    never rewritten; nor is a line with the comment `# uuidmig: keep`.
    """
    from uuidmig.report.scan import finding_lines, scan_document
    from uuidmig.runtime import usable_cores
    from uuidmig.scan import find_target, fix_files, scan_paths

    ctx.obj.verbosity = -1 if quiet else verbose
    target = find_target(target_python, paths[0])
    scan_all = partial(scan_paths, paths, target, exclude or (), workers=usable_cores())
    report = scan_all(say=ctx.obj.detail)
    fixed = fix_files(report, target) if fix else None
    if fixed is not None:
        report = scan_all()
    if as_json:
        from uuidmig.report.document import document  # loads the database driver

        write(document(scan_document(report, target, fixed)))
    elif lines := "\n".join(finding_lines(report.files)):
        write(lines)
    _talk(ctx.obj, report, fixed)
    if (fixed and fixed.failures) or (check and not report.is_clean):
        raise typer.Exit(1)


def _talk(talk: Talk, report: ScanReport, fixed: FixReport | None) -> None:
    from uuidmig.report.scan import failure_line, fix_summary, summary

    for failure in (*report.failures, *(fixed.failures if fixed else ())):
        talk.complain(failure_line(failure))
    if fixed is not None:
        talk.say(fix_summary(fixed))
    talk.say(summary(report))
