"""The rewriting itself. Loaded only for `--fix`: libcst is an extra."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor, RemoveImportsVisitor
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from uuidmig.scan.model import Span
from uuidmig.scan.target import Target

if TYPE_CHECKING:
    from uuidmig.scan.fix import OldImport


@dataclass(frozen=True, slots=True)
class Replaced:
    """A module with uuid7 in its places, `missing` where none was found."""

    module: cst.Module
    missing: frozenset[Span]
    needs_name: bool


def replace_places(module: cst.Module, spans: Collection[Span], target: Target) -> Replaced:
    """Return the module with uuid7 at `spans`, imports as they were."""
    wrapper = MetadataWrapper(module)
    replacer = _Replacer(spans, keeps_module=target.module == "uuid")
    changed = wrapper.visit(replacer)
    return Replaced(changed, frozenset(replacer.wanted), replacer.needs_name)


def with_imports(module: cst.Module, target: Target, old: Sequence[OldImport]) -> cst.Module:
    """Return the module with `uuid7` imported, without those `old` imports that nothing uses."""
    # Further down is no place: what is above it may read the name already.
    head = module.body[: _end_of_imports(module)]
    existing = [names for names in map(_imported_from(target.module), head) if names]
    if any("uuid7" in names for names in existing):
        return without_unused(module, old)
    if existing:
        context = CodemodContext()
        AddImportsVisitor.add_needed_import(context, target.module, "uuid7")
        return without_unused(AddImportsVisitor(context).transform_module(module), old)
    return _with_statement(module, f"from {target.module} import uuid7", old)


def _with_statement(module: cst.Module, text: str, old: Sequence[OldImport]) -> cst.Module:
    """Add an import to the first block of imports, then remove the `old` ones."""
    statement = cst.ensure_type(cst.parse_statement(text), cst.SimpleStatementLine)
    end = _end_of_imports(module)
    before = module.body[end - 1] if end else None
    added = module.with_changes(body=[*module.body[:end], statement, *module.body[end:]])
    result = without_unused(added, old)
    if not isinstance(before, cst.SimpleStatementLine) or _holds(result, before):
        return result
    # What stood before it is gone, with the empty lines above it: it takes these over.
    replacement = statement.with_changes(leading_lines=before.leading_lines)
    body = [replacement if part.deep_equals(statement) else part for part in result.body]
    return result.with_changes(body=body)


def _holds(module: cst.Module, statement: cst.SimpleStatementLine) -> bool:
    return any(part.deep_equals(statement) for part in module.body)


def without_unused(module: cst.Module, old: Sequence[OldImport]) -> cst.Module:
    """Return the module without those `old` imports that nothing uses and no comment explains."""
    for use in old:
        context = CodemodContext()
        RemoveImportsVisitor.remove_unused_import(context, "uuid", use.name, use.alias)
        without = RemoveImportsVisitor(context).transform_module(module)
        # The remover drops the comments of an import with it: rather one import too many.
        if _comments(without) == _comments(module):
            module = without
    return module


def _imported_from(module: str) -> Callable[[cst.CSTNode], frozenset[str]]:
    def names(statement: cst.CSTNode) -> frozenset[str]:
        match statement:
            case cst.SimpleStatementLine(
                body=[cst.ImportFrom(module=cst.Name(value=found)) as node]
            ):
                if found == module and not isinstance(node.names, cst.ImportStar):
                    return frozenset(a.evaluated_alias or a.evaluated_name for a in node.names)
        return frozenset()

    return names


def _end_of_imports(module: cst.Module) -> int:
    """Return where a new import goes: after the first block of imports, or the docstring."""
    end = 1 if module.get_docstring() is not None else 0
    for index, statement in enumerate(module.body[end:], start=end):
        is_import = isinstance(statement, cst.SimpleStatementLine) and all(
            isinstance(part, cst.Import | cst.ImportFrom) for part in statement.body
        )
        if not is_import:
            break
        end = index + 1
    return end


def _comments(module: cst.Module) -> int:
    counter = _CommentCounter()
    module.visit(counter)
    return counter.number


class _CommentCounter(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def visit_Comment(self, node: cst.Comment) -> None:
        self.number += 1


class _Replacer(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, spans: Collection[Span], *, keeps_module: bool) -> None:
        super().__init__()
        self.wanted = set(spans)
        self.needs_name = False
        self._keeps_module = keeps_module

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        if not self._is_wanted(original_node):
            return updated_node
        self.needs_name = True
        return updated_node.with_changes(value="uuid7")

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        if not self._is_wanted(original_node):
            return updated_node
        if self._keeps_module:
            return updated_node.with_changes(attr=cst.Name("uuid7"))
        self.needs_name = True
        return cst.Name("uuid7", lpar=updated_node.lpar, rpar=updated_node.rpar)

    def _is_wanted(self, node: cst.CSTNode) -> bool:
        place = self.get_metadata(PositionProvider, node)
        span = _span(place) if isinstance(place, CodeRange) else None
        if span is None or span not in self.wanted:
            return False
        self.wanted.discard(span)
        return True


def _span(place: CodeRange) -> Span:
    start, end = place.start, place.end
    return Span(start.line, start.column, end.line, end.column)
