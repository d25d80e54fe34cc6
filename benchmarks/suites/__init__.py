"""pytest-benchmark suites that watch for regressions: `make bench`, `make bench-full`.

pytest-benchmark runs one benchmark to its end before the next, so these say how a commit compares
with another one, not how one kind of key compares with another.
"""
