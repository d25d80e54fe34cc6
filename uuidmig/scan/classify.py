"""What a generator is used for, told from what stands around it.

Only what makes keys is rewritten. A uuid4 may as well be a token: it must not tell when it was
made; or somebody takes its first characters, which in a uuid7 are the time and nearly constant.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from uuidmig.scan.model import Kind

_DEFAULTS = frozenset(("default", "insert_default", "default_factory", "factory", "db_default"))
_COLUMNS = frozenset(("mapped_column", "Column"))
_DATACLASS = frozenset(("field", "ib", "attrib"))
_PYDANTIC = frozenset(("Field", "PrivateAttr"))

# What may stand between the generator and what its value is for.
_WRAPPERS = frozenset(
    ("str", "partial", "Factory", "LazyFunction", "LazyAttribute", "UUID", "text", "staticmethod")
)
_TRANSPARENT = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.List, ast.Set, ast.Starred, ast.ListComp,
                ast.SetComp, ast.GeneratorExp, ast.FormattedValue, ast.JoinedStr)  # fmt: skip

_WHOLE = frozenset(("hex", "bytes", "urn", "int", "upper", "lower", "__str__"))
"""Attributes of a uuid, and methods of its text, that keep all of it."""

_KEY = frozenset(["id", "ids", "uuid", "uuids", "guid", "guids", "pk", "pks", "key", "keys", "uid"])
_SECRET = frozenset(
    (
        *("token", "secret", "password", "passwd", "nonce", "csrf", "session", "salt", "otp"),
        *("apikey", "api", "auth", "code", "invite", "invitation", "reset", "verification"),
        *("verify", "confirm", "confirmation", "access", "refresh", "login", "sso", "cookie"),
        *("signature", "private", "magic", "unsubscribe", "share", "hash"),
    )
)

_SHORTENED = "only a part of it is used, and the first half of a uuid7 is its time; by hand"
_MAYBE_SECRET = "may be a secret, and a uuid7 tells when it was made; by hand"
_UNCLEAR = "nothing here says that it is a key; by hand"


@dataclass(frozen=True, slots=True)
class Place:
    """What is around a generator. `names` are what its value is called, from the inside out."""

    kind: Kind
    names: tuple[str, ...]
    is_call: bool
    is_shortened: bool

    @property
    def is_default(self) -> bool:
        """Tell whether it is the default of a field or column, by what is called there."""
        return self.kind.endswith("-default") and self.kind != "other-default"


def reason_to_keep(place: Place) -> str | None:
    """Return why the fixer must leave this place to people; None: it makes keys."""
    words = frozenset().union(*map(_words, place.names))
    if place.is_shortened:
        return _SHORTENED
    if words & _SECRET:
        return _MAYBE_SECRET
    if not place.is_default and not words & _KEY:
        return _UNCLEAR
    return None


def classify(parents: dict[ast.AST, ast.AST], node: ast.expr) -> Place:
    """Return the place of a generator."""
    outer = parents.get(node)
    is_call = isinstance(outer, ast.Call) and outer.func is node
    start = outer if is_call and outer is not None else node
    keyword = _default_keyword(parents, start)
    shortened = _is_shortened(parents, start)
    names = [_destination(parents, start)]
    kind: Kind = "call" if is_call else "value"
    if keyword is not None:
        call = parents[keyword]
        assert isinstance(call, ast.Call)
        kind = _default_kind(call)
        names.append(_destination(parents, call))
    return Place(kind, tuple(name for name in names if name), is_call, shortened)


def server_kind(parents: dict[ast.AST, ast.AST], node: ast.AST) -> Kind:
    """Return the kind of a function of the server: a column's default, or some SQL."""
    here: ast.AST | None = node
    while here is not None and not isinstance(here, ast.stmt):
        if isinstance(here, ast.keyword) and here.arg in ("server_default", "db_default"):
            return "server-default"
        here = parents.get(here)
    return "sql"


def _default_keyword(parents: dict[ast.AST, ast.AST], node: ast.AST) -> ast.keyword | None:
    here: ast.AST | None = node
    while here is not None and not isinstance(here, ast.stmt):
        outer = parents.get(here)
        if isinstance(here, ast.keyword) and here.arg in _DEFAULTS and isinstance(outer, ast.Call):
            return here
        here = outer
    return None


def _default_kind(call: ast.Call) -> Kind:
    name = last_name(call.func)
    if name in _COLUMNS:
        return "sqlalchemy-default"
    if name in _PYDANTIC:
        return "pydantic-default"
    if name.endswith("Field"):
        return "django-default"
    return "dataclass-default" if name in _DATACLASS else "other-default"


def last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name, "" for any other expression."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _is_shortened(parents: dict[ast.AST, ast.AST], node: ast.AST) -> bool:
    here = node
    while True:
        outer = parents.get(here)
        match outer:
            case ast.Subscript(value=value) if value is here:
                return True
            case ast.Attribute(attr=attr):
                if attr not in _WHOLE:
                    return True
            case ast.BinOp(op=ast.Mod() | ast.RShift() | ast.BitAnd() | ast.FloorDiv()):
                return True
            case ast.Call() | ast.FormattedValue() | ast.JoinedStr() if _wraps(outer, here):
                pass
            case _:
                return False
        assert outer is not None
        here = outer


def _wraps(outer: ast.AST, inner: ast.AST) -> bool:
    if isinstance(outer, ast.Call):
        return outer.func is inner or last_name(outer.func) in _WRAPPERS
    return isinstance(outer, _TRANSPARENT)


def _destination(parents: dict[ast.AST, ast.AST], node: ast.AST) -> str | None:
    """Return what the value is called: a target, a keyword, a key of a dict, a function."""
    here = node
    while True:
        outer = parents.get(here)
        match outer:
            case ast.keyword(arg=arg):
                return arg
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
                return _target_name(target)
            case ast.NamedExpr(target=target):
                return target.id
            case ast.Dict(keys=keys, values=values):
                return _key_name(keys, values, here)
            case ast.Return():
                return _function_name(parents, outer)
            case ast.Attribute() | ast.comprehension():
                pass
            case _ if outer is None or not _wraps(outer, here):
                return None
        assert outer is not None
        here = outer


def _target_name(target: ast.expr) -> str | None:
    match target:
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case _:
            return last_name(target) or None


def _key_name(keys: list[ast.expr | None], values: list[ast.expr], value: ast.AST) -> str | None:
    for key, candidate in zip(keys, values, strict=True):
        if candidate is value and isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
    return None


def _function_name(parents: dict[ast.AST, ast.AST], node: ast.AST) -> str | None:
    here: ast.AST | None = node
    while here is not None and not isinstance(here, ast.FunctionDef | ast.AsyncFunctionDef):
        here = parents.get(here)
    return here.name if here is not None else None


def _words(name: str) -> frozenset[str]:
    """Return the words of snake_case and camelCase names."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return frozenset(word.rstrip("0123456789") for word in split.lower().split("_"))
