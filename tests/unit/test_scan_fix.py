"""`uuidmig scan --fix`: only the generators change, the code still runs, and once is enough."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uuidmig.errors import ConfigurationError
from uuidmig.scan import FixReport, Target, fix_files, scan_paths
from uuidmig.scan.fix import NotFixed, rewrite
from uuidmig.scan.model import Span

OURS = Target("uuidmig", "test")
PYTHONS = Target("uuid", "test")


def fix(folder: Path, target: Target = OURS) -> FixReport:
    return fix_files(scan_paths([folder], target), target)


def fixed(folder: Path, source: str, target: Target = OURS) -> str:
    """Return what becomes of a module; a second run must change nothing."""
    file = folder / "module.py"
    file.write_bytes(source.encode())
    report = fix(folder, target)
    assert report.failures == ()
    first = file.read_bytes()
    assert fix(folder, target).rewritten == ()
    assert file.read_bytes() == first
    return first.decode()


CASES = {
    "only import": (
        "from uuid import uuid4\n\norder_id = uuid4()\n",
        "from uuidmig import uuid7\n\norder_id = uuid7()\n",
        "from uuid import uuid7\n\norder_id = uuid7()\n",
    ),
    "attribute, module still in use": (
        "import uuid\n\norder_id: uuid.UUID = uuid.uuid4()  # why\n",
        "import uuid\nfrom uuidmig import uuid7\n\norder_id: uuid.UUID = uuid7()  # why\n",
        "import uuid\n\norder_id: uuid.UUID = uuid.uuid7()  # why\n",
    ),
    "module no longer in use": (
        "import os\nimport uuid\n\norder_id = uuid.uuid4()\n",
        "import os\nfrom uuidmig import uuid7\n\norder_id = uuid7()\n",
        "import os\nimport uuid\n\norder_id = uuid.uuid7()\n",
    ),
    "aliased module": (
        "import uuid as u\norder_id = u.uuid4()\n",
        "from uuidmig import uuid7\norder_id = uuid7()\n",
        "import uuid as u\norder_id = u.uuid7()\n",
    ),
    "aliased name": (
        "from uuid import UUID, uuid4 as make\n\norder_id: UUID = make()\n",
        "from uuid import UUID\nfrom uuidmig import uuid7\n\norder_id: UUID = uuid7()\n",
        "from uuid import uuid7, UUID\n\norder_id: UUID = uuid7()\n",
    ),
    "one use stays": (
        "from uuid import uuid4\norder_id = uuid4()\ntoken = uuid4()\n",
        "from uuid import uuid4\nfrom uuidmig import uuid7\norder_id = uuid7()\ntoken = uuid4()\n",
        "from uuid import uuid7, uuid4\norder_id = uuid7()\ntoken = uuid4()\n",
    ),
    "docstring and future": (
        '"""Doc."""\n\nfrom __future__ import annotations\n\nimport uuid\n\nan_id = uuid.uuid4()\n',
        '"""Doc."""\n\nfrom __future__ import annotations\n\nfrom uuidmig import uuid7\n\n'
        "an_id = uuid7()\n",
        '"""Doc."""\n\nfrom __future__ import annotations\n\nimport uuid\n\nan_id = uuid.uuid7()\n',
    ),
    "odd formatting": (
        "import uuid\nx = Column( default = uuid . uuid4 ,# c\n   )  ;y=1\n",
        "from uuidmig import uuid7\nx = Column( default = uuid7 ,# c\n   )  ;y=1\n",
        "import uuid\nx = Column( default = uuid . uuid7 ,# c\n   )  ;y=1\n",
    ),
    "comment of an import stays, and the import with it": (
        "import os\n# the reason\nimport uuid\norder_id = uuid.uuid4()\n",
        "import os\n# the reason\nimport uuid\nfrom uuidmig import uuid7\norder_id = uuid7()\n",
        "import os\n# the reason\nimport uuid\norder_id = uuid.uuid7()\n",
    ),
    "exported name stays": (
        "from uuid import uuid4\n__all__ = ['uuid4']\norder_id = uuid4()\n",
        "from uuid import uuid4\nfrom uuidmig import uuid7\n__all__ = ['uuid4']\n"
        "order_id = uuid7()\n",
        "from uuid import uuid7, uuid4\n__all__ = ['uuid4']\norder_id = uuid7()\n",
    ),
    "annotation in a string": (
        "import uuid\ndef f(x: 'uuid.UUID'): ...\norder_id = uuid.uuid4()\n",
        "import uuid\nfrom uuidmig import uuid7\ndef f(x: 'uuid.UUID'): ...\norder_id = uuid7()\n",
        "import uuid\ndef f(x: 'uuid.UUID'): ...\norder_id = uuid.uuid7()\n",
    ),
    "import in a function": (
        "def f():\n    import uuid\n    order_id = uuid.uuid4()\n    return order_id\n",
        "from uuidmig import uuid7\ndef f():\n    order_id = uuid7()\n    return order_id\n",
        "def f():\n    import uuid\n    order_id = uuid.uuid7()\n    return order_id\n",
    ),
    "there already": (
        "import uuid\nfrom uuidmig import uuid7\na_id = uuid7()\nb_id = uuid.uuid4()\n",
        "from uuidmig import uuid7\na_id = uuid7()\nb_id = uuid7()\n",
        "import uuid\nfrom uuidmig import uuid7\na_id = uuid7()\nb_id = uuid.uuid7()\n",
    ),
    "end of line and tabs": (
        "import uuid\r\nif True:\r\n\torder_id = uuid.uuid4()\r\n",
        "from uuidmig import uuid7\r\nif True:\r\n\torder_id = uuid7()\r\n",
        "import uuid\r\nif True:\r\n\torder_id = uuid.uuid7()\r\n",
    ),
    "import further down": (
        "import uuid\n\norder_id = uuid.uuid4()\nfrom uuidmig import new_key\n",
        "from uuidmig import uuid7\n\norder_id = uuid7()\nfrom uuidmig import new_key\n",
        "import uuid\n\norder_id = uuid.uuid7()\nfrom uuidmig import new_key\n",
    ),
    "name imported further down": (
        "from uuid import uuid4\n\norder_id = uuid4()\nfrom uuid import UUID\n",
        "from uuidmig import uuid7\n\norder_id = uuid7()\nfrom uuid import UUID\n",
        "from uuid import uuid7\n\norder_id = uuid7()\nfrom uuid import UUID\n",
    ),
    "in an f-string": (
        "import uuid\norder_id = f'o-{uuid.uuid4()!s:>40}'\n",
        "from uuidmig import uuid7\norder_id = f'o-{uuid7()!s:>40}'\n",
        "import uuid\norder_id = f'o-{uuid.uuid7()!s:>40}'\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_corpus(name: str, tmp_path: Path) -> None:
    source, ours, pythons = CASES[name]
    assert fixed(tmp_path, source) == ours
    assert fixed(tmp_path, source, PYTHONS) == pythons


IMPORTS = {
    "import uuid": "uuid.uuid4",
    "import uuid as u": "u.uuid4",
    "import os, uuid as u, sys": "u.uuid4",
    "from uuid import uuid4": "uuid4",
    "from uuid import UUID, uuid4 as make": "make",
    "from uuid import (\n    UUID,  # a\n    uuid4,\n    uuid5,\n)": "uuid4",
    "try:\n    from uuid import uuid4\nexcept ImportError:\n    raise": "uuid4",
    "if True:\n    import uuid": "uuid.uuid4",
    "from uuid import *": "uuid4",
}
"""Imports and how they spell the generator."""

USES = {
    "order_id = NEW()": 7,
    "order_id = str(NEW())": 7,
    "order_id = (NEW)()": 7,
    "order_id = (lambda: NEW())()": 7,
    "order_id = [NEW() for _ in range(2)][1]": 4,
    "name = NEW()": 4,
    "token = NEW()": 4,
    "order_id = Thing(default=NEW).default()": 7,
    "order_id = field(default_factory=NEW).default_factory()": 7,
    "class Row:\n    def new_id(self): return NEW()\norder_id = Row().new_id()": 7,
    "def new_id():\n    def inner(): return NEW()\n    return inner()\norder_id = new_id()": 4,
    "row = {'id': NEW(), 'ü': 'é'}; order_id = row['id']": 7,
    "if (order_id := NEW()): pass": 7,
    "async def f(): return NEW()\norder_id = NEW().hex": 7,
    "order_id = NEW().hex.upper()": 7,
    "match NEW():\n    case order_id: pass": 4,
}
"""What is done with it, and the version that `order_id` (or `name`, `token`) has afterwards."""

PRELUDE = """\
from dataclasses import field
class Thing:
    def __init__(self, default): self.default = default
"""


@settings(deadline=None, max_examples=20)
@given(
    lead=st.sampled_from(
        ["", '"""Doc."""\n', "# -*- coding: utf-8 -*-\n", "#!/bin/x\n\n", "\ufeff"]
    ),
    imports=st.lists(st.sampled_from(sorted(IMPORTS)), min_size=1, max_size=3, unique=True),
    uses=st.lists(st.sampled_from(sorted(USES)), min_size=1, max_size=4),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_what_runs_still_runs_and_makes_the_keys_it_should(
    tmp_path_factory: pytest.TempPathFactory,
    lead: str,
    imports: list[str],
    uses: list[str],
    newline: str,
) -> None:
    spelling = IMPORTS[imports[-1]]
    statements = [use.replace("NEW", spelling) for use in uses]
    source = lead + "\n".join([*imports, PRELUDE, *statements]) + "\n"
    folder = tmp_path_factory.mktemp("module")
    text = fixed(folder, source.replace("\n", newline))
    for use, statement in zip(uses, statements, strict=True):
        if USES[use] == 4:
            assert statement.replace("\n", newline) in text
    names: dict[str, object] = {}
    exec(compile(text.encode(), "module.py", "exec"), names)
    last = names["name" if uses[-1].startswith("name") else _result(uses[-1])]
    assert UUID(str(last)).version == USES[uses[-1]], text
    assert text.count("\n") == text.count(newline)


def _result(use: str) -> str:
    return "token" if use.startswith("token") else "order_id"


def test_a_name_that_another_file_takes_from_here_stays(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("from uuid import uuid4 as fresh\nkey_id = fresh()\n")
    (tmp_path / "other.py").write_text("from base import fresh\n")
    assert len(fix(tmp_path).rewritten) == 1
    assert "uuid4 as fresh" in (tmp_path / "base.py").read_text()
    (tmp_path / "second.py").write_text("from uuid import uuid4\nkey_id = uuid4()\n")
    (tmp_path / "third.py").write_text("from app.second import uuid4\n")
    assert len(fix(tmp_path).rewritten) == 1
    assert "from uuid import uuid4" in (tmp_path / "second.py").read_text()


def test_a_package_keeps_its_names(tmp_path: Path) -> None:
    package = tmp_path / "__init__.py"
    package.write_text("from uuid import uuid4\nkey_id = uuid4()\n")
    fix(tmp_path)
    assert "from uuid import uuid4" in package.read_text()


def test_encoding_permissions_links_and_mark_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    text = "# coding: latin-1\nimport uuid\nname = 'é'; order_id = uuid.uuid4()\n"
    file.write_bytes(text.encode("latin-1"))
    file.chmod(0o750)
    (tmp_path / "link.py").symlink_to(file)
    (tmp_path / "mark.py").write_bytes(b"\xef\xbb\xbfimport uuid\nan_id = uuid.uuid4()\n")
    fix(tmp_path)
    changed = file.read_bytes().decode("latin-1")
    assert "'é'; order_id = uuid7()" in changed
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o750
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "mark.py").read_bytes().startswith(b"\xef\xbb\xbf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "link.py", "mark.py"]


def test_a_migration_is_left_alone(tmp_path: Path) -> None:
    source = "import uuid\nrevision = '1'\ndown_revision = None\norder_id = uuid.uuid4()\n"
    (tmp_path / "m.py").write_text(source)
    assert fix(tmp_path) == FixReport((), ())
    assert (tmp_path / "m.py").read_text() == source


def test_an_expression_that_is_not_there_is_said() -> None:
    with pytest.raises(NotFixed, match="line 2"):
        rewrite(b"import uuid\nx = uuid.uuid4()\n", {Span(2, 5, 2, 15)}, OURS, ())


def test_what_libcst_cannot_read_is_said() -> None:
    with pytest.raises(NotFixed, match="libcst cannot read it"):
        rewrite(b"def\n", {Span(1, 0, 1, 3)}, OURS, ())


def test_a_file_that_changed_since_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("import uuid\norder_id = uuid.uuid4()\n")
    report = scan_paths([tmp_path], OURS)
    file.write_text("import uuid\n\norder_id = uuid.uuid4()\n")
    assert "changed since" in fix_files(report, OURS).failures[0].reason


def test_a_file_that_cannot_be_replaced_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import uuid\norder_id = uuid.uuid4()\n"
    (tmp_path / "a.py").write_text(source)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    assert fix(tmp_path).failures[0].reason.startswith("not rewritten: ")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.py", source)]


def test_without_libcst_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libcst", None)
    with pytest.raises(ConfigurationError, match=r"uuidmig\[scan\]"):
        fix(tmp_path)
