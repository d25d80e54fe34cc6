"""What README and docs/ say holds: commands, options, links, names of tests."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.cli_reference import TARGET, commands, render
from tests.integration.test_catalog_unsupported import OBJECTS, SINCE_18
from uuidmig.config import Settings, load_settings

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
IDS = [page.name for page in PAGES]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`((?:uuidmig) [^`\n]+)`(?!`)")
_COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?(uuidmig(?: .*)?)$")
_MAKE = re.compile(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)")
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def command_lines(text: str) -> Iterator[str]:
    """Every `uuidmig …` to be typed: lines of sh blocks, and inline code."""
    for language, block in _BLOCK.findall(text):
        if language == "sh":
            for line in block.splitlines():
                if found := _COMMAND.match(line.strip()):
                    yield found[1]
    yield from _INLINE.findall(_BLOCK.sub("", text))


def words(line: str) -> list[str]:
    """The arguments of uuidmig in a shell line, up to a pipe or redirection."""
    command = shlex.split(line, comments=True)[1:]
    ends = (i for i, word in enumerate(command) if re.fullmatch(r"[|;&]+|\d?>{1,2}|<", word))
    return command[: next(ends, len(command))]


LINES = sorted({(page.name, line) for page in PAGES for line in command_lines(page.read_text())})


NEEDS_ARGUMENTS = {
    "bench compare",
    "lookup",
    "scan",
    "decode",
    "backup",
    "export-map",
    "import-map",
    "rewrite-file",
}


def test_there_are_lines_to_check() -> None:
    assert len(LINES) > 30


@pytest.mark.parametrize(("page", "line"), LINES, ids=[f"{p}: {line}" for p, line in LINES])
def test_quoted_commands_parse(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name, *rest = words(line)
    for word in rest:
        if re.fullmatch(r"\w+\.(csv|jsonl)(\.zst|\.gz)?", word):
            Path(word).touch()  # options that name a file want one
    if name in ("--version", "--help"):
        return
    if f"{name} {''.join(rest[:1])}" in commands():
        name, rest = f"{name} {rest[0]}", rest[1:]
    assert name in commands(), f"{page}: {line}"
    arguments = ["00000000-0000-4000-8000-000000000000" if w == "ID" else w for w in rest]
    if "--help" not in arguments:
        # Named in passing, not quoted as a whole.
        is_name = name in NEEDS_ARGUMENTS and all(word.startswith("-") for word in rest)
        commands()[name].make_context(name, arguments, resilient_parsing=is_name)


def test_reference_of_commands_is_fresh() -> None:
    assert TARGET.read_text() == render(), "run: python -m scripts.cli_reference"


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_readme_and_the_reference(command: str) -> None:
    for page in (ROOT / "README.md", TARGET):
        assert f"uuidmig {command}" in page.read_text(), page.name


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_BLOCK.sub("", page.read_text())):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_tests_named_as_proof_exist(page: Path) -> None:
    for file, name in _TEST.findall(page.read_text()):
        path = ROOT / file
        assert path.is_file(), file
        if name:
            assert re.search(rf"^\s*def {name}\(", path.read_text(), re.MULTILINE), (
                f"{file}::{name}"
            )


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_nothing_is_left_open(page: Path) -> None:
    assert not re.search(r"\bTODO\b|TODO-FIGURE|\bTBD\b", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_targets_of_make_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = _MAKE.findall(page.read_text())
    assert [target for target in called if target not in targets] == []


def test_each_part_of_the_guide_to_python_314_names_what_shows_it() -> None:
    text = (ROOT / "docs" / "python314.md").read_text()
    table = text.partition("| the guide |")[2].partition("\n\n")[0]
    rows = [row.strip("|").split(" | ") for row in table.splitlines()[2:]]
    assert len(rows) > 15
    commands = [re.findall(r"`([^`]+)`", shown) for _, _, shown in rows]
    assert all(len(found) == 1 for found in commands)
    # Those of uuidmig and make are tried above; of the others the first word is all there is.
    begin = r"uuidmig|make|docker build|pip install|(UUIDMIG_\w+=\S+ )+make|PYTHON_GIL=0 python3"
    assert [one for (one,) in commands if not re.match(begin, one)] == []


def test_every_extra_is_named_where_python_314_is_described() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    text = (ROOT / "docs" / "python314.md").read_text()
    assert {extra for extra in extras if f"`{extra}`" not in text} == set()


def test_every_page_is_in_the_map() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    missing = [page.name for page in PAGES if page.parent.name == "docs" and page.name not in index]
    assert missing == ["index.md"]


def test_changelog_has_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[Unreleased\]$", text, re.MULTILINE)


def test_file_of_the_configuration_page_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    example = next(block for language, block in _BLOCK.findall(text) if language == "toml")
    (tmp_path / "uuidmig.toml").write_text(example)
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.schemas == ("shop",)
    assert settings.lock_timeout == 300
    assert settings.timestamps[0] == ("shop.orders", "placed_at")


def test_every_setting_is_on_the_configuration_page() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    missing = [name for name in Settings.model_fields if f"`UUIDMIG_{name.upper()}`" not in text]
    assert missing == []


def codes() -> set[str]:
    """The codes of hazards, as the sources spell them."""
    folder = ROOT / "uuidmig"
    files = [*(folder / "planner").glob("*.py"), folder / "engine" / "planning.py"]
    call = re.compile(
        r'(?:_refusal|_warning|_note|Hazard|add)\(\s*(?:"(?:refusal|warning|note)",\s*)?"(?!(?:refusal|warning|note)")([a-z-]+)"'
    )
    return {code for file in files for code in call.findall(file.read_text())}


def test_every_hazard_is_explained() -> None:
    assert {"two-roots", "disk", "schema-exists", "remembered-keys"} <= codes()
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    kinds = {kind for case in (*OBJECTS.values(), *SINCE_18.values()) for kind, _ in case[1]}
    unsupported = {f"unsupported-{kind.replace(' ', '-')}" for kind in kinds}
    assert {code for code in codes() | unsupported if f"`{code}`" not in text} == set()


def test_each_of_the_25_failure_modes_names_a_test() -> None:
    text = (ROOT / "docs" / "failure-modes.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*\|(.*)\|$", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 26))
    assert [number for number, tests in rows if not _TEST.search(tests)] == []
