# Evenkeel: every target does its own set-up from the lock files; `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := build/stamps
SOLC_VERSION := $(shell sed -n 's/^    version: *//p' brownie-config.yaml)
# Finds this machine's native binary; the npm shim of the same name always exits 0, even when tests fail.
FORGE ?= $(BIN)/python -m agent.localnet.binaries forge
# One file's tests stay in one worker: they share a chain and its port. In order, the longest files come first.
PYTEST_WORKERS ?= 2
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --quiet
CONTRACTS := $(shell find contracts -name '*.sol')
SETUP := $(STAMPS)/python $(STAMPS)/kernels $(STAMPS)/npm $(STAMPS)/contracts

export SOLCX_BINARY_PATH := $(CURDIR)/build/toolchain
export FOUNDRY_DISABLE_NIGHTLY_WARNING := 1
export npm_config_update_notifier := false
# Compiled modules are kept: without them every process that the tests start compiles its libraries anew (.7 s each).
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

.PHONY: demo
demo: setup ## Local chain, real venues, vault and keeper over a price path; writes a report
	@$(BIN)/evenkeel demo

.PHONY: test
test: setup $(STAMPS)/docs postgresql ## Every test: Python, Solidity, and the proofs that the gates can fail
	@echo "== Solidity tests (about 4 min on 2 cores)"
	@$(FORGE) test
	@echo "== Python tests, $(PYTEST_WORKERS) files at a time (about 15 min on 2 cores)"
	@$(BIN)/python -m pytest --numprocesses $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: solidity
solidity: setup ## Compile the Solidity tests (about 4 min on one core); `make test` does it where it is not done
	@$(FORGE) build

.PHONY: lint
lint: setup ## Formatting, static types, import directions, Solidity rules
	@echo "== Formatting, types, import directions, Solidity rules (about 1 min)"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(FORGE) fmt --check contracts tests benchmarks
	@node node_modules/solhint/solhint.js --max-warnings 0 'contracts/**/*.sol'

# `make audit-campaigns SLICES=4`: four slices of the campaigns in this go, and no more.
SLICES ?=

.PHONY: audit-campaigns
audit-campaigns: setup ## 20 million calls under every invariant, a million attacks; goes on where the last go ended
	@$(BIN)/python -m scripts.campaigns $(SLICES:%=--slices %)

# Keeper cycles of the campaign, the seed of its first schedule, and when it ends at the latest.
CHAOS_CYCLES ?= 10000
CHAOS_SEED ?= 1
CHAOS_MINUTES ?= 240

.PHONY: chaos
chaos: setup ## 10,000 keeper cycles under faults of servers, chain, venue, process and disk (about an hour)
	@echo "== Chaos: $(CHAOS_CYCLES) keeper cycles from seed $(CHAOS_SEED); the report is build/chaos/report.md"
	@$(BIN)/python -m tests.chaos.campaign --cycles $(CHAOS_CYCLES) --seed $(CHAOS_SEED) --minutes $(CHAOS_MINUTES)

.PHONY: docs
docs: setup $(STAMPS)/docs ## build/site: the documentation, every warning an error
	@echo "== Documentation (about 1 min)"
	@PYTHONPATH=. NO_MKDOCS_2_WARNING=1 build/docs-venv/bin/mkdocs build --strict
	@echo "Open build/site/index.html"

.PHONY: wheel
wheel: setup ## dist/evenkeel-*.whl with the contracts' artifacts inside: all that a keeper's host needs
	@$(BIN)/python -m scripts.wheel

.PHONY: bench
bench: setup ## Every figure we claim: speed, gas, accuracy
	@$(BIN)/python -m benchmarks all

# Real mined blocks of the long run, and due hedges of the other; each about an hour on 2 cores of its own.
EVENKEEL_SOAK_BLOCKS ?= 100000
EVENKEEL_DUE_HEDGES ?= 3000

.PHONY: soak
soak: setup ## 100,000 blocks: what grows in a keeper, and a second set of books (under an hour)
	@$(BIN)/python -m tests.soak.soak --blocks $(EVENKEEL_SOAK_BLOCKS)

.PHONY: chaos-liveness
chaos-liveness: setup ## 3,000 due hedges while 30 % of all requests fail: how soon they land (about an hour)
	@$(BIN)/python -m tests.soak.liveness --due $(EVENKEEL_DUE_HEDGES)

.PHONY: processors
processors: setup ## The numerical tests as other processors would run them
	@$(BIN)/python -m scripts.processors

.PHONY: audit
audit: audit-static audit-coverage audit-proofs audit-mutants audit-agent-mutants audit-campaigns ## All of the following and the long campaigns (more than a day on 2 cores)

.PHONY: audit-static
audit-static: setup $(STAMPS)/audit ## Static analysis: no grave finding without its reason, and a contract that must fail
	@$(BIN)/python -m scripts.static_analysis

.PHONY: audit-coverage
audit-coverage: setup ## Lines and branches of guard and accounting that the Solidity tests run through
	@$(BIN)/python -m scripts.coverage

.PHONY: audit-proofs
audit-proofs: setup $(STAMPS)/audit ## Proofs by a symbolic engine, and a false claim that it must refute
	@$(BIN)/python -m scripts.proofs

.PHONY: audit-mutants
audit-mutants: setup ## Breaks the contracts on purpose, line by line: the tests must notice
	@$(BIN)/python -m scripts.mutation

# Mutants drawn of each source, and the seed that they are drawn by.
EVENKEEL_MUTANTS ?= 2
EVENKEEL_SEED ?= 1

.PHONY: audit-agent-mutants
audit-agent-mutants: setup postgresql ## Breaks the agent on purpose, line by line: the tests must notice (about 1 h)
	@$(BIN)/python -m scripts.agent_mutation --per-file $(EVENKEEL_MUTANTS) --seed $(EVENKEEL_SEED)

.PHONY: setup
setup: prerequisites ## Python environment, npm packages, compiled contracts
	@$(MAKE) --silent --jobs=2 $(SETUP)

.PHONY: prerequisites
prerequisites:
	@scripts/toolchain/check-prerequisites.sh $(PYTHON)

.PHONY: postgresql
postgresql:
	@scripts/toolchain/postgresql.sh

.PHONY: lock
lock: $(STAMPS)/python ## Renew requirements*.lock and package-lock.json
	$(LOCK) --all-extras --output-file requirements.lock
	$(LOCK) --extra postgres --extra aws --constraint requirements.lock --output-file requirements-keeper.lock
	set -e; for group in audit docs; do \
		$(BIN)/uv pip compile --group pyproject.toml:$$group --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --quiet --output-file requirements-$$group.lock; \
	done
	npm install --package-lock-only --ignore-scripts --no-audit --no-fund

.PHONY: clean
clean: ## Remove all that the other targets made
	@if [ -x $(BIN)/evenkeel ]; then $(BIN)/evenkeel localnet down --if-running; fi
	rm -rf $(VENV) node_modules build dist .evenkeel deployments/31337.json *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/python: requirements.lock requirements-bootstrap.lock pyproject.toml | prerequisites
	@echo "[1/4] Python packages of requirements.lock: 1.4 GB on disk (about 1 min, by the network)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@mkdir -p $(@D) && touch $@

# Environments beside the project's own: what they hold needs other versions, or is no part of what is tested.
$(STAMPS)/audit $(STAMPS)/docs: $(STAMPS)/%: requirements-%.lock $(STAMPS)/python
	@echo "[$*] Python packages of requirements-$*.lock (up to 1 min, by the network)"
	@[ -x build/$*-venv/bin/python ] || $(PYTHON) -m venv build/$*-venv
	@$(BIN)/uv pip sync --quiet --python build/$*-venv/bin/python --require-hashes requirements-$*.lock
	@touch $@

# Later changes of a kernel are compiled when it is first called.
$(STAMPS)/kernels: $(STAMPS)/python
	@echo "[2/4] Numeric kernels, compiled by Numba (about 1 min)"
	@$(BIN)/python -m agent.warm_up > /dev/null
	@touch $@

$(STAMPS)/npm: package.json package-lock.json | prerequisites
	@echo "[3/4] npm packages of package-lock.json: 460 MB on disk (about 30 s, by the network)"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) build/toolchain && ln -sf ../../scripts/toolchain/solc.js build/toolchain/solc-v$(SOLC_VERSION)
	@touch $@

$(STAMPS)/contracts: $(CONTRACTS) brownie-config.yaml $(STAMPS)/python $(STAMPS)/npm
	@echo "[4/4] Contracts, compiled by solc $(SOLC_VERSION) through Brownie (about 30 s)"
	@$(BIN)/python -m scripts.compile
	@mkdir -p $(@D) && touch $@
