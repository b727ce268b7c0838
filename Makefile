# `make` prints the targets. Every target sets up what it needs; `make demo` and `make test` start from nothing.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

help: ## print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements/dev.txt pyproject.toml layers/core/pyproject.toml scripts/setup.sh
	@./scripts/setup.sh

setup: $(VENV)/.installed ## install the locked tools into .venv

demo: setup ## run the main job on the local AWS, from deployment to removal
	@python -m local_aws.demo

local: setup ## start the local AWS with the stack in it, in the foreground; EMPTY=1: without, for sam deploy
	@python -m local_aws $(if $(EMPTY),--empty)

invoke: setup ## one function in Docker against `make local`: make invoke FUNCTION=EcsEventsFunction EVENT=events/...
	@python -m local_aws.sam_local.invoke "$(FUNCTION)" "$(EVENT)"

build: setup ## sam build
	@sam build --cached --parallel

test: setup ## run the whole test suite
	@./scripts/test.sh

bench-cold: setup ## how fast the functions start, in a table (some minutes; bench/README.md)
	@python -m bench.cold

check: setup ## what CI checks beside the tests: format, lint, types, imports, template, locks
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	python scripts/complexity.py
	python scripts/words.py
	python -m bench.walk --check
	cfn-lint
	sam validate --lint
	./scripts/checkov.sh
	./scripts/check-locks.sh

format: setup ## format the code
	ruff format .
	ruff check --fix .

lock: setup ## make the requirements files again
	./scripts/lock.sh

clean: ## remove what was built and installed
	rm -rf $(VENV) .aws-sam .local_aws .coverage .pytest_cache .mypy_cache .ruff_cache

.PHONY: help setup demo local invoke build test check format lock clean bench-cold
