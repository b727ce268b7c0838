#!/usr/bin/env bash
# All tests, with branch coverage of the code that runs in Lambda; or, without coverage, a part:
# scripts/test.sh [arguments of pytest ...]
set -euo pipefail
cd "$(dirname "$0")/.."
build() { sam build --cached --parallel >.venv/sam-build.log 2>&1 || { cat .venv/sam-build.log >&2; exit 1; }; }
if (($# > 0)); then
  # Only these folders test the build.
  if grep -qE '(^| )tests/?( |$)|tests/(end_to_end|layer|docker)' <<<"$*"; then build; fi
  exec pytest "$@"
fi

# These tests run no product code in their own process. Tracing for coverage would only slow them down, by half.
untraced=(tests/end_to_end tests/docker tests/local_aws tests/layer tests/docs tests/tools)
# Servers start once a file, so a file stays together; tests/conftest.py puts the longest files first.
distributed=(-n 2 --dist loadfile --no-loadscope-reorder)
build
coverage erase
result=0
pytest "${distributed[@]}" "${untraced[@]}" || result=1
pytest "${distributed[@]}" "${untraced[@]/#/--ignore=}" --cov --cov-report=term || result=1
exit $result
