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
	UV_PYTHON_DOWNLOADS=never .venv-lock/bin/uv pip compile --no-config --upgrade --generate-hashes --universal --python-version 3.11 -q \
		--custom-compile-command "make lock" requirements/bench.in -c requirements/dev.txt -o requirements/bench.txt
	UV_PYTHON_DOWNLOADS=never .venv-lock/bin/uv pip compile --no-config --upgrade --generate-hashes --universal --python-version 3.11 -q \
		--custom-compile-command "make lock" requirements/training.in -c requirements/dev.txt -o requirements/training.txt
	$(MAKE) lock-packaging

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

.PHONY: system-packages licences models-check check test soak clean
# LibreOffice opens the workbook as KMPU's staff would; poppler turns its PDF into pictures.
SYSTEM_PACKAGES := libreoffice-calc fonts-nanum poppler-utils
system-packages:
	@if command -v soffice >/dev/null && command -v pdftoppm >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM_PACKAGES) >/dev/null; \
	else \
		echo "make test opens the report in LibreOffice. Install first: $(SYSTEM_PACKAGES)"; exit 1; \
	fi

licences: setup-dev ## the licences of what is shipped
	PYTHONPATH=. $(BIN)/python -m bench.licences

models-check: setup ## every shipped model against its card; FOLDERS="dir …" for others
	$(BIN)/python -m rightscan.models.check $(FOLDERS)

check: lint types licences models-check template-check ## everything that reads the code without running it

test: setup-dev setup-deploy system-packages check ## set up, check, and run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered

soak: setup-dev ## fifty kills of the local runtime
	RIGHTSCAN_KILLS=50 $(BIN)/python -m pytest -q tests/e2e/test_kill.py

clean: ## remove what builds and demonstrations left
	rm -rf build dist .aws-sam .pytest_cache .mypy_cache .ruff_cache .coverage*

include mk/*.mk
