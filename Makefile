# All commands for contributors. .ci/run calls `make check` and `make test`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup protos protos-check protos-release lock fmt lint check kernels test soak live bench demo wheel clean

BIN := .venv/bin
SETUP := .venv/.setup
RUNTIME := .venv/.runtime
PROTOS_SETUP := .venv-protos/.setup
PYTEST := $(BIN)/pytest
TYPED := $(wildcard services shared cli client tests benchmarks)
# One more than there are cores, because many tests wait for a process or a clock.
TEST_WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(SETUP) ## create .venv from the lock (other targets do this when it is missing or out of date)

$(SETUP): requirements-dev.lock pyproject.toml
	@echo "Setting up .venv from requirements-dev.lock"
	@tools/make-venv .venv requirements-dev.lock
	@$(BIN)/python tools/link_checkout.py
	@touch $@

$(RUNTIME): requirements.lock pyproject.toml
	@echo "Setting up .venv from requirements.lock"
	@tools/make-venv .venv requirements.lock
	@$(BIN)/python tools/link_checkout.py
	@touch $@

$(PROTOS_SETUP): protos/requirements.lock
	@echo "Setting up .venv-protos from protos/requirements.lock"
	@tools/make-venv .venv-protos protos/requirements.lock
	@touch $@

protos: $(SETUP) $(PROTOS_SETUP) ## generate protos/gen from the contracts
	@.venv-protos/bin/python tools/protos.py generate

protos-check: $(SETUP) $(PROTOS_SETUP) ## lint the contracts and compare them with the last release and protos/gen
	@.venv-protos/bin/python tools/protos.py check

protos-release: $(SETUP) $(PROTOS_SETUP) ## save the current contracts as the last release
	@.venv-protos/bin/python tools/protos.py release

lock: ## update the locks from pyproject.toml and protos/requirements.in (needs uv; upgrade=1 upgrades everything)
	$(LOCK) $(if $(upgrade),--upgrade) pyproject.toml --all-extras --output-file requirements.lock
	$(LOCK) $(if $(upgrade),--upgrade) pyproject.toml --all-extras --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) $(if $(upgrade),--upgrade) protos/requirements.in --output-file protos/requirements.lock

fmt: $(SETUP) ## format the code and the contracts
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/buf format --write protos --path protos/greenroom

lint: $(SETUP) ## ruff, mypy --strict and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports

check: lint protos-check ## all checks of CI except the tests

kernels: $(SETUP) ## compile the kernels of test data, so that no first call waits for them
	$(BIN)/python -m services.testdata.kernels

test: $(SETUP) $(PROTOS_SETUP) ## run the tests (only=PATH for some of them)
	$(PYTEST) --numprocesses $(TEST_WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(only)

soak: $(SETUP) ## run the long kill series, and attacks on the other database (`make test` runs a short one of each kind)
	$(BIN)/pytest -m soak --timeout 1200 tests/contract tests/durable

live: $(SETUP) ## call the vendors of models whose keys are set; see docs/models.md
	$(BIN)/pytest -m live tests/live

bench: $(SETUP) ## run the benchmarks and print their table (only=TOPIC for one, quick=1 for less work)
	$(BIN)/python -m benchmarks $(if $(only),--only $(only)) $(if $(quick),--quick)

demo: $(if $(wildcard $(SETUP)),$(SETUP),$(RUNTIME)) ## rehearse 50 conversations on this machine (installs no development packages)
	@$(BIN)/greenroom demo

wheel: $(SETUP) $(PROTOS_SETUP) ## build dist/greenroom-….whl: the contracts and the Python client
	@$(BIN)/python tools/wheel.py dist

clean: ## remove environments, caches and benchmark results (but not .greenroom, which holds your data)
	rm -rf .venv .venv-protos .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache benchmarks/out dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
