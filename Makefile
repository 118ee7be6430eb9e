# `make serve` and `make test` do everything on a fresh machine with python3, python3-venv and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINNED := --constraint deploy/constraints.txt

.PHONY: help serve test torture fuzz lint format constraints clean

help: ## Show this.
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST)

serve: $(VENV)/installed ## Start the receiver with the demo, on SQLite in this folder.
	$(BIN)/receiver serve

test: $(VENV)/installed-test ## Run the tests.
	$(BIN)/python -m pytest

torture: $(VENV)/installed-test ## Kill receivers, handlers and databases for minutes, and count what is lost.
	$(BIN)/python -m tests.torture

fuzz: $(VENV)/installed-test ## Read a million made-up requests, send some of them, and keep each that breaks something.
	$(BIN)/python -m tests.fuzz

lint: $(VENV)/installed-lint ## Check style, types and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/installed-lint ## Put the code into its style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

constraints: $(VENV)/installed-lint $(VENV)/installed-test ## Write down the versions that are installed now.
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

$(VENV)/installed-lint: $(VENV)/installed-test
	$(PIP) install $(PINNED) --group lint
	@touch $@
