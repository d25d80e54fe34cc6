"""Where a setting comes from: flag, environment, file, default."""

from __future__ import annotations

from pathlib import Path

import pytest

from uuidmig.config import Settings, load_settings
from uuidmig.errors import ConfigurationError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults() -> None:
    settings = load_settings({})
    assert (settings.batch, settings.workers, settings.cutover) == (None, 2, "auto")
    assert (settings.lock_timeout, settings.time_zone, settings.grace) == (500, "UTC", True)
    assert (settings.tables, settings.dsn, settings.server) == ((), None, None)


def test_flag_beats_environment_beats_file_beats_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "uuidmig.toml").write_text('workers = 3\nbatch = 30\nlock-timeout = "3s"\n')
    monkeypatch.setenv("UUIDMIG_WORKERS", "4")
    monkeypatch.setenv("UUIDMIG_BATCH", "40")
    settings = load_settings({"workers": 5, "batch": None})
    assert (settings.workers, settings.batch, settings.lock_timeout) == (5, 40, 3000)


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"UUIDMIG_{name.upper()}", "")
    assert load_settings({}) == Settings()
    assert load_settings({}).workers == 2


def test_lists_from_everywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "uuidmig.toml").write_text(
        'tables = ["a", "b"]\n[timestamps]\n"public.orders" = "placed_at"\n'
    )
    assert load_settings({}).tables == ("a", "b")
    assert load_settings({}).timestamps == (("public.orders", "placed_at"),)
    monkeypatch.setenv("UUIDMIG_TABLES", "c, d")
    monkeypatch.setenv("UUIDMIG_TIMESTAMPS", "t=at")
    assert load_settings({}).tables == ("c", "d")
    assert load_settings({}).timestamps == (("t", "at"),)
    assert load_settings({"tables": ["e,f"]}).tables == ("e,f",)
    assert load_settings({"timestamps": ["a=b=c"]}).timestamps == (("a=b", "c"),)
    assert load_settings({"tables": []}).tables == ("c", "d")


def test_the_nearest_file_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "uuidmig.toml").write_text("workers = 7\n")
    below = folder / "below" / "further"
    below.mkdir(parents=True)
    (folder / "below" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    monkeypatch.chdir(below)
    assert load_settings({}).workers == 7
    (folder / "below" / "pyproject.toml").write_text("[tool.uuidmig]\nworkers = 8\n")
    assert load_settings({}).workers == 8


@pytest.mark.parametrize("name", ["uuidmig.toml", "pyproject.toml"])
def test_unknown_settings_are_named_with_their_file(folder: Path, name: str) -> None:
    section = "[tool.uuidmig]\n" if name == "pyproject.toml" else ""
    (folder / name).write_text(f"{section}batchsize = 3\nworkres = 2\nworkers = 2\n")
    with pytest.raises(ConfigurationError, match=rf"{name}: unknown settings: batchsize, workres;"):
        load_settings({})


def test_a_broken_file_is_named(folder: Path) -> None:
    (folder / "uuidmig.toml").write_text("workers = = 2")
    with pytest.raises(ConfigurationError, match=r"uuidmig\.toml cannot be read as TOML"):
        load_settings({})


def test_a_connection_string_is_in_no_message_and_no_repr() -> None:
    settings = load_settings({"dsn": "password=s3cr3t-word"})
    assert "s3cr3t-word" not in repr(settings)
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"dsn": ["s3cr3t-word"], "workers": 0})
    assert "s3cr3t-word" not in str(caught.value)


def test_a_flag_for_one_server_beats_the_other_from_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UUIDMIG_DSN", "service=shop")
    assert load_settings({"server": "embedded"}).dsn is None
    monkeypatch.setenv("UUIDMIG_SERVER", "docker")
    assert load_settings({"dsn": "service=other"}).server is None
    with pytest.raises(ConfigurationError, match="choose one"):
        load_settings({})


def test_soft_references(folder: Path) -> None:
    (folder / "uuidmig.toml").write_text(
        '[[soft_references]]\ncolumn = "log.entity_id"\nreferences = "orders.id"\n'
        'when = { column = "kind", equals = 2 }\n'
    )
    (found,) = load_settings({}).soft_references
    assert (found.column, found.references, found.path) == ("log.entity_id", "orders.id", None)
    assert found.when is not None
    assert found.when.equals == "2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('column = "a.b"', "0.references: Field required"),
        ('column = "a.b"\nreferences = "c.d"\nwhere = "x"', "0.where: Extra inputs"),
        ('column = "a.b"\nreferences = "c.d"\nwhen = {column = "e"}', "0.when.equals: Field"),
    ],
)
def test_a_soft_reference_that_lacks_something(folder: Path, text: str, message: str) -> None:
    (folder / "uuidmig.toml").write_text(f"[[soft_references]]\n{text}\n")
    with pytest.raises(ConfigurationError, match=message):
        load_settings({})
