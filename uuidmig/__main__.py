"""`python -m uuidmig`."""

from __future__ import annotations

from uuidmig.cli import main

main()
