"""`uuidmig bench …`: commands that measure, and that read what was measured."""

from __future__ import annotations

from uuidmig.cli.bench import compare, index, inserts, runtime

HELP = "Measure what keys cost, and compare measurements."

COMMANDS = (inserts, index, runtime, compare)
