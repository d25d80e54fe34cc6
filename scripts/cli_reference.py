"""Renders the help of every command into docs/cli.md: `python -m scripts.cli_reference`.

tests/unit/test_docs.py fails when the file is stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from uuidmig.cli.app import app

TARGET = Path(__file__).parent.parent / "docs" / "cli.md"

_HEADER = """\
# Command reference

Made by `python -m scripts.cli_reference` from the help of the commands; do not edit it by hand.
What the options mean in the environment and in files: [configuration](configuration.md).
"""

_RULES = """\
Rules that hold for all commands:

- Data goes to standard output, everything else (progress, questions, warnings, errors) to standard
  error. `--json` prints one document with a field `schema_version`.
- `migrate`, `cutover`, `rollback`, `abort` and `finish` ask before they change anything. Where
  standard input is no terminal they need `--yes`, else they end with exit code 2.
- `cutover`, `rollback` and `finish` want the name of the database as the answer.
"""


@cache
def commands() -> Mapping[str, Any]:
    """Return the commands by name ("bench compare"), in the order of `uuidmig --help`."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return MappingProxyType(dict(_commands(group)))


def _commands(group: TyperGroup) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from ((f"{name} {inner}", one) for inner, one in _commands(command))
        else:
            yield name, command


def render() -> str:
    """Return the text of docs/cli.md."""
    group = get_command(app)
    parts = [_HEADER, _code(_text(group.help)), _RULES]
    return "\n".join([*parts, *(_command(name, command) for name, command in commands().items())])


def _command(name: str, command: TyperCommand) -> str:
    text = _text(command.help)
    examples = "\n".join(line.strip() for line in _text(command.epilog).splitlines()[1:])
    usage = f"uuidmig {name} [OPTIONS]{_arguments(command)}"
    return f"## uuidmig {name}\n\n{text}\n\n{_code(usage)}\n{_options(command)}\n{_sh(examples)}"


def _text(text: str | None) -> str:
    return (text or "").replace("\f", "").strip()


def _arguments(command: TyperCommand) -> str:
    found = [p for p in command.params if p.param_type_name == "argument"]
    return "".join(f" {p.metavar or p.name}" for p in found)


def _options(command: TyperCommand) -> str:
    rows = [_row(p) for p in command.params if p.param_type_name != "argument"]
    return "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n"


def _row(option: Any) -> str:
    names = [*option.opts, *option.secondary_opts]
    value = "" if option.is_flag or option.count else f" {_placeholder(option)}"
    default = f" (default {option.default})" if _shows_default(option) else ""
    cells = (f"`{', '.join(names)}{value}`", f"{option.help}{default}")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _placeholder(option: Any) -> str:
    return str(option.metavar or option.opts[0].lstrip("-").upper())


def _shows_default(option: Any) -> bool:
    return isinstance(option.default, int) and not (option.is_flag or option.count)


def _code(text: str) -> str:
    return f"```text\n{text}\n```\n"


def _sh(text: str) -> str:
    return f"```sh\n{text}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
