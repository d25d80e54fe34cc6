"""What a run is told: sizes, clients, rounds, and the presets of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from uuidmig.bench.inserts.kinds import KINDS, Kind
from uuidmig.bench.inserts.shapes import SHAPES, Shape
from uuidmig.errors import ConfigurationError

INDEX_BYTES_PER_ROW = 41
"""What a row takes in the index of random uuid4 keys: 28 bytes at 69 % full."""

CLIENT_KEYS_PER_SECOND = 100_000
"""How many keys of the client are made ahead for each second of a turn."""

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([kM]?|x)")
_FACTORS = {"": 1, "k": 1000, "M": 1_000_000}


@dataclass(frozen=True, slots=True)
class Preload:
    """How many rows a table has before the first round: so many, or as many as make the index of
    uuid4 keys `times` shared_buffers."""

    rows: int = 0
    times: float = 0.0

    def count(self, shared_buffers: int) -> int:
        """Return the rows on a server with so many bytes of shared_buffers."""
        return self.rows or max(1, round(self.times * shared_buffers / INDEX_BYTES_PER_ROW))


@dataclass(frozen=True, slots=True)
class Spec:
    """One run. `seconds` is how long a turn of one kind in one round lasts, `rows` after how many
    rows it ends earlier; `grown` tells indexes that inserts have grown from freshly built ones."""

    kinds: tuple[Kind, ...]
    shape: Shape
    keys: Literal["server", "client"]
    preload: Preload
    batch: int
    clients: int
    seconds: float
    rounds: int
    rows: int | None = None
    copy: bool = False
    grown: bool = True
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Preset:
    """The sizes that go together. `memory` limits the container, `shared_buffers` is set on
    servers that the run starts itself."""

    preload: str
    batch: int
    clients: int
    seconds: float
    rounds: int
    shared_buffers: str
    memory: str | None = None
    cpus: float | None = None
    docker: bool = False


PRESETS = {
    "quick": Preset("100k", 100, 2, 1.0, 3, "128MB"),
    "ram": Preset("1M", 1000, 2, 4.0, 5, "1GB"),
    "larger-than-ram": Preset(
        "12M", 1000, 2, 10.0, 5, "128MB", memory="400m", cpus=2.0, docker=True
    ),
}


def parse_rows(text: str) -> int:
    """Return the rows of "1000", "200k" or "12M". ConfigurationError for anything else."""
    found = _AMOUNT.fullmatch(text)
    if found is None or found[2] == "x" or float(found[1]) * _FACTORS[found[2]] < 1:
        raise ConfigurationError(f"{text!r} is no number of rows; write 50000, 200k or 12M")
    return round(float(found[1]) * _FACTORS[found[2]])


def parse_preload(text: str) -> Preload:
    """Return what "12M" (rows) or "4x" (times shared_buffers) means. ConfigurationError."""
    found = _AMOUNT.fullmatch(text)
    if found is not None and found[2] == "x" and float(found[1]) > 0:
        return Preload(times=float(found[1]))
    try:
        return Preload(rows=parse_rows(text))
    except ConfigurationError:
        raise ConfigurationError(
            f"--preload {text!r}: write rows (200k, 12M) or a multiple of shared_buffers (4x)"
        ) from None


def choose_kinds(names: str) -> tuple[Kind, ...]:
    """Return the kinds of a list with commas. ConfigurationError for one that there is not."""
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if not chosen or (unknown := [name for name in chosen if name not in KINDS]):
        wrong = ", ".join(unknown) if chosen else "none"
        raise ConfigurationError(f"--kinds {wrong}: known are {', '.join(KINDS)}")
    return tuple(KINDS[name] for name in dict.fromkeys(chosen))


def choose_shape(name: str) -> Shape:
    """Return the shape of that name. ConfigurationError when there is none."""
    if name not in SHAPES:
        raise ConfigurationError(f"--shape {name}: known are {', '.join(SHAPES)}")
    return SHAPES[name]
