"""Find what makes version 4 keys in Python code, and write version 7 in its place.

By syntax tree: nothing that is scanned is imported or run.
"""

from __future__ import annotations

from uuidmig.scan.model import Failure, Finding, FixReport, ScannedFile, ScanReport
from uuidmig.scan.run import fix_files, scan_paths
from uuidmig.scan.target import Target, find_target

__all__ = [
    "Failure",
    "Finding",
    "FixReport",
    "ScanReport",
    "ScannedFile",
    "Target",
    "find_target",
    "fix_files",
    "scan_paths",
]
