# Every target works on a fresh clone: `setup` fetches what is missing.
VENV := $(or $(UUIDMIG_VENV),.venv)
BIN := $(VENV)/bin
ARGS :=
PROCESSES := 2
RESULTS :=
BENCH = $(BIN)/python -m pytest benchmarks/suites --benchmark-only -p no:randomly \
	$(if $(RESULTS),--benchmark-json="$(RESULTS)")

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format types coverage shop-revisions package bench-migration bench-peers bench bench-full \
	bench-pythons bench-generators

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

setup: ## make .venv, with the command .venv/bin/uuidmig
	@scripts/setup

demo: setup ## migrate a shop under load on a server of its own
	@$(BIN)/uuidmig demo $(ARGS)

test: setup ## all tests, in PROCESSES=2 at once: most of the time each waits for its server; ARGS are pytest's
	@$(BIN)/python -m pytest --numprocesses=$(PROCESSES) --dist=loadfile $(ARGS)

lint: setup ## format and lint, without changing anything, then types
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(MAKE) --no-print-directory types

types: setup ## mypy for types, basedpyright for the safety of SQL
	@$(BIN)/mypy
	@$(BIN)/basedpyright

format: setup ## format and fix what can be fixed
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

coverage: setup ## all tests, with the lines they never run
	@$(BIN)/python -m pytest --numprocesses=$(PROCESSES) --dist=loadfile --cov --cov-report=term-missing $(ARGS)

shop-revisions: setup ## write the revisions of the demo's shop in alembic/ again
	@$(BIN)/python -m scripts.shop_revisions

package: setup ## wheel and sdist in dist/, tried in empty environments
	@scripts/package

bench: setup ## the quick benchmarks; RESULTS=FILE.json keeps the figures
	@$(BENCH) -m "not full" $(ARGS)

bench-full: setup ## all benchmarks: half an hour, 2 GB of disk; RESULTS=FILE.json likewise
	@$(BENCH) --timeout=0 $(ARGS)

bench-migration: setup ## compare ways to migrate; e.g. ARGS="--scale 1 --rounds 3 --json"
	@$(BIN)/python -m benchmarks.migration $(ARGS)

bench-peers: setup ## compare with pg_repack and others; e.g. ARGS="--scale 1,4,10 --rounds 3 --json"
	@$(BIN)/python -m benchmarks.peers $(ARGS)

bench-pythons: setup ## the suite of bench runtime on every Python here, into docs/python314.md: 10 minutes
	@$(BIN)/python -m benchmarks.pythons $(ARGS)

bench-generators: setup ## compare makers of uuid7 keys: time, and order in 8 threads; e.g. ARGS="--keys 1000000"
	@$(BIN)/python -m benchmarks.generators $(ARGS)
