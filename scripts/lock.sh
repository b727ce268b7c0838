#!/usr/bin/env bash
# Compiles the five hashed requirements files from the pyproject files. They name no package index.
set -euo pipefail
cd "$(dirname "$0")/.."
flags=(--universal --python-version 3.13 --generate-hashes --no-header --no-annotate --quiet)
# The command is installed beside the tools, so its dependencies are locked with them.
uv pip compile "${flags[@]}" cli/pyproject.toml --group pyproject.toml:dev -o requirements/dev.txt "$@"
uv pip compile "${flags[@]}" --group pyproject.toml:checkov -o requirements/checkov.txt "$@"
uv pip compile "${flags[@]}" --group pyproject.toml:docs -o requirements/docs.txt "$@"
uv pip compile "${flags[@]}" --group pyproject.toml:click -o requirements/click.txt "$@"
# The layer gets the versions that the tests run with.
sed -E 's/ *\\$//; /^ *--hash/d' requirements/dev.txt >"${TMPDIR:-/tmp}/ecs-lattice-constraints.txt"
uv pip compile "${flags[@]}" layers/core/pyproject.toml -c "${TMPDIR:-/tmp}/ecs-lattice-constraints.txt" -o layers/core/src/requirements.txt "$@"
