#!/usr/bin/env bash
# The whole test suite with branch coverage of the code that runs in Lambda; or a part of it, without coverage:
# scripts/test.sh [what pytest takes ...]
set -euo pipefail
cd "$(dirname "$0")/.."
build() { sam build --cached --parallel >.venv/sam-build.log 2>&1 || { cat .venv/sam-build.log >&2; exit 1; }; }
if (($# > 0)); then
  # These folders test the build; other parts do not wait for it.
  if grep -qE '(^| )tests/?( |$)|tests/(end_to_end|layer|docker)' <<<"$*"; then build; fi
  exec pytest "$@"
fi
build
coverage erase
# A file is the unit of distribution, because servers are started once a file; tests/conftest.py puts the longest first.
pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term
