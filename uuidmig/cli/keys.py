"""`uuidmig keys`: new version 7 keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.talk import write

EXAMPLES = (
    "uuidmig keys",
    "uuidmig keys -n 1000 > keys.txt",
    "uuidmig keys --at 2024-02-29T12:00:00.000123",
)


def _time(text: str) -> datetime:
    try:
        made = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no ISO 8601 time") from error
    made = made.replace(tzinfo=UTC) if made.tzinfo is None else made
    if made < datetime(1970, 1, 1, tzinfo=UTC):
        raise typer.BadParameter("a version 7 key has no time before 1970")
    return made


def keys(
    ctx: typer.Context,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many.")] = 1,
    at: Annotated[
        datetime | None,
        typer.Option(
            parser=_time,
            metavar="TIME",
            help="Made at this time, ISO 8601, UTC unless it says otherwise; in no order then.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Print new version 7 keys, one a line, in rising order. Needs no database."""
    from uuidmig.keys.generate import uuid7, uuid7_at
    from uuidmig.report.document import document

    made = (uuid7() if at is None else uuid7_at(at) for _ in range(number))
    if as_json:
        write(document({"keys": list(made)}))
        return
    for key in made:
        write(str(key))
