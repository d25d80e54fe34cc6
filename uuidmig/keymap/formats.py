"""What a key map is written as. The name of the file says it: nothing else has to be told."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from uuidmig.errors import ConfigurationError


class Format(StrEnum):
    """The formats, by the suffix that names them."""

    CSV = ".csv"
    BINARY = ".pgcopy"  # PostgreSQL's COPY (FORMAT binary)
    PARQUET = ".parquet"


def format_of(path: Path) -> Format:
    """Return the format of a key map of that name.

    Raises ConfigurationError for a name that tells none.
    """
    name = path.with_suffix("") if path.suffix in (".zst", ".gz") else path
    try:
        found = Format(name.suffix)
    except ValueError:
        raise ConfigurationError(f"{path}: {_FORMS}") from None
    if found is Format.PARQUET and name != path:
        raise ConfigurationError(f"{path}: Parquet is compressed in itself; name it {name.name}")
    return found


_FORMS = (
    "the name of a key map ends in .csv, .pgcopy (PostgreSQL's binary COPY), either also with"
    " .zst or .gz, or in .parquet"
)
