# `make serve` and `make test` do everything on a fresh machine with python3, python3-venv and make.
# Options go into ARGS: `make serve ARGS="--port 8011"`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINNED := --constraint deploy/constraints.txt

.PHONY: help serve test torture fuzz bench bench-growth bench-overload lint format constraints clean

help: ## Show this.
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST)

serve: $(VENV)/installed ## Start the receiver with the demo, on SQLite in this folder.
	$(BIN)/receiver serve $(ARGS)

test: $(VENV)/installed-test ## Run the tests.
	$(BIN)/python -m pytest

torture: $(VENV)/installed-test ## Kill receivers, handlers and databases for minutes, and count what is lost.
	$(BIN)/python -m tests.torture $(ARGS)

fuzz: $(VENV)/installed-test ## Read a million made-up requests, send some of them, and keep each that breaks something.
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(VENV)/installed-bench ## Measure the receiver beside its peers, and write docs/performance.md.
	$(BIN)/python -m tests.bench $(ARGS)

bench-growth: $(VENV)/installed-bench ## Measure journals up to ten million callbacks, and write docs/performance.md.
	$(BIN)/python -m tests.bench.growth $(ARGS)

bench-overload: $(VENV)/installed-bench ## Measure how long callers wait under overload, and write docs/performance.md.
	$(BIN)/python -m tests.bench.overload $(ARGS)

lint: $(VENV)/installed-lint ## Check style, types and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/installed-lint ## Put the code into its style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

constraints: $(VENV)/installed-lint ## Write down the versions that are installed now.
	$(BIN)/python -m pip freeze --exclude-editable --exclude callback-receiver > deploy/constraints.txt

clean: ## Remove what make has made.
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
