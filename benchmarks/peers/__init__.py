"""`uuidmig migrate` beside what else people use, on the same data and server, in the same run.

Run it as `python -m benchmarks.peers`; see `--help`.
"""

from __future__ import annotations
