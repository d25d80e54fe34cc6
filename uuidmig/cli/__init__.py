"""The command line: one module a command, each parses, calls one library function and renders."""

from __future__ import annotations

from uuidmig.cli.app import main

__all__ = ["main"]
