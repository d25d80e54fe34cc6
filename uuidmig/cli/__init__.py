"""The command line: one module a command, each parses, calls one library function and renders."""

from __future__ import annotations

import gc

# Before anything else is imported: the modules are 165,000 objects and no garbage, and to look for
# it among them makes the start a tenth longer.
gc.set_threshold(200_000)

from uuidmig.cli.app import main  # noqa: E402

__all__ = ["main"]
