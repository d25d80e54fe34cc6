"""The options of `uuidmig bench inserts`, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import join
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uuidmig.cli.talk import Talk
from uuidmig.errors import ConfigurationError

if TYPE_CHECKING:
    from uuidmig.bench.inserts.place import ServerChoice, ServerKind
    from uuidmig.bench.inserts.shapes import Shape
    from uuidmig.bench.inserts.spec import Preset, Spec

_LOAD = "Load"
_TABLE = "Table"
_CONNECTION = "Connection"
_PRESET = "(default of the preset)"

PresetName = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="quick|ram|larger-than-ram",
        rich_help_panel=_LOAD,
        help="Sizes that go together: quick says little in a minute; ram and larger-than-ram are "
        "the two regimes. (default quick)",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="[DSN/]TABLE",
        rich_help_panel=_TABLE,
        help="Make tables like this one, which is only looked at: its columns, indexes, row width "
        "and foreign keys, with made-up rows. Without DSN/ it is looked up with --dsn.",
    ),
]
ShapeName = Annotated[
    str | None,
    typer.Option(
        "--shape",
        metavar="plain|composite|child",
        rich_help_panel=_TABLE,
        help="plain: id and 100 bytes; composite: key (tenant_id, id); child: with an indexed "
        "foreign key. (default plain)",
    ),
]
Kinds = Annotated[
    str,
    typer.Option(
        metavar="LIST",
        rich_help_panel=_TABLE,
        help="Which keys to compare. (default uuid4,uuid7,mixed,bigint)",
    ),
]
Keys = Annotated[
    str,
    typer.Option(
        metavar="server|client",
        rich_help_panel=_TABLE,
        help="Who makes the keys: a default of the column, or the client, before the clock runs. "
        "bigint keys are always the server's. (default server)",
    ),
]
Preload = Annotated[
    str | None,
    typer.Option(
        metavar="ROWS|Nx",
        rich_help_panel=_TABLE,
        help="Rows in each table before the first round: 200k, 12M, or 4x for an index of uuid4 "
        f"keys of four times shared_buffers. {_PRESET}",
    ),
]
Index = Annotated[
    str,
    typer.Option(
        metavar="grown|built",
        rich_help_panel=_TABLE,
        help="Indexes before the first round: grown by inserts, as age leaves them, or freshly "
        "built. (default grown)",
    ),
]
Batch = Annotated[
    int | None,
    typer.Option(min=1, rich_help_panel=_LOAD, help=f"Rows a transaction. {_PRESET}"),
]
Clients = Annotated[
    int | None,
    typer.Option(
        min=1, max=256, rich_help_panel=_LOAD, help=f"Connections that insert at once. {_PRESET}"
    ),
]
Duration = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        rich_help_panel=_LOAD,
        help=f"How long each kind of key inserts in each round: 500ms, 10s. {_PRESET}",
    ),
]
Rows = Annotated[
    str | None,
    typer.Option(
        metavar="ROWS",
        rich_help_panel=_LOAD,
        help="End a turn after so many rows, if that is before --duration.",
    ),
]
Rounds = Annotated[
    int | None,
    typer.Option(
        min=1, rich_help_panel=_LOAD, help=f"How often every kind has its turn. {_PRESET}"
    ),
]
Copy = Annotated[bool, typer.Option("--copy", rich_help_panel=_LOAD, help="COPY, not INSERT.")]
Seed = Annotated[
    int, typer.Option(rich_help_panel=_LOAD, help="Decides the order of turns in each round.")
]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        rich_help_panel=_CONNECTION,
        help="Memory of the container of --server docker: 400m, 2g. (default of the preset)",
    ),
]
Cpus = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        metavar="NUMBER",
        rich_help_panel=_CONNECTION,
        help="Processors of the container of --server docker. (default of the preset)",
    ),
]
Image = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        rich_help_panel=_CONNECTION,
        help="Image of the container of --server docker. (default postgres:18)",
    ),
]
AllowProduction = Annotated[
    bool,
    typer.Option(
        "--allow-production",
        rich_help_panel="Safety",
        help="Measure even where --dsn looks like production: other sessions, standbys, slots, "
        "publications, WAL archiving, or more than 1 GB of data.",
    ),
]

_SECRET = ("dsn", "against")


@dataclass(frozen=True, slots=True)
class Given:
    """The options as they were given, by name."""

    options: Mapping[str, Any]

    @property
    def preset(self) -> Preset:
        from uuidmig.bench.inserts.spec import PRESETS

        name = self.options["preset"]
        if name not in PRESETS:
            raise ConfigurationError(f"--preset {name}: known are {', '.join(PRESETS)}")
        return PRESETS[name]

    def server(self, talk: Talk) -> ServerChoice:
        """Return the server to use. ConfigurationError for options that exclude each other."""
        from uuidmig.bench.inserts.place import ServerChoice
        from uuidmig.cli.session import hide_secrets
        from uuidmig.servers.dsn import resolve_dsn

        preset, dsn = self.preset, self.options["dsn"]
        kind = self._server_kind()
        if kind == "dsn":
            hide_secrets(dsn, talk)
            dsn = resolve_dsn(dsn)
            hide_secrets(dsn, talk)
        limits = {"memory": self.options["memory"], "cpus": self.options["cpus"]}
        if kind != "docker" and any(limits.values()):
            raise ConfigurationError("--memory and --cpus limit a container: use --server docker")
        return ServerChoice(
            kind=kind,
            dsn=dsn,
            image=self.options["image"],
            memory=limits["memory"] or preset.memory,
            cpus=limits["cpus"] or preset.cpus,
            allow_production=self.options["allow_production"],
        )

    def _server_kind(self) -> ServerKind:
        server: str | None = self.options["server"]
        match server:
            case "docker" | "embedded" | None if self.options["dsn"] is not None:
                if server is not None:
                    raise ConfigurationError("both --dsn and --server are given; choose one")
                return "dsn"
            case "docker" | "embedded":
                return server
            case None:
                return "docker" if self.preset.docker else "embedded"
        raise ConfigurationError(f"--server {server}: known are embedded and docker")

    def spec(self, talk: Talk) -> Spec:
        """Return the run. ConfigurationError for what does not fit."""
        from uuidmig.bench.inserts.spec import Spec, choose_kinds, parse_preload, parse_rows

        options, preset = self.options, self.preset
        duration, rows = options["duration"], options["rows"]
        return Spec(
            kinds=choose_kinds(options["kinds"]),
            shape=self._shape(talk),
            keys=_one_of("keys", options["keys"], "server", "client"),
            preload=parse_preload(options["preload"] or preset.preload),
            batch=options["batch"] or preset.batch,
            clients=options["clients"] or preset.clients,
            seconds=preset.seconds if duration is None else _seconds(duration),
            rounds=options["rounds"] or preset.rounds,
            rows=None if rows is None else parse_rows(rows),
            copy=options["copy"],
            grown=_one_of("index", options["index"], "grown", "built") == "grown",
            seed=options["seed"],
        )

    def command(self) -> str:
        """Return what to type to run this again, without connection strings."""
        words = ["uuidmig", "bench", "inserts"]
        for name, value in self.options.items():
            if value in (None, False, 0) or name in ("as_json", "verbose", "quiet", *_SECRET):
                continue
            option = f"--{name.replace('_', '-')}"
            words += [option] if value is True else [option, str(value)]
        return join(words)

    def _shape(self, talk: Talk) -> Shape:
        from uuidmig.bench.inserts.spec import choose_shape

        against, name = self.options["against"], self.options["shape"]
        if against is not None and name is not None:
            raise ConfigurationError("both --against and --shape are given; choose one")
        return choose_shape(name or "plain") if against is None else self._own_shape(against, talk)

    def _own_shape(self, against: str, talk: Talk) -> Shape:
        from uuidmig.bench.inserts.against import read_shape, split_against
        from uuidmig.cli.session import hide_secrets
        from uuidmig.engine.connection import connect
        from uuidmig.servers.dsn import resolve_dsn

        text, table = split_against(against)
        hide_secrets(text, talk)
        dsn = resolve_dsn(text or self.options["dsn"])
        hide_secrets(dsn, talk)
        with connect(dsn, "bench") as connection:
            return read_shape(connection, table)


def _one_of(option: str, value: str, *known: str) -> Any:
    if value not in known:
        raise ConfigurationError(f"--{option} {value}: known are {' and '.join(known)}")
    return value


def _seconds(text: str) -> float:
    from uuidmig.durations import parse_milliseconds

    try:
        return parse_milliseconds(text) / 1000
    except ValueError as error:
        raise ConfigurationError(f"--duration: {error}") from None
