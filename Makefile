# Everything that is done with a checkout. Each target does its own set-up: what it
# makes and fetches goes into .venv and .cache, and the next run finds it there.
#
#   PYTHON=python3.12       the interpreter of the virtual environments
#   FUZZ_SECONDS=60         how long to fuzz, 300 without it
#   SOAK_SECONDS=60         how long to soak, 600 without it
#   SOAK_RUNTIME=2.1        which containerd to soak; without it, 2.1 and then 1.7
#   PYTEST_ARGS='-k mux'    more arguments for pytest

BIN := .venv/bin
PROTO_PYTHON := .cache/proto-venv/bin/python
FUZZ_PYTHON := .cache/fuzz-venv/bin/python
PYTEST_ARGS ?=
FUZZ_SECONDS ?= 300
SOAK_SECONDS ?= 600
SOAK_RUNTIME ?=

# What a caller's shell may hold for other projects.
unexport PYTHONHOME PYTHONPATH PYTHONWARNINGS PYTEST_ADDOPTS

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-e2e lint format bench soak fuzz fuzz-setup \
	proto proto-setup lock clean
# Recipes share the environments and, in test-e2e, demo and soak, the machine.
.NOTPARALLEL:

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r target text; do printf '%-18s %s\n' "$$target" "$$text"; done

setup: ## make .venv, where it is missing or out of date
	@tools/setup dev

fuzz-setup:
	@tools/setup fuzz

proto-setup:
	@tools/setup proto

demo: setup ## play the tutorial on a private containerd (root)
	@$(BIN)/python -m demo

test: test-fast test-e2e ## all tests: unit, then against real runtimes (root)

test-fast: setup ## the unit tests alone
	$(BIN)/python -m pytest tests/unit --numprocesses=auto $(PYTEST_ARGS)

test-e2e: setup ## the tests against real runtimes alone (root)
	$(BIN)/python -m pytest tests/e2e $(PYTEST_ARGS)

lint: setup proto-setup ## formatting, lint, types, layers, generated code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PROTO_PYTHON) tools/genproto.py --check

format: setup ## reformat the code, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## the benchmarks
	@$(BIN)/python -m benchmarks

soak: setup ## containers without pause, amid faults, on a private containerd (root)
	@$(BIN)/python -m soak --seconds $(SOAK_SECONDS) \
		$(if $(SOAK_RUNTIME),--runtime $(SOAK_RUNTIME))

fuzz: fuzz-setup ## look for input that breaks what reads it
	@$(FUZZ_PYTHON) -m fuzz --seconds $(FUZZ_SECONDS)

proto: proto-setup ## generate the protobuf modules from proto/
	$(PROTO_PYTHON) tools/genproto.py

lock: setup ## take newer versions of everything that is installed
	@$(BIN)/python -m tools.lock

clean: ## remove all that git ignores: environments, caches, downloads
	rm -rf --one-file-system .venv .cache .artifacts .hypothesis .coverage \
		.mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist build bench.json
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
