"""How fast rows go into a table with random, time-ordered and sequential keys, and what they cost.

`run.run_bench` loads one table for each kind of key and inserts into them in turn, round after
round; `place` says on which server.
"""
