"""`uuidmig scan` from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from uuidmig.cli.app import app
from uuidmig.executors import choose_pool
from uuidmig.scan import find_target, scan_paths

MODEL = (
    "import uuid\n\nclass Order:\n    id = Column(default=uuid.uuid4)\n    name = uuid.uuid4()\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[project]\nrequires-python = '>=3.12'\n")
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["scan", *map(str, arguments)])


def test_findings_are_data_and_the_summary_is_talk(project: Path) -> None:
    result = run(project)
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    model = project / "model.py"
    assert first == f"{model}:4:25: sqlalchemy-default: uuid.uuid4 -> uuidmig.uuid7"
    assert second.startswith(f"{model}:5:12: call: uuid.uuid4() -> uuidmig.uuid7()  [not for --fix")
    assert "2 places in 1 Python file; 1 for --fix, 1 to look at" in result.stderr
    assert run(project, "-q").stderr == ""


def test_json_is_one_document(project: Path) -> None:
    found = json.loads(run(project, "--json").stdout)
    assert found["schema_version"] == 1
    assert found["target"]["replacement"] == "uuidmig.uuid7"
    assert found["clean"] is False
    assert found["findings"][0] == {
        "path": str(project / "model.py"),
        "line": 4,
        "column": 25,
        "kind": "sqlalchemy-default",
        "found": "uuid.uuid4",
        "replacement": "uuidmig.uuid7",
        "kept": None,
        "migration": False,
    }


def test_many_files_are_parsed_by_several_workers(project: Path) -> None:
    for number in range(1000):
        (project / f"module_{number:04}.py").write_text(MODEL if number % 100 == 0 else "")
    (project / "module_0500.py").write_text("import uuid\nwhille True: pass\n")
    target, said = find_target(None, project), list[str]()
    several = scan_paths([project], target, workers=2, say=said.append)
    assert several == scan_paths([project], target)
    assert (len(several.read), len(several.files), len(several.failures)) == (1001, 10, 1)
    assert said == [f"1001 files are parsed by {choose_pool('cpu', 2)}"]


def test_fix_then_check(project: Path) -> None:
    assert run(project, "--check").exit_code == 1
    result = run(project, "--fix", "--check", "--json")
    assert result.exit_code == 1  # the name without a meaning is still there
    found = json.loads(result.stdout)
    assert [f["line"] for f in found["rewritten"]] == [4]
    assert [f["line"] for f in found["findings"]] == [6]
    assert "rewritten: 1 place in 1 file" in result.stderr
    text = (project / "model.py").read_text()
    assert "    id = Column(default=uuid7)\n" in text
    (project / "model.py").write_text(
        text.replace("name = uuid.uuid4()", "name = uuid.uuid4()  # uuidmig: keep")
    )
    assert run(project, "--check").exit_code == 0


def test_migrations_are_no_reason_to_fail(tmp_path: Path) -> None:
    source = "import uuid\nrevision = '1'\ndown_revision = None\norder_id = uuid.uuid4()\n"
    (tmp_path / "m.py").write_text(source)
    result = run(tmp_path, "--check")
    assert result.exit_code == 0
    assert "a migration is history" in result.stdout


def test_a_file_that_cannot_be_read_is_no_clean_check(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import uuid\nif:\n")
    assert run(tmp_path).exit_code == 0
    result = run(tmp_path, "--check")
    assert result.exit_code == 1
    assert f"{tmp_path / 'a.py'}:2: no Python" in result.stderr


def test_target_exclude_and_usage(project: Path) -> None:
    assert "-> uuid.uuid7" in run(project, "--target-python", "3.14").stdout
    assert run(project, "--exclude", "model.py").stdout == ""
    assert run(project, "--target-python", "snake").exit_code == 2
    assert run(project / "gone").exit_code == 2
    assert run().exit_code == 2


def test_without_libcst_fix_names_the_extra(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libcst", None)
    result = run(project, "--fix")
    assert result.exit_code == 2
    assert "uuidmig[scan]" in result.stderr
    assert (project / "model.py").read_text() == MODEL


def test_a_scan_loads_neither_sqlalchemy_nor_libcst(project: Path) -> None:
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from uuidmig.cli.app import app\n"
        f"result = CliRunner().invoke(app, ['scan', {str(project)!r}])\n"
        "assert result.exit_code == 0 and 'uuidmig.uuid7' in result.stdout\n"
        "slow = {'alembic', 'psycopg', 'sqlalchemy', 'libcst'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_notebooks_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("{}")
    assert "notebooks are not read: 1" in run(tmp_path).stderr
