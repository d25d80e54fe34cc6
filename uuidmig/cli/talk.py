"""The two ways out: data to stdout, talk to stderr. Neither ever shows a secret."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # rich is loaded by whoever has something to say
    from rich.console import Console, RenderableType

_WIDTH_OFF_A_TERMINAL = 100


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    # Names from the database are no markup, no emoji codes and nothing to be coloured by guess.
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_OFF_A_TERMINAL
    return console


@dataclass
class Talk:
    """How much is said, and where. `secrets` are blotted out of every error message."""

    verbosity: int = 0
    secrets: list[tuple[str, str]] = field(default_factory=list)

    @cached_property
    def console(self) -> Console:
        """Where it is said."""
        return _console(stderr=True)

    def say(self, text: str | RenderableType) -> None:
        """Write to stderr, unless -q was given."""
        if self.verbosity >= 0:
            self.console.print(text, soft_wrap=isinstance(text, str))

    def detail(self, text: str) -> None:
        """Write to stderr, if -v was given."""
        if self.verbosity > 0:
            self.say(text)

    def show(self, text: str | RenderableType) -> None:
        """Write to stderr, -q or not: what somebody is asked about."""
        self.console.print(text, soft_wrap=isinstance(text, str))

    def complain(self, text: str) -> None:
        """Write an error to stderr; -q does not silence it."""
        self.console.print("error: ", style="bold red", end="")
        self.console.print(self.scrub(text), soft_wrap=True)

    def hide(self, secret: str | None, instead: str = "***") -> None:
        """From now on show `instead` where an error message holds the secret."""
        if secret:
            self.secrets.append((secret, instead))

    def scrub(self, text: str) -> str:
        """Return the text without secrets, and without control characters but newlines."""
        for secret, instead in self.secrets:
            text = text.replace(secret, instead)
        return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def write(text: str) -> None:
    """Write data to stdout, as it is, with a newline at the end."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def show(report: RenderableType) -> None:
    """Render a report for people to stdout."""
    _console(stderr=False).print(report)
