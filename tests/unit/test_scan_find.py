"""What `uuidmig scan` finds, and what it leaves to people."""

from __future__ import annotations

from pathlib import Path

import pytest

from uuidmig.errors import ConfigurationError
from uuidmig.scan import Finding, Target, find_target, scan_paths
from uuidmig.scan.find import scan_source

TARGET = Target("uuidmig", "test")
IMPORTS = """\
import uuid
import uuid as u
from uuid import uuid4, UUID
from uuid import uuid4 as make_id
from functools import partial
from sqlalchemy import text, func
"""


def scan(source: str, target: Target = TARGET) -> tuple[Finding, ...]:
    return scan_source(Path("x.py"), source.encode(), target).findings


def one(statement: str) -> Finding:
    found = scan(IMPORTS + statement + "\n")
    assert len(found) == 1, found
    return found[0]


FIXED = {
    "id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid.uuid4)": "sqlalchemy-default",
    "id = db.Column(UUID, default=uuid4)": "sqlalchemy-default",
    "id = sa.Column(sa.Uuid, insert_default=u.uuid4)": "sqlalchemy-default",
    "id = mapped_column(default_factory=make_id, init=False)": "sqlalchemy-default",
    "id = mapped_column(default=lambda: uuid.uuid4())": "sqlalchemy-default",
    "id = Column(String, default=lambda: str(uuid4()))": "sqlalchemy-default",
    "id = Column(String, default=lambda: uuid4().hex)": "sqlalchemy-default",
    "id = Column(default=partial(uuid.uuid4))": "sqlalchemy-default",
    "number = Column(default=uuid4)": "sqlalchemy-default",
    "id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)": "django-default",
    "ref = UUIDField(db_default=uuid4)": "django-default",
    "id: UUID = Field(default_factory=uuid4, primary_key=True)": "pydantic-default",
    "id: UUID = dataclasses.field(default_factory=uuid.uuid4)": "dataclass-default",
    "id = attrs.field(factory=uuid4)": "dataclass-default",
    "id = attr.ib(default=attr.Factory(uuid4))": "dataclass-default",
    "order_id = uuid4()": "call",
    "self.orderId = uuid.uuid4()": "call",
    "row['id'] = str(uuid4())": "call",
    "Order(id=uuid4())": "call",
    "row = {'name': 1, 'customer_id': uuid4().hex}": "call",
    "def new_id(): return uuid4()": "call",
    "new_id = lambda: uuid4()": "call",
    "ids = [uuid4() for _ in range(3)]": "call",
    "make_uuid = uuid4": "value",
    "new_key = partial(uuid4)": "value",
    "id = factory.LazyFunction(uuid.uuid4)": "value",
}


@pytest.mark.parametrize("statement", FIXED)
def test_what_makes_keys_is_rewritten(statement: str) -> None:
    found = one(statement)
    assert (found.kind, found.kept) == (FIXED[statement], None)
    assert found.replacement in ("uuidmig.uuid7", "uuidmig.uuid7()")
    assert found.replacement.endswith("()") == found.found.endswith("()")


KEPT = {
    "reset_token = models.UUIDField(default=uuid4)": ("django-default", "secret"),
    "meta = Column(default=lambda: {'token': str(uuid4())})": ("sqlalchemy-default", "secret"),
    "accessToken = uuid4()": ("call", "secret"),
    "def api_key(): return uuid4().hex": ("call", "secret"),
    "id = Column(default=lambda: uuid4().hex[:8])": ("sqlalchemy-default", "part"),
    "short_id = str(uuid4())[:8]": ("call", "part"),
    "short_id = uuid4().time_low": ("call", "part"),
    "id = uuid4().int % 1000": ("call", "part"),
    "id = uuid4().int >> 64": ("call", "part"),
    "cache.set(str(uuid4()), 1)": ("call", "nothing here"),
    "name = uuid4()": ("call", "nothing here"),
    "register(uuid4)": ("value", "nothing here"),
    "id = UUID(text_of_it, version=4)": ("version-4-only", "another key"),
    "patch('shop.models.uuid4')": ("name-in-string", "looks this name up"),
    'id = Column(server_default=text("gen_random_uuid()"))': ("server-default", "server"),
    "id = Column(server_default=func.gen_random_uuid())": ("server-default", "server"),
    "id = Column(server_default=func.uuid_generate_v4())": ("server-default", "server"),
    "connection.execute('INSERT INTO t VALUES (uuid_generate_v4())')": ("sql", "server"),
    "q = f'ALTER TABLE {t} ALTER id SET DEFAULT gen_random_uuid()'": ("sql", "server"),
    "id = select(func.gen_random_uuid())": ("sql", "server"),
}


@pytest.mark.parametrize("statement", KEPT)
def test_what_may_be_no_key_is_left_to_people(statement: str) -> None:
    found = one(statement)
    kind, reason = KEPT[statement]
    assert found.kind == kind
    assert found.kept is not None
    assert reason in found.kept


NOTHING = (
    "'''Uses gen_random_uuid().'''",
    "# uuid4()",
    "def f(uuid4): return uuid4()",
    "id = uuid.UUID(int=1)",
    "id = UUID('x')",
    "id = uuid.uuid1()",
    "id = self.uuid4()",
    "from uuid import uuid5",
    "id = uuid4()  # uuidmig: keep",
    "def f(uuid):\n    return uuid.uuid4()",
    "class A:\n    uuid4 = 1\n    x = uuid4",
    "[uuid4 for uuid4 in ()]",
    "def f():\n    from os import path as uuid4\n    return uuid4",
)


@pytest.mark.parametrize("statement", NOTHING)
def test_other_things_are_not_found(statement: str) -> None:
    assert scan(IMPORTS + statement + "\n") == ()


def test_place_in_characters_and_lines_from_one() -> None:
    found = scan("import uuid\nä = 'öö'; order_id = uuid.uuid4()\n")[0]
    assert (found.line, found.column) == (2, 22)


@pytest.mark.parametrize(
    "imports",
    [
        "try:\n    import uuid_utils as uuid\nexcept ImportError:\n    import uuid\n",
        "import uuid\nuuid = object()\n",
        "from os import path as uuid\nimport uuid\n",
    ],
)
def test_a_name_with_several_meanings_is_not_rewritten(imports: str) -> None:
    (found,) = scan(f"{imports}order_id = uuid.uuid4()\n")
    assert found.kept is not None
    assert "several meanings" in found.kept


def test_a_global_that_a_function_replaces_has_several_meanings() -> None:
    (found,) = scan(
        "from uuid import uuid4\nan_id = uuid4()\ndef f():\n    global uuid4\n    uuid4 = g\n"
    )
    assert found.kept is not None


@pytest.mark.parametrize("module", ["uuid_utils", "uuid_utils.compat", "shop.ids"])
def test_a_uuid4_of_another_library_is_shown(module: str) -> None:
    (found,) = scan(f"from {module} import uuid4\norder_id = uuid4()\n")
    assert found.kept is not None
    assert module in found.kept


def test_names_of_a_class_are_not_those_of_its_methods() -> None:
    source = (
        "from uuid import uuid4\nclass A:\n    uuid4 = None\n    def new_id(self): return uuid4()\n"
    )
    assert [f.kept for f in scan(source)] == [None]


def test_star_import() -> None:
    assert [f.kept for f in scan("from uuid import *\norder_id = uuid4()\n")] == [None]


def test_pydantic_type_that_refuses_uuid7() -> None:
    (found,) = scan("from pydantic import UUID4\nclass A:\n    id: UUID4\n")
    assert (found.kind, found.line) == ("version-4-only", 3)


def test_random_uuid_of_django() -> None:
    source = (
        "from django.contrib.postgres.functions import RandomUUID\n"
        "id = models.UUIDField(db_default=RandomUUID())\n"
    )
    assert [f.kind for f in scan(source)] == ["server-default"]


ALEMBIC = "import uuid\nrevision = '1'\ndown_revision = None\norder_id = uuid.uuid4()\n"
DJANGO = """\
import uuid
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [migrations.AddField("order", "id", models.UUIDField(default=uuid.uuid4))]
"""


@pytest.mark.parametrize("source", [ALEMBIC, DJANGO])
def test_a_migration_is_history(source: str) -> None:
    (found,) = scan(source)
    assert found.history
    assert found.kept is not None
    assert "history" in found.kept


def test_a_taken_name_is_not_taken_again() -> None:
    source = "from uuid import uuid4\nfrom uuid6 import uuid7\norder_id = uuid4()\n"
    assert scan(source)[0].kept == "the name uuid7 is taken in this file"
    source = "import uuid\ndef f(uuid7): return uuid7\norder_id = uuid.uuid4()\n"
    assert scan(source)[0].kept is not None
    assert scan(source, Target("uuid", "test"))[0].kept is None  # uuid.uuid7 needs no name


def test_target_comes_from_the_project(tmp_path: Path) -> None:
    below = tmp_path / "src" / "shop"
    below.mkdir(parents=True)
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nrequires-python = ">=3.14"\n')
    assert find_target(None, below).module == "uuid"
    project.write_text('[project]\nrequires-python = ">=3.9,<4"\n')
    assert find_target(None, below).module == "uuidmig"
    project.write_text("[tool.x]\n")
    assert find_target(None, below).module == "uuidmig"
    assert find_target("3.14", below).module == "uuid"
    assert find_target("3.12", below).module == "uuidmig"
    with pytest.raises(ConfigurationError, match="no version"):
        find_target("new", below)
    project.write_text("[project\n")
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml"):
        find_target(None, below)


def test_files_of_others_are_passed_over(tmp_path: Path) -> None:
    text = "import uuid\norder_id = uuid.uuid4()\n"
    places = (
        *("a.py", "app/b.py", "app/legacy/c.py", "app/legacy_d.py"),
        *(".venv/e.py", "node_modules/f.py", "app/__pycache__/g.py", "mine/h.py", "build/i.py"),
    )
    for place in places:
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "mine" / "pyvenv.cfg").write_text("")
    (tmp_path / "n.ipynb").write_text("{}")
    report = scan_paths([tmp_path], TARGET, ["legacy_*", "app/legacy"])
    assert [file.path.relative_to(tmp_path).as_posix() for file in report.files] == [
        "a.py",
        "app/b.py",
    ]
    assert report.notebooks == 1
    named = scan_paths([tmp_path / "build" / "i.py"], TARGET)
    assert len(named.files) == 1


def test_what_cannot_be_read_does_not_stop_the_scan(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import uuid\nif:\n")
    (tmp_path / "b.py").write_bytes(b"# -*- coding: utf-8 -*-\nx = '\xff uuid'\n")
    (tmp_path / "c.py").symlink_to(tmp_path / "gone.py")
    (tmp_path / "d.py").write_bytes(b"# uuid\0\n")
    (tmp_path / "e.py").write_bytes(b"# coding: nonsense\nimport uuid\n")
    (tmp_path / "z.py").write_text("import uuid\norder_id = uuid.uuid4()\n")
    report = scan_paths([tmp_path], TARGET)
    assert [failure.path.name for failure in report.failures] == [
        "a.py",
        "b.py",
        "c.py",
        "d.py",
        "e.py",
    ]
    assert report.failures[0].line == 2
    assert [file.path.name for file in report.files] == ["z.py"]
    assert not report.is_clean


def test_a_declared_encoding_is_heeded(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\nimport uuid\nname = 'é'; order_id = uuid.uuid4()\n"
    (tmp_path / "a.py").write_bytes(text.encode("latin-1"))
    (file,) = scan_paths([tmp_path], TARGET).files
    assert (file.findings[0].line, file.findings[0].column) == (3, 24)


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="is not there"):
        scan_paths([Path("/nowhere/at/all")], TARGET)
