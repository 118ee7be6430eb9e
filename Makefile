# `make serve` and `make test` need only python3, python3-venv and make: they install the rest.
# Pass options in ARGS: `make serve ARGS="--port 8011"`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINNED := --constraint deploy/constraints.txt

.PHONY: help serve test torture reconcile fuzz bench bench-growth bench-copy bench-overload lint format constraints clean

help: ## Show the targets.
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST)

serve: $(VENV)/installed ## Start the receiver with the demo handlers, on SQLite in this folder.
	$(BIN)/receiver serve $(ARGS)

test: $(VENV)/installed-test ## Run the tests.
	$(BIN)/python -m pytest

torture: $(VENV)/installed-test ## Kill receivers, handlers and databases for minutes, and count lost callbacks.
	$(BIN)/python -m tests.torture $(ARGS)

reconcile: $(VENV)/installed-test ## Lose callbacks of 2,000 calls, kill receivers, and fetch what is missing.
	RECEIVER_TEST_RECONCILE_CALLS=2000 $(BIN)/python -m pytest -s --timeout 600 tests/scenarios/test_reconcile.py $(ARGS)

fuzz: $(VENV)/installed-test ## Parse a million generated requests, send some of them, and store each that fails.
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(VENV)/installed-bench ## Measure the receiver and its peers, and write docs/performance.md.
	$(BIN)/python -m tests.bench $(ARGS)

bench-growth: $(VENV)/installed-bench ## Measure journals of up to ten million callbacks, and write docs/performance.md.
	$(BIN)/python -m tests.bench.growth $(ARGS)

bench-copy: $(VENV)/installed-bench ## Measure backups and copies of a large journal, and write docs/performance.md.
	$(BIN)/python -m tests.bench.copying $(ARGS)

bench-overload: $(VENV)/installed-bench ## Measure the delays of answers under overload, and write docs/performance.md.
	$(BIN)/python -m tests.bench.overload $(ARGS)

lint: $(VENV)/installed-lint ## Check style, types and import directions.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/installed-lint ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

constraints: $(VENV)/installed-lint ## Write the installed versions to deploy/constraints.txt.
	$(BIN)/python -m pip freeze --exclude-editable --exclude callback-receiver > deploy/constraints.txt

clean: ## Remove the virtual environment and the caches.
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip

$(VENV)/installed: $(VENV)/bin/python pyproject.toml deploy/constraints.txt
	$(PIP) install $(PINNED) --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(PIP) install $(PINNED) --group test
	@touch $@

$(VENV)/installed-bench: $(VENV)/installed-test
	$(PIP) install $(PINNED) --group bench
	@touch $@

$(VENV)/installed-lint: $(VENV)/installed-bench
	$(PIP) install $(PINNED) --group lint
	@touch $@
