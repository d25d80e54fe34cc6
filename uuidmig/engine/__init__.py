"""Runs plans: the only place, with `catalog`, from which SQL leaves the process."""

from __future__ import annotations

from uuidmig.engine.find_keys import KeyPair, lookup
from uuidmig.engine.lifecycle import (
    abort,
    cutover,
    finish,
    migrate,
    pause,
    resume,
    rollback,
    verify,
)
from uuidmig.engine.options import MigrationReport, RunOptions
from uuidmig.engine.planning import make_plan, with_soft_report
from uuidmig.engine.read_status import status
from uuidmig.engine.soft_sampling import sample_soft_references

__all__ = [
    "KeyPair",
    "MigrationReport",
    "RunOptions",
    "abort",
    "cutover",
    "finish",
    "lookup",
    "make_plan",
    "migrate",
    "pause",
    "resume",
    "rollback",
    "sample_soft_references",
    "status",
    "verify",
    "with_soft_report",
]
