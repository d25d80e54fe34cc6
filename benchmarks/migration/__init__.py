"""Ways to give a database new keys, side by side: time, WAL, size, disk and memory.

Run it as `python -m benchmarks.migration`; see `--help`.
"""

from __future__ import annotations
