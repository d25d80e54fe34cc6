"""Ask before something happens. Without a terminal nobody can answer: then --yes is needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from uuidmig.cli.talk import Talk
from uuidmig.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import RenderableType


def confirm(what: str | RenderableType, question: str, talk: Talk, *, yes: bool) -> None:
    """Say what will happen and return when the answer is yes; typer.Exit(1) when it is no."""
    if not (_is_settled(what, talk, yes) or typer.confirm(question, err=True)):
        _leave(talk)


def confirm_database(what: str | RenderableType, database: str, talk: Talk, *, yes: bool) -> None:
    """The same, but the answer is the name of the database: nobody types it by habit."""
    if not _is_settled(what, talk, yes):
        question = f"Type the name of the database ({database}) to go on"
        if typer.prompt(question, default="", show_default=False, err=True) != database:
            _leave(talk)


def require_answer(*, yes: bool) -> None:
    """Raise ConfigurationError when there is nobody to ask and --yes was not given."""
    if not (yes or sys.stdin.isatty()):
        raise ConfigurationError(
            "this asks before it changes anything, and standard input is no terminal; "
            "pass --yes to go on without being asked"
        )


def _is_settled(what: str | RenderableType, talk: Talk, yes: bool) -> bool:
    require_answer(yes=yes)
    (talk.say if yes else talk.show)(what)
    return yes


def _leave(talk: Talk) -> None:
    talk.show("not confirmed, nothing was changed")
    raise typer.Exit(1)
