# Everything a contributor runs; .ci/run calls `make check` and `make test`, and nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup protos protos-check protos-release lock fmt lint check test bench demo clean

BIN := .venv/bin
SETUP := .venv/.setup
PROTOS_SETUP := .venv-protos/.setup
TYPED := $(wildcard services shared cli client tests benchmarks)
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(SETUP) ## make .venv from the lock (the other targets do it when it is missing or stale)

$(SETUP): requirements-dev.lock pyproject.toml
	@echo "Setting up .venv from requirements-dev.lock"
	@tools/make-venv .venv requirements-dev.lock
	@if command -v uv >/dev/null 2>&1; \
	then uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; fi
	@touch $@

$(PROTOS_SETUP): protos/requirements.lock
	@echo "Setting up .venv-protos from protos/requirements.lock"
	@tools/make-venv .venv-protos protos/requirements.lock
	@touch $@

protos: $(SETUP) $(PROTOS_SETUP) ## generate protos/gen from the contracts
	@.venv-protos/bin/python tools/protos.py generate

protos-check: $(SETUP) $(PROTOS_SETUP) ## lint the contracts, compare them with the last release and with protos/gen
	@.venv-protos/bin/python tools/protos.py check

protos-release: $(SETUP) $(PROTOS_SETUP) ## keep the contracts as they are now as the last release
	@.venv-protos/bin/python tools/protos.py release

lock: ## renew the locks from pyproject.toml and protos/requirements.in (needs uv; upgrade=1 takes the newest)
	$(LOCK) $(if $(upgrade),--upgrade) pyproject.toml --extra s3 --output-file requirements.lock
	$(LOCK) $(if $(upgrade),--upgrade) pyproject.toml --extra s3 --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) $(if $(upgrade),--upgrade) protos/requirements.in --output-file protos/requirements.lock

fmt: $(SETUP) ## format the code and the contracts
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/buf format --write protos --path protos/greenroom

lint: $(SETUP) ## ruff, mypy strict, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports

check: lint protos-check ## everything CI checks but the tests

test: $(SETUP) ## the tests (only=PATH for some of them)
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(only)

bench: $(SETUP) ## the benchmarks and their table (only=TOPIC for one, quick=1 for less work)
	$(BIN)/python -m benchmarks $(if $(only),--only $(only)) $(if $(quick),--quick)

demo: $(SETUP) ## rehearse 50 conversations here and now
	@$(BIN)/greenroom demo

clean: ## remove the environments, caches and benchmark results (not .greenroom, where your data is)
	rm -rf .venv .venv-protos .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache benchmarks/out dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
