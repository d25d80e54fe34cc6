"""For the env.py of a project whose autogenerate looks at all schemas.

It may be copied: it needs nothing of uuidmig.
"""

from __future__ import annotations

from collections.abc import Mapping


def include_name(
    name: str | None, type_: str, parent_names: Mapping[str, str | None] | None = None
) -> bool:
    """Leave uuidmig's schemas out of autogenerate; pass it to `context.configure()`.

    Needed with `include_schemas=True` only, while a migration is under way: otherwise Alembic would
    propose to drop the tables of these schemas. The signature is the one Alembic calls.
    """
    if type_ != "schema" or name is None:
        return True
    return name not in ("uuidmig", "uuidmig_keys") and not name.endswith(("__uuid4", "__uuid7"))
