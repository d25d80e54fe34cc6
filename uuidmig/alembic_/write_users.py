"""Writes the revisions into the user's environment, as `alembic revision` would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from uuidmig.alembic_.inline import MESSAGES, read_mark
from uuidmig.alembic_.render import NAMES, revision_id, stages, words
from uuidmig.alembic_.users import UsersEnvironment, open_environment, telling_failures
from uuidmig.errors import AlembicEnvironmentUnusable, AlembicNotAtHead, OtherRevisionsThere
from uuidmig.planner.document import plan_hash
from uuidmig.planner.model import Plan

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import Script


@dataclass(frozen=True, slots=True)
class Place:
    """Where the revisions go: the `head` they follow, and which of several version locations."""

    head: str | None = None
    directory: Path | None = None


def write_users_revisions(plan: Plan, file: str, dsn: str, place: Place) -> tuple[Path, ...]:
    """Write prepare, cutover and finish through the environment of `file`; return their paths.

    The user's template, file names and post-write hooks apply. Revisions of this plan that are
    there already stay as they are. Raises AlembicEnvironmentUnusable, AlembicNotAtHead,
    OtherRevisionsThere; no file is left then.
    """
    environment = open_environment(file, dsn)
    there = environment.ours()
    digest = plan_hash(plan)
    if there.get(digest, {}).keys() == set(NAMES):
        return tuple(Path(there[digest][name].path) for name in NAMES)
    heads = environment.heads()
    _require_no_other(environment, heads, (s for found in there.values() for s in found.values()))
    base = _base(environment, place.head)
    if base not in (heads or (None,)):
        raise AlembicNotAtHead(
            f"{file}: the database is at {', '.join(heads) or 'no revision'}, the revisions would"
            f" follow {base or 'no revision'}: run `alembic upgrade` first: the plan must be made"
            " of the schema that they will meet"
        )
    with _leaving_no_half(environment):
        return tuple(_write(environment, plan, base, place.directory))


def _require_no_other(
    environment: UsersEnvironment, heads: tuple[str, ...], ours: Iterable[Script]
) -> None:
    """Revisions of an earlier plan that nobody ran would come first, and are out of date."""
    with telling_failures(environment.name):
        walk = environment.scripts.iterate_revisions(heads, "base") if heads else ()
        applied = {script.revision for script in walk}
    if waiting := [script.path for script in ours if script.revision not in applied]:
        raise OtherRevisionsThere(sorted(waiting))


def _base(environment: UsersEnvironment, head: str | None) -> str | None:
    """Return the head that the revisions are to follow, None when there is no revision yet."""
    heads = sorted(environment.scripts.get_heads())
    if head is None:
        if len(heads) > 1:
            raise AlembicEnvironmentUnusable(f"{environment.name} {_choose(environment, heads)}")
        return heads[0] if heads else None
    with telling_failures(environment.name):
        found = [script.revision for script in environment.scripts.get_revisions(head) if script]
    if len(found) != 1 or found[0] not in heads:
        raise AlembicEnvironmentUnusable(
            f"--head {head} is {', '.join(found) or 'no revision'}, which is not one head;"
            f" {environment.name} {_choose(environment, heads)}"
        )
    return found[0]


def _choose(environment: UsersEnvironment, heads: list[str]) -> str:
    """Return what heads there are, with their branch labels."""
    titles = []
    for head in heads:
        script = environment.scripts.get_revision(head)
        labels = ", ".join(sorted(script.branch_labels)) if script else ""
        titles.append(f"{head} ({labels})" if labels else head)
    return f"has the heads {', '.join(titles)}; say which one to follow: --head REV"


def _write(
    environment: UsersEnvironment, plan: Plan, base: str | None, directory: Path | None
) -> list[Path]:
    """Run the environment once and write all three while it runs.

    One after the other: a hook of the user's that numbers revisions finds the one before on disk.
    """
    from alembic.autogenerate import RevisionContext

    from uuidmig.alembic_.directives import directive

    digest = plan_hash(plan)
    written: list[Path] = []

    def write(context: MigrationContext) -> Iterable[RevisionStep]:
        below = base
        heads = context.get_current_heads()
        for name, steps in stages(plan):
            arguments = _arguments(name, digest, below, directory)
            fill = directive(name, digest, steps, words(name, plan)[2])
            revision = RevisionContext(environment.config, environment.scripts, arguments, fill)
            revision.run_no_autogenerate(heads, context)
            (script,) = revision.generate_scripts()
            if script is None:
                raise AlembicEnvironmentUnusable(f"{environment.name} made no revision")
            written.append(Path(script.path))
            below = script.revision
        return ()

    environment.run(write)
    if len(set(written)) < len(NAMES):
        raise AlembicEnvironmentUnusable(
            f"{environment.name}: its file_template gives one name to several revisions,"
            f" {written[0]}; it needs %(rev)s or %(slug)s"
        )
    return written


def _arguments(
    name: str, digest: str, below: str | None, directory: Path | None
) -> dict[str, object]:
    """Return what `alembic revision` gets from its command line."""
    return {
        "message": MESSAGES[name],
        "autogenerate": False,
        "sql": False,
        "head": below,
        "splice": False,
        "branch_label": None,
        "version_path": directory,
        "rev_id": revision_id(name, digest),
        "depends_on": None,
    }


@contextmanager
def _leaving_no_half(environment: UsersEnvironment) -> Iterator[None]:
    """Take away what was written when not all could be, e.g. when a post-write hook failed."""
    before = set(_modules(environment))
    try:
        yield
    except BaseException:
        for path in set(_modules(environment)) - before:
            if read_mark(path.read_text(encoding="utf-8", errors="replace")):
                path.unlink()
        raise


def _modules(environment: UsersEnvironment) -> Iterator[Path]:
    for location in environment.scripts._version_locations:
        yield from Path(location).rglob("*.py")
