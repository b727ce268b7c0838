#!/usr/bin/env bash
# The whole test suite, with branch coverage of what runs in Lambda.
set -euo pipefail
cd "$(dirname "$0")/.."
sam build --cached --parallel >.venv/sam-build.log 2>&1 || { cat .venv/sam-build.log >&2; exit 1; }
coverage erase
pytest -n 2 --dist loadfile --cov --cov-report=term "$@"
