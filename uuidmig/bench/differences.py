"""What else differs between results files than the figures: machine, interpreter, settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from uuidmig.bench.results_file import Object, ResultsFile


def differences(files: Sequence[ResultsFile]) -> dict[str, tuple[str | None, ...]]:
    """Return the facts that are not the same in all files; None where a file does not tell."""
    told = [dict(_facts(file)) for file in files]
    names = dict.fromkeys(name for facts in told for name in facts)
    rows = {name: tuple(facts.get(name) for facts in told) for name in names}
    return {name: values for name, values in rows.items() if len(set(values)) > 1}


def interpreter(file: ResultsFile) -> str | None:
    """Return the Python that made the figures: "CPython 3.14.0 free-threaded, GIL off"."""
    machine = file.machine
    if "python_version" not in machine:
        return None
    name = f"{machine.get('python_implementation', 'Python')} {machine['python_version']}"
    if not machine.get("python_free_threaded"):
        return name
    return f"{name} free-threaded, GIL {'on' if machine.get('python_gil_enabled') else 'off'}"


def psycopg_implementation(file: ResultsFile) -> str | None:
    """Return "c", "binary" or "python"."""
    found = _object(file.machine, "psycopg").get("implementation")
    return None if found is None else str(found)


def compiled(file: ResultsFile) -> str | None:
    """Return the interpreter's compiler and the options of its build that decide on its speed."""
    compiler = file.machine.get("python_compiler")
    options = file.machine.get("python_configured_with")
    if compiler is None:
        return None
    return " ".join([str(compiler), *(map(str, options) if isinstance(options, list) else ())])


def _facts(file: ResultsFile) -> Iterator[tuple[str, str]]:
    """What the file tells. The commit is told short: the whole of it is in the file."""
    if python := interpreter(file):
        yield "python", python
    if build := compiled(file):
        yield "python build", build
    if psycopg := _object(file.machine, "psycopg"):
        shown = ("version", "implementation", "libpq")
        yield "psycopg", ", ".join(f"{name} {psycopg.get(name)}" for name in shown)
    if cpu := _object(file.machine, "cpu"):
        yield "cpu", f"{cpu.get('count')} x {cpu.get('brand_raw')}"
    if memory := file.machine.get("memory_bytes"):
        yield "memory bytes", str(memory)
    if system := file.machine.get("system"):
        yield "system", f"{system} {file.machine.get('release')} {file.machine.get('machine')}"
    if commit := file.commit.get("id"):
        yield "commit", f"{str(commit)[:12]}{' and changes' if file.commit.get('dirty') else ''}"
    yield from _flat(file.settings, "settings")


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}")
    else:
        yield name, str(value)


def _object(parent: Object, key: str) -> Object:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}
