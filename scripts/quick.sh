#!/usr/bin/env bash
# The tests that answer within a minute: no server, no build, no coverage.
set -euo pipefail
cd "$(dirname "$0")/.."
quick=(
  tests/core tests/health tests/diagnosis tests/ingress tests/docs tests/tools/test_complexity.py
  tests/cli/test_main.py tests/cli/test_lint.py tests/cli/test_label_schema.py tests/cli/test_explain.py tests/cli/test_docs.py
  # Of the two sides: the decisions, the order of changes, priorities, and a history of each.
  tests/ecs_side/test_decisions.py tests/ecs_side/test_effective_history.py tests/ecs_side/test_leaving_history.py
  tests/lattice_side/test_moves.py tests/lattice_side/test_priorities.py tests/lattice_side/test_crashes.py
)
exec pytest -q -n 2 --dist worksteal "${quick[@]}" "$@"
