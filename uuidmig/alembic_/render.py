"""Steps -> Alembic revision modules: text that needs nothing of uuidmig to run, and to be read.

The SQL in a revision is the SQL that runs: no parameter, no escape, one literal a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from uuidmig.errors import RevisionFileDiffers
from uuidmig.planner.document import plan_hash
from uuidmig.planner.model import Plan
from uuidmig.steps.model import Statement, Step
from uuidmig.steps.revisions import cutover_steps, finish_steps, prepare_steps

NAMES = ("prepare", "cutover", "finish")
"""The names of the revisions in their order."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One Alembic revision: `script` is the whole text of its module."""

    id: str
    name: str
    down_revision: str | None
    script: str

    @property
    def file_name(self) -> str:
        return f"{self.id}_{self.name}.py"


def render_revisions(plan: Plan) -> tuple[Revision, ...]:
    """Return prepare, cutover and finish; the same plan always gives the same text."""
    digest = plan_hash(plan)
    revisions: list[Revision] = []
    below: str | None = None
    for name, steps in stages(plan):
        identity = revision_id(name, digest)
        script = _script(name, identity, below, digest, steps, words(name, plan))
        revisions.append(Revision(identity, name, below, script))
        below = identity
    return tuple(revisions)


def stages(plan: Plan) -> tuple[tuple[str, tuple[Step, ...]], ...]:
    """Return the steps of each revision, by its name, in their order."""
    makers: tuple[Callable[[Plan], tuple[Step, ...]], ...]
    makers = (prepare_steps, cutover_steps, finish_steps)
    return tuple((name, steps(plan)) for name, steps in zip(NAMES, makers, strict=True))


def revision_id(name: str, digest: str) -> str:
    """Return the id of a plan's revision: alembic_version holds 32 characters."""
    return f"uuidmig_{name}_{digest[:10]}"


def write_revisions(plan: Plan, directory: Path) -> tuple[Path, ...]:
    """Write the revisions as modules into `directory` and return their paths.

    A file that is there with the same text stays; one with another text raises RevisionFileDiffers
    before anything is written. OSError when the directory cannot be written to.
    """
    files = [(directory / revision.file_name, revision) for revision in render_revisions(plan)]
    for path, revision in files:
        if path.exists() and path.read_bytes() != revision.script.encode():
            raise RevisionFileDiffers(str(path))
    for path, revision in files:
        path.write_bytes(revision.script.encode())
    return tuple(path for path, _ in files)


# One round trip a step: locks are held while the statements of a cutover run. Statements go out
# as they are, past text() and its :name and past the driver's %; asyncpg takes one command at a
# time.
RUN = '''def run(*statements: str) -> None:
    """Send the SQL as it is; in one round trip where the driver can, for locks are held."""
    if op.get_context().as_sql:
        for statement in statements:
            op.get_context().impl.static_output(statement.strip() + ";")
        return
    bind = op.get_bind()
    for script in statements if bind.dialect.driver == "asyncpg" else [";".join(statements)]:
        bind.exec_driver_sql(script, execution_options={"no_parameters": True}).close()
'''
"""The function that revisions send their statements with; its text is part of each of them."""

_MODULE = '''"""{title}

Made by uuidmig; plan {digest}.
{remarks}
Revision ID: {revision}
Revises: {revises}
"""

from __future__ import annotations

from alembic import op

revision = {revision_literal}
down_revision: str | None = {revises_literal}
branch_labels = None
depends_on = None


{run}

def upgrade() -> None:
{upgrade}

def downgrade() -> None:
{downgrade}'''

_TITLES: dict[str, str] = {
    "prepare": "Create the new tables beside the old ones and capture changes from now on.",
    "cutover": "Put the new tables in the place of the old ones.",
    "finish": "Validate the foreign keys and drop the old tables: there is no way back.",
}

_REMARKS = {
    "prepare": """
After it, run `uuidmig migrate`: it copies, catches up and verifies. The downgrade takes everything
away again (`uuidmig abort`).
""",
    "cutover": """
Runs only when the copy is verified, in READ COMMITTED, and fails at once (run it again) when a lock
is not to be had in time. The downgrade puts the old keys back (`uuidmig rollback`).
""",
    "finish": """
Run it when the application has lived with the new keys long enough.
""",
}

_DEFAULT_ONLY_TITLES: dict[str, str] = {
    "prepare": "Create the journal and note the present defaults of the key columns.",
    "cutover": "Change the defaults of the key columns: new keys are version 7 from now on.",
    "finish": "Drop the journal: the old defaults are forgotten, there is no way back.",
}

_DEFAULT_ONLY_REMARKS: dict[str, str] = {
    "prepare": """
The downgrade takes everything away again (`uuidmig abort`).
""",
    "cutover": """
Runs in READ COMMITTED, and fails at once (run it again) when a lock is not to be had in time. The
downgrade puts the old defaults back (`uuidmig rollback`).
""",
    "finish": """
Run it when the application has lived with the new keys long enough.
""",
}

_SPACES = str.maketrans("\n\t", "  ")
_NO_WAY_BACK = """    raise RuntimeError(
        "there is no way back after finish: the tables with the old keys are gone; "
        "restore a backup from before it"
    )
"""

_DEFAULTS_FORGOTTEN = """    raise RuntimeError(
        "there is no way back after finish: the old defaults are forgotten; set them by hand"
    )
"""


def words(name: str, plan: Plan) -> tuple[str, str, str]:
    """Return the title, the remarks and what a downgrade of finish raises."""
    if plan.default_only:
        return _DEFAULT_ONLY_TITLES[name], _DEFAULT_ONLY_REMARKS[name], _DEFAULTS_FORGOTTEN
    return _TITLES[name], _REMARKS[name], _NO_WAY_BACK


def _script(
    name: str,
    revision: str,
    revises: str | None,
    digest: str,
    steps: tuple[Step, ...],
    texts: tuple[str, str, str],
) -> str:
    title, remarks, no_way_back = texts
    if name == "finish":
        downgrade = no_way_back
    else:
        downgrade = _body((step, step.undo) for step in reversed(steps))
    return _MODULE.format(
        title=title,
        digest=digest,
        run=RUN,
        remarks=remarks,
        revision=revision,
        revises=revises or "nothing; put your own head into down_revision if it is to follow it",
        revision_literal=f'"{revision}"',
        revises_literal=f'"{revises}"' if revises else None,
        upgrade=_body((step, step.apply) for step in steps),
        downgrade=downgrade,
    )


def _body(parts: Iterable[tuple[Step, tuple[Statement, ...]]]) -> str:
    return "\n".join(_call(step, statements) for step, statements in parts if statements)


def _call(step: Step, statements: tuple[Statement, ...]) -> str:
    literals = "".join(_argument(statement) for statement in statements)
    title = comment(describe(step))
    return f"    {title}\n    run(\n{literals}    )\n"


def _argument(statement: Statement) -> str:
    literal = f"        {python_literal(statement.text)},\n"
    return f"        {comment(statement.comment)}\n{literal}" if statement.comment else literal


def describe(step: Step) -> str:
    """Return one line for people: what the step does, its lock and whom that blocks."""
    return f"{step.title} - lock {step.lock}, blocks {step.blocks}"


def comment(text: str) -> str:
    """Return a comment line. A name of the user's may stand in it, and a newline in that name."""
    return "# " + "".join(c if c.isprintable() else escaped(c) for c in text).strip()


def python_literal(text: str) -> str:
    """Return a Python literal of `text` between newlines, over as many lines as the text has.

    Raw where Python reads it back as it is; else with escapes, also of what an editor would not
    show or a reader would not see.
    """
    plain = text.translate(_SPACES).isprintable()
    if plain and '"""' not in text:
        return f'r"""\n{text}\n"""'
    shown = (c if c == "\n" or (c.isprintable() and c != "\\") else escaped(c) for c in text)
    quoted = "".join(shown).replace('"""', '\\"\\"\\"')
    return f'"""\n{quoted}\n"""'


def escaped(character: str) -> str:
    """Return the character as it is written in a Python literal."""
    return character.encode("unicode_escape").decode()
