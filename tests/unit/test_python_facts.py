"""What docs/python314.md and docs/cpython-uuid7.md say of Python itself holds on this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(FREE_THREADED, reason="a default build is meant")
def test_a_default_build_dies_of_python_gil_0() -> None:
    done = run("print('ran')", PYTHON_GIL="0")

    if sys.version_info < (3, 13):
        assert (done.returncode, done.stdout) == (0, "ran\n")
    else:
        assert (done.returncode, done.stdout) == (1, "")
        assert "Disabling the GIL is not supported by this build" in done.stderr


def test_no_variable_sets_the_stack_of_threads() -> None:
    done = run("import threading; print(threading.stack_size())", PYTHONTHREADSTACKSIZE="16777216")

    assert done.stdout == "0\n"


def reproductions() -> list[str]:
    """The programs of the texts for CPython's tracker, as somebody would copy them."""
    quoted = re.sub(r"^> ?", "", (DOCS / "cpython-uuid7.md").read_text(), flags=re.MULTILINE)
    return re.findall(r"^```python\n(.*?)^```", quoted, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="uuid.uuid7 came with Python 3.14")
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, r"\d+ keys in 2 s; the last one is -?[\d.]+ s ahead of the clock\n"),
        (1, r"\d+ of 800000 keys are not above one returned before\n"),
    ],
)
def test_programs_for_the_tracker_say_what_happens(number: int, said: str) -> None:
    """That they run, not what they find: the next release may have it repaired."""
    done = run(reproductions()[number])

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(said, done.stdout)
