"""What the names of a module mean: which import a name comes from, scope by scope."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

_OTHER = ""
"""The origin of a name that is bound by anything but an import."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class, function or comprehension. Origins are dotted names of what is imported."""

    node: ast.AST
    parent: Scope | None
    origins: dict[str, set[str]] = field(default_factory=dict)
    outer: dict[str, Scope] = field(default_factory=dict)  # declared global or nonlocal
    stars: set[str] = field(default_factory=set)

    def bind(self, name: str, origin: str) -> None:
        if name in self.outer:
            self.outer[name].bind(name, origin)
        elif isinstance(self.node, _COMPREHENSIONS) and origin != _OTHER and self.parent:
            self.parent.bind(name, origin)
        else:
            self.origins.setdefault(name, set()).add(origin)


@dataclass(frozen=True, slots=True)
class Names:
    """All names that a module reads, with their scopes."""

    module: Scope
    scopes: tuple[Scope, ...]
    reads: tuple[tuple[ast.Name, Scope], ...]

    def origins(self, name: str, scope: Scope) -> frozenset[str]:
        """Return what `name` may mean in `scope`: dotted names, "" for what is no import."""
        here: Scope | None = scope
        while here is not None:
            # A class's names are seen in its body, not in its methods.
            visible = here is scope or not isinstance(here.node, ast.ClassDef)
            if visible and name in here.origins:
                return frozenset(here.origins[name])
            here = here.parent
        return frozenset(f"{module}.{name}" for module in self.module.stars)

    def bindings(self, name: str) -> Iterator[tuple[Scope, frozenset[str]]]:
        """Yield every scope that binds `name`, and to what."""
        for scope in self.scopes:
            if name in scope.origins:
                yield scope, frozenset(scope.origins[name])


def read_names(tree: ast.Module) -> Names:
    """Return the names of a module."""
    reader = _Reader(tree)
    reader.visit_all(tree.body)
    return Names(reader.scopes[0], tuple(reader.scopes), tuple(reader.reads))


class _Reader(ast.NodeVisitor):
    def __init__(self, tree: ast.Module) -> None:
        self.scope = Scope(tree, None)
        self.scopes = [self.scope]
        self.reads: list[tuple[ast.Name, Scope]] = []

    def visit_all(self, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            self.visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, _COMPREHENSIONS):
            self._enter(node, list(ast.iter_child_nodes(node)))
        elif isinstance(node, _FUNCTIONS):
            self._function(node)
        else:
            super().generic_visit(node)
            if isinstance(node, ast.MatchAs | ast.MatchStar | ast.ExceptHandler) and node.name:
                self.scope.bind(node.name, _OTHER)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                self.scope.bind(node.rest, _OTHER)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.reads.append((node, self.scope))
        else:
            self.scope.bind(node.id, _OTHER)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        here = self.scope
        while isinstance(here.node, _COMPREHENSIONS) and here.parent is not None:
            here = here.parent
        here.bind(node.target.id, _OTHER)

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.outer.update(dict.fromkeys(node.names, self.scopes[0]))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.outer.update(dict.fromkeys(node.names, self.scope.parent or self.scope))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.scope.bind(alias.asname, alias.name)
            else:
                top = alias.name.partition(".")[0]
                self.scope.bind(top, top)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.scopes[0].stars.add(module)
            else:
                self.scope.bind(alias.asname or alias.name, f"{module}.{alias.name}")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.scope.bind(node.name, _OTHER)
        outside = [*node.decorator_list, *node.bases, *node.keywords]
        for part in outside:
            self.visit(part)
        self._enter(node, list(node.body))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        arguments = node.args
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
        for argument in every:
            if argument.annotation:
                self.visit(argument.annotation)
        body: list[ast.AST]
        if isinstance(node, ast.Lambda):
            body = [node.body]
        else:
            self.scope.bind(node.name, _OTHER)
            for part in (*node.decorator_list, *([node.returns] if node.returns else [])):
                self.visit(part)
            body = list(node.body)
        self._enter(node, body, [argument.arg for argument in every])

    def _enter(self, node: ast.AST, body: list[ast.AST], bound: list[str] | None = None) -> None:
        outside = self.scope
        self.scope = Scope(node, outside)
        self.scopes.append(self.scope)
        for name in bound or ():
            self.scope.bind(name, _OTHER)
        for part in body:
            self.visit(part)
        self.scope = outside
