"""A module as text and as a tree, and where its nodes stand."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass

from uuidmig.scan.model import Span

_NEWLINE = re.compile(r"\r\n|\r|\n")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed module. `parents` has the node around each node."""

    tree: ast.Module
    lines: tuple[str, ...]
    parents: dict[ast.AST, ast.AST]

    def span(self, node: ast.expr) -> Span:
        """Return where an expression stands."""
        end_line = node.end_lineno or node.lineno
        end_column = node.end_col_offset or node.col_offset
        return Span(
            node.lineno,
            self._characters(node.lineno, node.col_offset),
            end_line,
            self._characters(end_line, end_column),
        )

    def text(self, node: ast.expr) -> str:
        """Return the source of an expression on one line, cut to a readable length."""
        span = self.span(node)
        lines = list(self.lines[span.line - 1 : span.end_line])
        lines[-1] = lines[-1][: span.end_column]
        lines[0] = lines[0][span.column :]
        text = " ".join(" ".join(lines).split())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

    def _characters(self, line: int, column: int) -> int:
        """Return a column in characters: the parser counts bytes of UTF-8."""
        text = self.lines[line - 1]
        return column if text.isascii() else len(text.encode()[:column].decode())


def parse(source: bytes) -> Module:
    """Return the module. SyntaxError (with UnicodeDecodeError made one) for what is no Python."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
        tree = ast.parse(source)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise SyntaxError(str(error)) from error
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    return Module(tree, tuple(_NEWLINE.split(text)), parents)
