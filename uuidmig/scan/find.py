"""What in a module makes version 4 keys, or takes no other ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from uuidmig.scan.classify import classify, reason_to_keep, server_kind
from uuidmig.scan.history import is_migration
from uuidmig.scan.model import Finding, Kind, ScannedFile
from uuidmig.scan.names import Names, Scope, read_names
from uuidmig.scan.source import Module, parse
from uuidmig.scan.target import Target

_MENTIONS = re.compile(rb"uuid", re.IGNORECASE)
_SQL_CALL = re.compile(r"\b(?:gen_random_uuid|uuid_generate_v4|uuidv4)\s*\(", re.IGNORECASE)
_SQL_FUNCTIONS = frozenset(("gen_random_uuid", "uuid_generate_v4", "uuidv4"))
_PATCHED = re.compile(r"(?:\w+\.)+uuid4")
_KEEP = re.compile(r"#.*\buuidmig: keep\b")

_OWN = "uuid.uuid4"
_GENERATOR = re.compile(r"(?:.*\.)?uuid4")
_TYPES = frozenset(("pydantic.UUID4", "pydantic.types.UUID4"))
_RANDOM_UUID = re.compile(r"django\.contrib\.postgres\.functions\.RandomUUID")

_SERVER = "uuidv7() on PostgreSQL 18, uuidmig_keys.uuidv7() before"
_NOT_SQL = "which function it is depends on the server; by hand"
_OTHER_TYPE = "pydantic.UUID7, or uuid.UUID for both"
_REFUSES = "it refuses uuid7 keys; by hand"
_NO_VERSION = "uuid.UUID without version=4"
_CHANGES = "it turns a uuid7 key into another key; by hand"
_NEW_NAME = "the name of what takes its place"
_LOOKED_UP = "something looks this name up; by hand"
_MIGRATION = "a migration is history; what follows it is a new one"


@dataclass(frozen=True, slots=True)
class _Hit:
    node: ast.expr
    origins: frozenset[str]


def mentions_uuid(source: bytes) -> bool:
    """Tell whether the file can have a finding at all: most have none, and are not parsed."""
    return _MENTIONS.search(source) is not None


def scan_source(path: Path, source: bytes, target: Target) -> ScannedFile:
    """Return all findings in the order of their places. SyntaxError for what is no Python."""
    module = parse(source)
    names = read_names(module.tree)
    history = is_migration(module.tree)
    found = [*_python(module, names, target, history), *_sql(module, history)]
    found = [finding for finding in found if not _is_kept_by_comment(module, finding)]
    found.sort(key=lambda finding: finding.span)
    taken = frozenset(_taken_from(module.tree))
    return ScannedFile(path, tuple(found), taken, frozenset(_aliases(names)))


def _aliases(names: Names) -> Iterator[str]:
    for scope in names.scopes:
        for name, origins in scope.origins.items():
            if origins & {"uuid", _OWN} and "uuid" not in name.lower():
                yield name


def _taken_from(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module != "uuid":
            for alias in node.names:
                yield (node.module or "").rpartition(".")[2], alias.name


def name_is_taken(names: Names, target: Target) -> bool:
    """Tell whether `uuid7` means something else somewhere in this file, or only in a part of it."""
    for scope, origins in names.bindings("uuid7"):
        if origins != {f"{target.module}.uuid7"} or not _binds_at_top(scope):
            return True
    return False


def _binds_at_top(scope: Scope) -> bool:
    return isinstance(scope.node, ast.Module) and any(
        isinstance(statement, ast.ImportFrom)
        and any((alias.asname or alias.name) == "uuid7" for alias in statement.names)
        for statement in scope.node.body
    )


def _python(module: Module, names: Names, target: Target, history: bool) -> Iterator[Finding]:
    taken = name_is_taken(names, target)
    for hit in _references(module, names):
        if hit.origins & _TYPES:
            yield _finding(module, hit.node, "version-4-only", _OTHER_TYPE, _REFUSES, history)
        elif any(_RANDOM_UUID.fullmatch(origin) for origin in hit.origins):
            yield _server_finding(module, hit.node, history)
        elif "uuid.UUID" in hit.origins:
            call = module.parents.get(hit.node)
            if isinstance(call, ast.Call) and call.func is hit.node and _version_4(call):
                yield _finding(module, call, "version-4-only", _NO_VERSION, _CHANGES, history)
        else:
            yield _generator(module, hit, target, taken, history)


def _version_4(call: ast.Call) -> bool:
    values = [keyword.value for keyword in call.keywords if keyword.arg == "version"]
    return any(isinstance(value, ast.Constant) and value.value == 4 for value in values)


def _generator(module: Module, hit: _Hit, target: Target, taken: bool, history: bool) -> Finding:
    place = classify(module.parents, hit.node)
    kept = _origin_problem(hit.origins)
    if kept is None and taken and not _stays_attribute(hit.node, target):
        kept = "the name uuid7 is taken in this file"
    kept = kept or reason_to_keep(place)
    new = f"{target.module}.uuid7{'()' if place.is_call else ''}"
    return _finding(module, hit.node, place.kind, new, kept, history)


def _stays_attribute(node: ast.expr, target: Target) -> bool:
    return target.module == "uuid" and isinstance(node, ast.Attribute)


def _origin_problem(origins: frozenset[str]) -> str | None:
    if origins == {_OWN}:
        return None
    others = sorted(origin.removesuffix(".uuid4") for origin in origins - {_OWN, ""})
    if len(origins) == 1:
        return f"it comes from {others[0]}; see whether that has a uuid7"
    return "the name has several meanings here; by hand"


def _references(module: Module, names: Names) -> Iterator[_Hit]:
    """Yield every expression that means uuid4, UUID4, UUID or RandomUUID, by its imports."""
    for name, scope in names.reads:
        origins = names.origins(name.id, scope)
        node: ast.expr = name
        while any(origins):
            if _is_wanted(origins):
                yield _Hit(node, origins)
                break
            outer = module.parents.get(node)
            if not isinstance(outer, ast.Attribute):
                break
            origins = frozenset(f"{o}.{outer.attr}" if o else "" for o in origins)
            node = outer


def _is_wanted(origins: frozenset[str]) -> bool:
    return any(
        _GENERATOR.fullmatch(o) or o in _TYPES or o == "uuid.UUID" or _RANDOM_UUID.fullmatch(o)
        for o in origins
    )


def _sql(module: Module, history: bool) -> Iterator[Finding]:
    for node, parent in module.parents.items():
        match node:
            case ast.Constant(value=str(text)) if not isinstance(parent, ast.Expr):
                if _SQL_CALL.search(text):
                    yield _server_finding(module, node, history)
                elif _PATCHED.fullmatch(text):
                    yield _finding(module, node, "name-in-string", _NEW_NAME, _LOOKED_UP, history)
            case ast.Attribute(attr=attr) if attr in _SQL_FUNCTIONS:
                yield _server_finding(module, node, history)
            case _:
                pass


def _server_finding(module: Module, node: ast.expr, history: bool) -> Finding:
    kind = server_kind(module.parents, node)
    return _finding(module, node, kind, _SERVER, _NOT_SQL, history)


def _finding(
    module: Module,
    node: ast.expr,
    kind: Kind,
    replacement: str,
    kept: str | None,
    history: bool,
) -> Finding:
    span = module.span(node)
    reason = _MIGRATION if history else kept
    text = module.text(_shown(module, node))
    return Finding(span.line, span.column + 1, kind, text, replacement, reason, history, span)


def _shown(module: Module, node: ast.expr) -> ast.expr:
    """Return the expression to show: with the call, where it is one."""
    parent = module.parents.get(node)
    return parent if isinstance(parent, ast.Call) and parent.func is node else node


def _is_kept_by_comment(module: Module, finding: Finding) -> bool:
    return _KEEP.search(module.lines[finding.line - 1]) is not None
