"""What a scan found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uuidmig.report.units import counted, one_line
from uuidmig.scan.model import Failure, Finding, FixReport, ScannedFile, ScanReport
from uuidmig.scan.target import Target


def finding_lines(files: Sequence[ScannedFile]) -> Iterator[str]:
    """Yield one line a finding, in the form that editors and CI jump to: file:line:column."""
    for file in files:
        for finding in file.findings:
            yield _line(file, finding)


def failure_line(failure: Failure) -> str:
    """Return one line that says which file, and what about it."""
    line = "" if failure.line is None else f":{failure.line}"
    return one_line(f"{failure.path}{line}: {failure.reason}")


def summary(report: ScanReport) -> str:
    """Return how many places there are and what becomes of them."""
    findings = [finding for file in report.files for finding in file.findings]
    history = sum(finding.history for finding in findings)
    fixable = sum(finding.kept is None for finding in findings)
    parts = [f"{counted(len(findings), 'place')} in {counted(len(report.read), 'Python file')}"]
    if findings:
        by_hand = len(findings) - fixable - history
        parts.append(f"{fixable} for --fix, {by_hand} to look at, {history} in migrations")
    if report.notebooks:
        parts.append(f"notebooks are not read: {report.notebooks}")
    return "; ".join(parts)


def fix_summary(fixed: FixReport) -> str:
    """Return what was rewritten."""
    places = sum(len(file.findings) for file in fixed.rewritten)
    return f"rewritten: {counted(places, 'place')} in {counted(len(fixed.rewritten), 'file')}"


def scan_document(report: ScanReport, target: Target, fixed: FixReport | None) -> dict[str, object]:
    """Return the contents of the JSON document: what there is now, and what was rewritten."""
    return {
        "target": {"replacement": f"{target.module}.uuid7", "reason": target.reason},
        "clean": report.is_clean,
        "files_read": len(report.read),
        "notebooks_not_read": report.notebooks,
        "findings": _findings(report.files),
        "failures": [*report.failures, *(fixed.failures if fixed else ())],
        "rewritten": _findings(fixed.rewritten) if fixed else [],
    }


def _findings(files: Sequence[ScannedFile]) -> list[dict[str, object]]:
    return [
        {
            "path": file.path,
            "line": finding.line,
            "column": finding.column,
            "kind": finding.kind,
            "found": finding.found,
            "replacement": finding.replacement,
            "kept": finding.kept,
            "migration": finding.history,
        }
        for file in files
        for finding in file.findings
    ]


def _line(file: ScannedFile, finding: Finding) -> str:
    place = f"{file.path}:{finding.line}:{finding.column}"
    kept = "" if finding.kept is None else f"  [not for --fix: {finding.kept}]"
    return one_line(f"{place}: {finding.kind}: {finding.found} -> {finding.replacement}{kept}")
