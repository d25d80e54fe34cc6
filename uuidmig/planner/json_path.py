"""Where in a document keys are: a path of object keys and array elements, as reports write it."""

from __future__ import annotations

import json
import re

JsonPath = tuple[str | None, ...]
"""The steps from the document inwards: a key of an object, None for every element of an array."""

_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_STEP = re.compile(r'\[\*\]|\.([A-Za-z_][A-Za-z0-9_]*)|\.("(?:[^"\\]|\\.)*")')


def read_path(text: str) -> JsonPath:
    """Return the steps of a path like `$.items[*]."Item No."`; ValueError when it is none."""
    if not text.startswith("$"):
        raise ValueError(text)
    steps: list[str | None] = []
    place = 1
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None:
            raise ValueError(text)
        plain, quoted = found.groups()
        steps.append(_unquoted(quoted) if quoted else plain)
        place = found.end()
    return tuple(steps)


def _unquoted(name: str) -> str:
    key: str = json.loads(name)
    key.encode()  # half a surrogate pair is a ValueError too
    if "\0" in key:
        raise ValueError(name)  # no text of the server's has that
    return key


def write_path(steps: JsonPath) -> str:
    """Return the path as text; `read_path` gives the steps back."""
    return "$" + "".join("[*]" if step is None else f".{write_key(step)}" for step in steps)


def write_key(name: str) -> str:
    """Return an object's key as it stands in a path: in double quotes, where that is needed."""
    return name if _PLAIN_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)
