"""The command line: one module a command, each parses, calls one library function and renders."""

from __future__ import annotations

import gc

# Before anything else is imported: modules are many objects and no garbage, and to look for it
# all the time makes the start a tenth longer.
gc.set_threshold(50_000)

from uuidmig.cli.app import main  # noqa: E402

__all__ = ["main"]
