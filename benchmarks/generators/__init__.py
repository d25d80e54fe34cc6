"""Version 7 generators side by side: nanoseconds a key and, under threads, order.

Run it as `python -m benchmarks.generators`; see `--help`.
"""

from __future__ import annotations
