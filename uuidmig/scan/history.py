"""Whether a module is a migration: history, that no tool rewrites."""

from __future__ import annotations

import ast


def is_migration(tree: ast.Module) -> bool:
    """Tell whether this is a revision of Alembic or a migration of Django, by its contents."""
    return _is_alembic(tree) or _is_django(tree)


def _is_alembic(tree: ast.Module) -> bool:
    targets: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            targets.add(statement.target.id)
    return {"revision", "down_revision"} <= targets


def _is_django(tree: ast.Module) -> bool:
    return any(
        isinstance(statement, ast.ClassDef)
        and statement.name == "Migration"
        and any(_last_name(base) == "Migration" for base in statement.bases)
        for statement in tree.body
    )


def _last_name(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))
