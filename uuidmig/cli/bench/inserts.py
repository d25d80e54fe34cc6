"""`uuidmig bench inserts`: what random, time-ordered and sequential keys cost when rows come in."""

from __future__ import annotations

from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.bench.inserts_options import (
    Against,
    AllowProduction,
    Batch,
    Clients,
    Copy,
    Cpus,
    Duration,
    Given,
    Image,
    Index,
    Keys,
    Kinds,
    Memory,
    Preload,
    PresetName,
    Rounds,
    Rows,
    Seed,
    ShapeName,
)
from uuidmig.cli.talk import Talk, show, write

EXAMPLES = (
    "uuidmig bench inserts",
    "uuidmig bench inserts --preset larger-than-ram --server docker",
    "uuidmig bench inserts --preset ram --copy --json > ram.json",
    "uuidmig bench inserts --against service=shop/public.orders",
    "uuidmig bench inserts --dsn service=staging --preload 4x --batch 1 --clients 8",
)

Server = Annotated[
    str | None,
    typer.Option(
        metavar="embedded|docker",
        rich_help_panel="Connection",
        help="Start a server for the run. (default embedded, of larger-than-ram docker; neither "
        "UUIDMIG_SERVER nor UUIDMIG_DSN count here)",
    ),
]


def inserts(
    ctx: typer.Context,
    preset: PresetName = "quick",
    against: Against = None,
    shape: ShapeName = None,
    kinds: Kinds = "uuid4,uuid7,mixed,bigint",
    keys: Keys = "server",
    preload: Preload = None,
    index: Index = "grown",
    batch: Batch = None,
    clients: Clients = None,
    duration: Duration = None,
    rows: Rows = None,
    rounds: Rounds = None,
    copy: Copy = False,
    seed: Seed = 1,
    memory: Memory = None,
    cpus: Cpus = None,
    image: Image = "postgres:18",
    allow_production: AllowProduction = False,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Insert into tables with uuid4, uuid7, mixed and bigint keys in turn, and measure.

    Runs in a schema of its own, which is dropped afterwards, on an embedded server unless --server
    or --dsn says otherwise. mixed is a table full of uuid4 keys that gets uuid7 keys: what changing
    only the default gives. docs/benchmarks.md tells how to read the figures.
    """
    from uuidmig.bench.inserts.document import bench_document
    from uuidmig.bench.inserts.place import bench_place
    from uuidmig.bench.inserts.run import run_bench
    from uuidmig.report.bench_inserts import bench_table
    from uuidmig.report.document import document

    talk: Talk = ctx.obj
    talk.verbosity = -1 if quiet else verbose
    given = Given(ctx.params)
    choice, spec = given.server(talk), given.spec(talk)
    with bench_place(choice, given.preset) as place:
        report = run_bench(place, spec, talk.say)
    if as_json:
        write(document(bench_document(report, given.command())))
    else:
        show(bench_table(report))
