"""New keys in files: only keys change, every other byte stays."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from uuidmig import uuid7
from uuidmig.cli.app import app
from uuidmig.keymap.compression import open_bytes, packed
from uuidmig.keymap.rewrite import FileNotRewritable, Rewritten, _csv, rewrite_file

OLD, NEW, OTHER = uuid4(), uuid7(), uuid4()


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    path = tmp_path / "map.csv"
    path.write_text(f"table,old,new\npublic.orders,{OLD},{NEW}\n")
    return path


def rewritten(map_file: Path, name: str, content: str, *columns: str) -> tuple[str, Rewritten]:
    source = map_file.with_name(name)
    source.write_bytes(content.encode())
    target = io.BytesIO()
    done = rewrite_file(map_file, source, target, columns)
    return target.getvalue().decode(), done


def test_csv(map_file: Path) -> None:
    content = (
        'id,"order id",note\r\n'
        f'1,{OLD},"a ""note"", with\nlines"\r\n'
        f'2,"{OLD}",""\r\n'
        f"3,{OTHER}, {OLD} \r\n"
        "4,,\r\n"
        f"5,{str(OLD).upper()},x"
    )

    text, done = rewritten(map_file, "export.csv", content, "order id")

    expected = content.replace(f"1,{OLD}", f"1,{NEW}").replace(f'"{OLD}"', f'"{NEW}"')
    assert text == expected.replace(str(OLD).upper(), str(NEW))
    assert done == Rewritten(rows=5, replaced=3, unknown=1)


def test_csv_with_a_byte_order_mark(map_file: Path) -> None:
    text, done = rewritten(map_file, "export.csv", f"\ufefforder_id\n{OLD}\n", "order_id")

    assert (text, done.replaced) == (f"\ufefforder_id\n{NEW}\n", 1)


@example([["", "", "\r0"]], "\n")
@given(st.lists(st.lists(st.text(), min_size=3, max_size=3)), st.sampled_from(["\n", "\r\n"]))
def test_csv_without_known_keys_stays(rows: list[list[str]], ending: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=ending).writerows([["a", "b", "c"], *rows])
    content = text.getvalue().encode("utf-8", "surrogatepass")

    copied = b"".join(_csv(io.BytesIO(content), [b"b"], lambda _: None, Rewritten()))

    assert copied == content


# Before Python 3.13 the csv module wrote carriage returns that it could not read.
READABLE = st.text(st.characters(codec="utf-8", exclude_characters="\r"))


@given(st.lists(st.lists(READABLE, min_size=3, max_size=3)))
def test_csv_means_what_python_reads(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["a", "b", "c"], *rows])
    known = {row[1].encode() for row in rows if row[1]}

    lines = _csv(
        io.BytesIO(text.getvalue().encode()),
        [b"b"],
        lambda field: b"NEW" if field in known else None,
        Rewritten(),
    )

    read = list(csv.reader(io.StringIO(b"".join(lines).decode(), newline="")))[1:]
    assert read == [[a, "NEW" if b else "", c] for a, b, c in rows]


def test_json_lines(map_file: Path) -> None:
    content = (
        f'{{"id": 1,  "order_id":"{OLD}", "n": 1.0e5, "note": "order_id {OLD}"}}\n'
        f'{{"deep": [{{"order_id" : "{OLD}"}}, {{"order_id": null}}]}}\n'
        f'{{"order_id": "{OTHER}", "other_order_id": "{OLD}"}}\n'
    )

    text, done = rewritten(map_file, "events.jsonl", content, "order_id")

    expected = content.replace(f'"order_id":"{OLD}"', f'"order_id":"{NEW}"')
    assert text == expected.replace(f'"order_id" : "{OLD}"', f'"order_id" : "{NEW}"')
    assert done == Rewritten(rows=3, replaced=2, unknown=1)
    assert [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files(map_file: Path, suffix: str) -> None:
    source = map_file.with_name(f"events.ndjson{suffix}")
    target = map_file.with_name(f"new.ndjson{suffix}")
    source.write_bytes(packed(source, f'{{"id": "{OLD}"}}\n'.encode()))

    rewrite_file(map_file, source, target, ["id"])

    with open_bytes(target) as file:
        assert file.read() == f'{{"id": "{NEW}"}}\n'.encode()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("export.csv", "id\n1\n", "no column order_id"),
        ("export.csv", 'order_id\n"never ends\n', "quote"),
        ("export.csv", 'order_id\na"b"c"d\n', "quote"),
        ("export.csv", 'order_id\n"a"b\n', "not CSV"),
        ("export.parquet", "", "neither .csv nor .jsonl"),
    ],
)
def test_files_that_are_none(map_file: Path, name: str, content: str, says: str) -> None:
    with pytest.raises(FileNotRewritable, match=says):
        rewritten(map_file, name, content, "order_id")


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["rewrite-file", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_from_the_command_line(map_file: Path) -> None:
    source = map_file.with_name("export.csv")
    source.write_text(f"id,order_id\n1,{OLD}\n2,{OTHER}\n")

    done = run("--map", map_file, "--column", "order_id", source)

    assert done.stdout == f"id,order_id\n1,{NEW}\n2,{OTHER}\n"
    assert "2 rows, 1 keys replaced, 1 values left" in done.stderr
    run("--map", map_file, "--column", "nothing", source, code=2)
    run("--map", map_file.with_name("none"), "--column", "order_id", source, code=2)


def test_many_keys(tmp_path: Path) -> None:
    pairs = {uuid4(): uuid7() for _ in range(30_000)}
    lines = "".join(f"t,{old},{new}\n" for old, new in pairs.items())
    (tmp_path / "map.csv").write_text(f"table,old,new\n{lines}")
    (tmp_path / "old.csv").write_text("id\n" + "".join(f"{old}\n" for old in pairs))

    done = rewrite_file(tmp_path / "map.csv", tmp_path / "old.csv", tmp_path / "new.csv", ["id"])

    new = [UUID(line) for line in (tmp_path / "new.csv").read_text().splitlines()[1:]]
    assert new == list(pairs.values())
    assert done == Rewritten(rows=30_000, replaced=30_000)
