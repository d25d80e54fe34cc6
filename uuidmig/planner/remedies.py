"""The way out of what is refused because of its kind."""

from __future__ import annotations

_GENERAL = "drop it and create it again afterwards, or leave the table out"
_BY_KIND = {
    "extension": "leave the table out, or take it out of the extension until finish "
    "(ALTER EXTENSION ... DROP TABLE, ALTER ... NO DEPENDS ON EXTENSION)",
    "inheritance": "leave the tables out, or ALTER TABLE ... NO INHERIT until finish",
    "partition": "leave the table out",
    "typed table": "ALTER TABLE ... NOT OF, and ALTER TABLE ... OF after finish",
}


def remedy_for(kind: str) -> str:
    """Return what to do about an unsupported object of this kind."""
    return _BY_KIND.get(kind, _GENERAL)
