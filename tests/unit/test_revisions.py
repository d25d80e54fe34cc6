"""Revision texts: what they import, what Python and Alembic read back from them."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit import factories
from uuidmig.alembic_.render import NAMES, python_literal, render_revisions, write_revisions
from uuidmig.errors import ConfigurationError
from uuidmig.planner.model import Plan
from uuidmig.steps.revisions import cutover_steps, finish_steps, prepare_steps

ODD = 'od"d :x ::y %s %% \\ {z} \'\'\' """'

OFFLINE_ENVIRONMENT = """
from alembic import context

context.configure(dialect_name="postgresql", transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
"""


def shop(column: str = "ref", name: str = "orders_fkey") -> Plan:
    return factories.plan(
        factories.table("customers", factories.key(), factories.timestamp("created_at")),
        factories.table(
            "orders",
            factories.key(),
            factories.column(column),
            keys=(factories.foreign_key("customers", column, name=name),),
        ),
    )


def test_ids_fit_the_version_table_and_chain() -> None:
    revisions = render_revisions(shop())

    assert tuple(revision.name for revision in revisions) == NAMES
    assert all(len(revision.id) <= 32 and ":" not in revision.id for revision in revisions)
    assert [revision.down_revision for revision in revisions] == [
        None,
        revisions[0].id,
        revisions[1].id,
    ]


def test_same_plan_same_text() -> None:
    plan = shop()

    assert render_revisions(plan) == render_revisions(replace(plan, created_at="2031-01-01"))


@pytest.mark.parametrize("plan", [shop(), shop(ODD, ODD)], ids=["plain", "odd"])
def test_scripts_import_nothing_but_alembic(plan: Plan) -> None:
    for revision in render_revisions(plan):
        nodes = list(ast.walk(ast.parse(revision.script)))
        imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        assert imported == {"__future__", "alembic"}
        assert not [node for node in nodes if isinstance(node, ast.Import)]


def test_newline_in_a_name_stays_in_its_comment() -> None:
    for revision in render_revisions(shop(name="key\nimport os\n#")):
        assert not [n for n in ast.walk(ast.parse(revision.script)) if isinstance(n, ast.Import)]


@pytest.mark.parametrize("plan", [shop(), shop(ODD, ODD), shop(name="a\nb\u202e\r")])
def test_scripts_are_formatted(plan: Plan, tmp_path: Path) -> None:
    write_revisions(plan, tmp_path)

    check = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=100", "--check"]
    done = subprocess.run([*check, str(tmp_path)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@example('"a"""')
@example("C:\\new\\")
@example("a\r\nb\rc\td\x0c")
@example("r\u202etl\u2028")
def test_literal_is_read_back(text: str) -> None:
    # Through bytes: Python reads \r\n in a source file as \n.
    source = f"value = {python_literal(text)}\n".encode()
    found: dict[str, str] = {}
    exec(compile(source, "revision", "exec"), found)

    assert found["value"] == f"\n{text}\n"


def test_literal_of_plain_sql_is_that_sql() -> None:
    text = "SELECT E'\\n', a::text, ':x'\nFROM b WHERE c LIKE '%s'"

    assert python_literal(text) == f'r"""\n{text}\n"""'


@pytest.mark.parametrize("plan", [shop(), shop(ODD, ODD)], ids=["plain", "odd"])
def test_offline_script_holds_every_statement_in_order(plan: Plan, tmp_path: Path) -> None:
    prepare, cutover, finish = prepare_steps(plan), cutover_steps(plan), finish_steps(plan)
    applied = [s.text for step in (*prepare, *cutover, *finish) for s in step.apply]
    undone = [s.text for step in (*prepare, *cutover)[::-1] for s in step.undo]
    ids = [revision.id for revision in render_revisions(plan)]

    config, output = offline_config(plan, tmp_path)
    command.upgrade(config, "head", sql=True)
    assert_in_order(applied, output.getvalue())

    config, output = offline_config(plan, tmp_path)
    command.downgrade(config, f"{ids[1]}:base", sql=True)
    assert_in_order(undone, output.getvalue())


def offline_config(plan: Plan, directory: Path) -> tuple[Config, io.StringIO]:
    versions = directory / "versions"
    versions.mkdir(exist_ok=True)
    write_revisions(plan, versions)
    (directory / "env.py").write_text(OFFLINE_ENVIRONMENT)
    output = io.StringIO()
    config = Config(output_buffer=output)
    config.set_main_option("script_location", str(directory))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    return config, output


def assert_in_order(statements: list[str], script: str) -> None:
    position = 0
    for statement in statements:
        position = script.index(statement + ";", position) + len(statement)


def test_finish_has_no_way_back(tmp_path: Path) -> None:
    config, _ = offline_config(shop(), tmp_path)
    last = render_revisions(shop())[-1]

    with pytest.raises(RuntimeError, match="no way back"):
        command.downgrade(config, f"{last.id}:base", sql=True)


def test_written_files_are_not_overwritten(tmp_path: Path) -> None:
    paths = write_revisions(shop(), tmp_path)
    assert write_revisions(shop(), tmp_path) == paths
    assert [path.name.rpartition("_")[2] for path in paths] == [f"{name}.py" for name in NAMES]

    paths[1].write_text("# edited\n")
    paths[0].unlink()
    with pytest.raises(ConfigurationError, match=paths[1].name):
        write_revisions(shop(), tmp_path)

    assert paths[1].read_text() == "# edited\n"
    assert not paths[0].exists()


def test_import_does_not_load_sqlalchemy() -> None:
    code = "import sys, uuidmig.alembic_.runner; sys.exit('sqlalchemy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
