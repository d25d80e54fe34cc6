"""`uuidmig decode`: what a key says about itself."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from uuidmig.cli import options
from uuidmig.cli.talk import show, write

EXAMPLES = (
    "uuidmig decode 017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    "uuidmig decode --json 017f22e2-79b0-7cc3-98c4-dc0c0c07398f | jq -r '.keys[].created_at'",
)


def decode(
    ctx: typer.Context,
    ids: Annotated[list[UUID], typer.Argument(metavar="ID...", help="Keys of any version.")],
    as_json: options.AsJson = False,
) -> None:
    """Show version, creation time, counter and random bits of keys. Needs no database."""
    from uuidmig.keys import decode as keys
    from uuidmig.report.decode import decoded_keys
    from uuidmig.report.document import document

    facts = [keys.decode(key) for key in ids]
    if as_json:
        write(document({"keys": facts}))
    else:
        show(decoded_keys(facts))
