"""Write uuid7 where a finding says so, and leave every other character as it is."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uuidmig.errors import ConfigurationError
from uuidmig.scan.model import Span
from uuidmig.scan.target import Target

if TYPE_CHECKING:
    import libcst


class NotFixed(Exception):
    """The file was left as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class OldImport:
    """A binding of the old generator: `import module as alias`, or `from module import name`."""

    name: str | None
    alias: str | None

    @property
    def bound(self) -> str:
        """Return the name that the import binds."""
        return self.alias or self.name or "uuid"


def require_libcst() -> None:
    """Raise ConfigurationError, naming the extra, where libcst is not installed."""
    try:
        import libcst  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            "--fix needs the package libcst: install uuidmig with its extra scan,"
            " pip install 'uuidmig[scan]'"
        ) from error


def rewrite(
    source: bytes, spans: Collection[Span], target: Target, exported: Collection[str]
) -> bytes:
    """Return the source with uuid7 at `spans`, its import, and no import that nothing uses.

    Names in `exported` stay bound: other files import them from here. NotFixed when libcst does
    not read the file, or a place is not where the finding saw it.
    """
    import libcst

    from uuidmig.scan.transform import replace_places, with_imports, without_unused

    try:
        module = libcst.parse_module(source)
    except libcst.ParserSyntaxError as error:
        raise NotFixed(f"libcst cannot read it: {error.message}") from error
    replaced = replace_places(module, spans, target)
    if replaced.missing:
        line = min(replaced.missing).line
        raise NotFixed(f"the expression in line {line} is written in a way that is not rewritten")
    old = [use for use in _old_imports(source) if use.bound not in exported]
    if replaced.needs_name:
        module = with_imports(replaced.module, target, old)
    else:
        module = without_unused(replaced.module, old)
    changed = _to_bytes(module, source)
    _check(changed)
    return changed


def _to_bytes(module: libcst.Module, source: bytes) -> bytes:
    """Return the text in the file's encoding; libcst drops the mark of UTF-8."""
    mark = b"\xef\xbb\xbf"
    text = module.bytes
    return mark + text if source.startswith(mark) and not text.startswith(mark) else text


def _old_imports(source: bytes) -> list[OldImport]:
    found: list[OldImport] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [OldImport(None, a.asname) for a in node.names if a.name == "uuid"]
        elif isinstance(node, ast.ImportFrom) and node.module == "uuid" and not node.level:
            found += [OldImport(a.name, a.asname) for a in node.names if a.name == "uuid4"]
    return found


def _check(changed: bytes) -> None:
    try:
        compile(changed, "<fixed>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise NotFixed(f"the result would not compile: {error}") from error
