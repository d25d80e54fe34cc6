"""What a scan finds: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal[
    "sqlalchemy-default",
    "django-default",
    "pydantic-default",
    "dataclass-default",
    "other-default",
    "call",
    "value",
    "server-default",
    "sql",
    "version-4-only",
    "name-in-string",
]
"""What makes or demands version 4; docs/applications.md explains each."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where an expression stands: lines from 1, columns in characters from 0, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One place. `column` counts from 1, as editors do.

    `kept` says why `--fix` leaves it alone, None: it is rewritten. `history` is true in a
    migration, which `--check` passes over.
    """

    line: int
    column: int
    kind: Kind
    found: str
    replacement: str
    kept: str | None
    history: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file that was parsed.

    `taken_from` are the names it imports from other modules (last part of the module, name), which
    must stay there. `aliases` are its own names for the old generators, but for those that have
    "uuid" in them.
    """

    path: Path
    findings: tuple[Finding, ...]
    taken_from: frozenset[tuple[str, str]] = frozenset()
    aliases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, parsed or rewritten, and why."""

    path: Path
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ScanReport:
    """The outcome for all paths. `read` are all files, `notebooks` those that nobody read."""

    files: tuple[ScannedFile, ...]
    failures: tuple[Failure, ...]
    read: tuple[Path, ...]
    notebooks: int

    @property
    def is_clean(self) -> bool:
        """Tell whether everything was read and nothing but migrations has a finding."""
        return not self.failures and not any(
            not finding.history for file in self.files for finding in file.findings
        )


@dataclass(frozen=True, slots=True)
class FixReport:
    """What was rewritten, and the files that were left as they are against the plan."""

    rewritten: tuple[ScannedFile, ...]
    failures: tuple[Failure, ...]
