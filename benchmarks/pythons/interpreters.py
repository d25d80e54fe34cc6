"""Which interpreters there are, each with an environment of its own, and one turn of the suite."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from uuidmig.errors import UuidmigError

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.12", "3.13", "3.14", "3.14t")


class SuiteFailed(UuidmigError):
    """`uuidmig bench runtime` ended with an error in one of the interpreters."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One that is here; `uuidmig` is the command in its environment."""

    name: str
    uuidmig: Path


@dataclass(frozen=True, slots=True)
class Missing:
    """One that is not, and why."""

    name: str
    reason: str


def find(name: str) -> Interpreter | Missing:
    """Make the environment .venv-<name> by scripts/setup, which here may fetch no interpreter."""
    venv = f".venv-{name}"
    environment = {
        **os.environ,
        "UUIDMIG_PYTHON": name,
        "UUIDMIG_VENV": venv,
        "UV_PYTHON_DOWNLOADS": "never",
    }
    done = subprocess.run(
        ["scripts/setup"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return Interpreter(name, ROOT / venv / "bin" / "uuidmig")
    if "No interpreter found" in done.stderr:
        return Missing(name, "no such interpreter was there")
    lines = done.stderr.strip().splitlines() or ["no message"]
    return Missing(name, f"its environment could not be made ({lines[-1].strip()})")


def run_turn(interpreter: Interpreter, iterations: int, file: Path) -> None:
    """Run the suite once, on an embedded server, into a results file. Raises SuiteFailed."""
    options = ["--iterations", str(iterations), "--server", "embedded", "--output", str(file)]
    command = [str(interpreter.uuidmig), "bench", "runtime", *options, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SuiteFailed(
            f"`uuidmig bench runtime` failed on Python {interpreter.name}: {done.stderr.strip()}"
        )


def order(interpreters: Sequence[Interpreter], turn: int) -> tuple[Interpreter, ...]:
    """Return them in the order of a turn: each begins one, so that none always comes first."""
    first = turn % len(interpreters)
    return (*interpreters[first:], *interpreters[:first])
