# Everything a developer, a stranger or a CI job does. Plain `make` lists it.

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
SNIPER := $(BIN)/sniper

# The zone files of the pinned tzdata package count, not those of the machine.
export PYTHONTZPATH :=
export LD_LIBRARY_PATH := $(if $(LD_LIBRARY_PATH),$(LD_LIBRARY_PATH):)$(CURDIR)/$(VENV)/openmp

.DEFAULT_GOAL := help
.PHONY: help demo test check fast bench mutate docs lock clean
.NOTPARALLEL:

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.base ## The whole job on the bundled log, then the command center (CI=true: without)
	@$(SNIPER) demo demo/ $(if $(filter true 1,$(CI)),--no-serve)

test: check ## All checks and all tests, the slow ones and a real browser included
	@tools/system.sh browser
	@$(BIN)/python -m pytest -n $(WORKERS)

check: $(VENV)/.dev ## Format, lint, types, layers, docstrings, lock files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy src tools
	@$(BIN)/lint-imports
	@$(BIN)/interrogate --quiet src
	@$(BIN)/python -m tools.lock check

fast: $(VENV)/.dev ## The tests that take seconds
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

bench: $(VENV)/.dev ## Time and memory of commands, calendar and clock, against their limits
	@$(BIN)/python -m tools.bench

mutate: $(VENV)/.mutate ## Change the clock's code and see whether tests notice: hours (MODULES="account.py")
	@$(BIN)/python -m tools.mutate $(MODULES)

docs: $(VENV)/.dev ## Generated pages, the notebook executed on the demo log, tests of the docs
	@$(BIN)/python -m tools.pages
	@mkdir -p build
	@$(SNIPER) demo build/demo --no-serve > build/demo.log
	@$(SNIPER) report --format ipynb --out build/docs/SLA_Optimization_Master.ipynb -w build/demo
	@$(BIN)/python -m pytest -q tests/docs

lock: $(VENV)/.dev ## Resolve requirements/*.txt from pyproject.toml again (needs uv)
	@$(BIN)/python -m tools.lock write

clean: ## Remove the environment, the demo workspace and every cache
	@rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	@find src tests tools examples -name __pycache__ -prune -exec rm -rf {} +

# A plain environment, filled by the pip that made it: Debian ships venv without its own pip.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "sla-sniper needs Python 3.11 or newer: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv --without-pip $(VENV)

INSTALL := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check -qq install --no-deps

define install
	@echo "Installing requirements/$(1).txt into $(VENV), checked by hash (about a minute) ..."
	@$(INSTALL) --require-hashes --only-binary :all: -r requirements/$(1).txt
	@$(INSTALL) --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@tools/system.sh openmp $(VENV)
	@touch $@
endef

$(VENV)/.base: requirements/base.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(call install,base)

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(call install,dev)
	@touch $(VENV)/.base

$(VENV)/.mutate: requirements/mutate.txt | $(VENV)/.dev
	$(call install,mutate)
