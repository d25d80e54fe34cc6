"""Scan files, and rewrite those with findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from uuidmig.executors import choose_pool
from uuidmig.scan.files import find_sources
from uuidmig.scan.find import mentions_uuid, scan_source
from uuidmig.scan.fix import NotFixed, require_libcst, rewrite
from uuidmig.scan.model import Failure, Finding, FixReport, ScannedFile, ScanReport
from uuidmig.scan.target import Target
from uuidmig.scan.write import write_atomically

_WORTH_A_POOL = 1000  # files: to start processes takes as long as to scan some hundreds
_AT_ONCE = 32  # files handed to a worker


def scan_paths(
    paths: Sequence[Path],
    target: Target,
    exclude: Sequence[str] = (),
    *,
    workers: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> ScanReport:
    """Return what all Python files below `paths` have. Changes nothing.

    A file that cannot be read or parsed is a failure in the report and stops nothing. Many files
    are parsed by several workers, processes where `uuidmig.executors` says so, which `say` is
    told. ConfigurationError for a path that is not there.
    """
    sources = find_sources(paths, exclude)
    files: list[ScannedFile] = []
    failures: list[Failure] = []
    for scanned in _scan_files(sources.python, target, workers, say):
        if isinstance(scanned, Failure):
            failures.append(scanned)
        elif scanned is not None:
            files.append(scanned)
    return ScanReport(tuple(files), tuple(failures), sources.python, sources.notebooks)


def fix_files(report: ScanReport, target: Target) -> FixReport:
    """Rewrite the findings of a scan that are not `kept`, each file at once or not at all.

    What is left, and each file that was not rewritten, is in the report. ConfigurationError when
    libcst is not installed.
    """
    require_libcst()
    rewritten: list[ScannedFile] = []
    failures: list[Failure] = []
    for file in report.files:
        wanted = [finding for finding in file.findings if finding.kept is None]
        if not wanted:
            continue
        try:
            _fix_file(file, wanted, report, target)
        except (NotFixed, OSError, SyntaxError) as error:
            failures.append(Failure(file.path, None, f"not rewritten: {error}"))
        else:
            rewritten.append(ScannedFile(file.path, tuple(wanted)))
    return FixReport(tuple(rewritten), tuple(failures))


def _scan_files(
    paths: Sequence[Path], target: Target, workers: int, say: Callable[[str], None]
) -> Iterable[ScannedFile | Failure | None]:
    """Return the outcome for each path in their order."""
    scan = partial(_scan_file, target=target)
    if workers == 1 or len(paths) < _WORTH_A_POOL:
        return map(scan, paths)
    pool = choose_pool("cpu", workers)
    say(f"{len(paths)} files are parsed by {pool}")
    with pool.open("scan") as executor:
        return list(executor.map(scan, paths, chunksize=_AT_ONCE))


def _scan_file(path: Path, target: Target) -> ScannedFile | Failure | None:
    try:
        source = path.read_bytes()
        return scan_source(path, source, target) if mentions_uuid(source) else None
    except SyntaxError as error:
        return Failure(path, error.lineno, f"no Python that this interpreter reads: {error.msg}")
    except OSError as error:
        return Failure(path, None, f"not readable: {error.strerror}")


def _fix_file(
    file: ScannedFile, wanted: Sequence[Finding], report: ScanReport, target: Target
) -> None:
    source = file.path.read_bytes()
    if scan_source(file.path, source, target).findings != file.findings:
        raise NotFixed("it changed since it was scanned")
    changed = rewrite(source, {finding.span for finding in wanted}, target, _exported(file, report))
    left = scan_source(file.path, changed, target).findings
    if any(finding.kept is None for finding in left):
        raise NotFixed("the result would still make uuid4 keys")
    if len(left) != len(file.findings) - len(wanted):
        raise NotFixed("the result would not have the other findings of the file")
    write_atomically(file.path, changed)


def _exported(file: ScannedFile, report: ScanReport) -> frozenset[str]:
    """Return the names that other files may take from this one.

    A name without "uuid" in it may be taken by a file that was not parsed: any that has the word.
    """
    path = file.path.resolve()
    module = path.parent.name if path.stem == "__init__" else path.stem
    here = {"", module}
    names = {name for other in report.files for part, name in other.taken_from if part in here}
    aliases = set(file.aliases)
    if path.stem == "__init__":
        return frozenset(names | aliases | {"uuid", "uuid4"})
    return frozenset(names | {a for a in aliases if _occurs_elsewhere(a, path, report)})


def _occurs_elsewhere(name: str, path: Path, report: ScanReport) -> bool:
    word = re.compile(rb"\b%s\b" % re.escape(name).encode())
    return any(word.search(other.read_bytes()) for other in report.read if other.resolve() != path)
