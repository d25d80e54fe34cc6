"""What is shipped, and that every place that builds or tests it calls the same targets."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CALLED = re.compile(r"\bmake ([a-z-]+)")


def test_what_is_optional_is_an_extra() -> None:
    assert PROJECT["optional-dependencies"].keys() >= {
        "binary",
        "embedded",
        "docker",
        "report",
        "fast",
    }


def test_supported_versions_are_those_of_the_tests() -> None:
    said = set(re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"])))
    tested = set(re.findall(r'python: "(3\.\d+)t?"', (ROOT / WORKFLOWS[0]).read_text()))

    assert WORKFLOWS[0].name == "ci.yml"
    assert said == tested == {"3.12", "3.13", "3.14"}
    assert PROJECT["requires-python"] == ">=3.12"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_targets_that_ci_calls_too(workflow: Path) -> None:
    called = set(CALLED.findall(workflow.read_text()))

    assert called
    assert called <= set(CALLED.findall((ROOT / ".ci" / "run").read_text()))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_of_others_are_pinned(workflow: Path) -> None:
    """A tag can be moved to other code, and these jobs publish."""
    used = re.findall(r"uses: (.+)", workflow.read_text())

    assert used
    assert [one for one in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v[\d.]+", one)] == []


def test_the_image_asserts_the_gil_it_was_built_for() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert "USER 10001" in dockerfile
    assert "gil_enabled == '$PYTHON'.endswith('t')" in dockerfile
    assert "PYTHON_GIL" not in dockerfile


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(["hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not installed")
def test_actionlint_has_nothing_to_say() -> None:
    command = ["actionlint", *map(str, WORKFLOWS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")
