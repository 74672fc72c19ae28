# rightscan. `make demo` and `make test` each set up what they need on a bare clone.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export SAM_CLI_TELEMETRY := 0
# Analysis is parallel over files, not inside one: a thread pool per process would only fight for two cores.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: help
help: ## this list
	@grep -hE '^[a-zA-Z_-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

# ---- set-up -----------------------------------------------------------------------------------------
$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3,11) <= sys.version_info[:2] <= (3,13) else "rightscan needs Python 3.11 to 3.13; run: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --require-hashes --only-binary=:all: -r requirements/runtime.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(BIN)/python -m pip install -q --require-hashes --prefer-binary -r requirements/dev.txt
	touch $@

.PHONY: setup setup-dev
setup: $(VENV)/.runtime ## make .venv with the rightscan command
setup-dev: $(VENV)/.dev ## the same, with what tests need

.PHONY: lock
lock: ## resolve the dependencies anew (hashes, no index address)
	test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install -q uv; }
	UV_PYTHON_DOWNLOADS=never .venv-lock/bin/uv pip compile --no-config --upgrade --generate-hashes --universal --python-version 3.11 -q \
		--custom-compile-command "make lock" pyproject.toml requirements/build.in -o requirements/runtime.txt
	UV_PYTHON_DOWNLOADS=never .venv-lock/bin/uv pip compile --no-config --upgrade --generate-hashes --universal --python-version 3.11 -q \
		--custom-compile-command "make lock" pyproject.toml requirements/build.in --group dev -c requirements/runtime.txt -o requirements/dev.txt

# ---- the main job -----------------------------------------------------------------------------------
MEDIA ?=
MOST ?= 20
LANGUAGE ?= ko
.PHONY: demo
demo: setup ## the main job on music made here; MEDIA=dir takes a folder's audio files, LANGUAGE=en English
	PYTHONPATH=. $(BIN)/python -m bench.demo --lang $(LANGUAGE) $(if $(MEDIA),--media "$(MEDIA)" --most $(MOST))

# ---- checks -----------------------------------------------------------------------------------------
.PHONY: format lint types schemas
format: setup-dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup-dev ## style, layering, licences
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: setup-dev ## mypy, strict
	$(BIN)/mypy

schemas: setup ## export the JSON Schemas of records and events
	$(BIN)/python -m rightscan.records.schemas events/schemas
