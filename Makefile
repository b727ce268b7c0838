# `make` prints the targets. Each target sets up what it needs, from a fresh clone.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

help: ## print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements/dev.txt requirements/click.txt pyproject.toml layers/core/pyproject.toml cli/pyproject.toml scripts/setup.sh
	@./scripts/setup.sh

setup: $(VENV)/.installed ## install the locked tools into .venv

demo: setup ## run the main use case on the local AWS, from deployment to removal
	@python -m local_aws.demo

local: setup ## start the local AWS with the stack in the foreground; EMPTY=1: without the stack, for sam deploy
	@python -m local_aws $(if $(EMPTY),--empty)

invoke: setup ## run a function in Docker against `make local`: make invoke FUNCTION=EcsEventsFunction EVENT=events/...
	@python -m local_aws.sam_local.invoke "$(FUNCTION)" "$(EVENT)"

build: setup ## sam build
	@sam build --cached --parallel

test: setup ## run all tests with coverage; a part without: make test T=tests/core, or T="tests/core -k name"
	@./scripts/test.sh $(T)

quick: setup ## run the tests that answer within a minute
	@./scripts/quick.sh

bench-cold: setup ## measure the cold starts of the functions (some minutes; bench/README.md)
	@python -m bench.cold

check: setup ## run all checks but the tests: format, lint, types, imports, complexity, walk, template, locks
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	python scripts/complexity.py
	python scripts/complexity.py cli/src
	python scripts/words.py
	python -m bench.walk --check
	cfn-lint
	sam validate --lint
	./scripts/checkov.sh
	./scripts/check-locks.sh

format: setup ## format the code
	ruff format .
	ruff check --fix .

lock: setup ## compile the requirements files from the pyproject files
	./scripts/lock.sh

docs: setup ## build the pages as a site in .docs/site, with strict links; REPOSITORY=URL: where the other files are
	@./scripts/docs.sh $(if $(REPOSITORY),--repository "$(REPOSITORY)")

clean: ## remove everything that was built and installed
	rm -rf $(VENV) .aws-sam .docs .local_aws .coverage .pytest_cache .mypy_cache .ruff_cache

hooks: setup ## run the quick checks before each commit (.pre-commit-config.yaml)
	@pre-commit install

.PHONY: help setup demo local invoke build test quick check format lock docs hooks clean bench-cold
