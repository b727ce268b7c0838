#!/usr/bin/env bash
# Fails when a requirements file does not match its pyproject file.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
copy=$(mktemp -d); trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/scripts" "$copy/requirements" "$copy/layers/core/src" "$copy/cli"
cp scripts/lock.sh "$copy/scripts/"; cp pyproject.toml "$copy/"; cp requirements/*.txt "$copy/requirements/"
cp cli/pyproject.toml "$copy/cli/"; cp layers/core/pyproject.toml "$copy/layers/core/"; cp layers/core/src/requirements.txt "$copy/layers/core/src/"
(cd "$copy" && ./scripts/lock.sh)
for file in requirements/dev.txt requirements/checkov.txt requirements/click.txt requirements/docs.txt layers/core/src/requirements.txt; do
  diff -u "$file" "$copy/$file" || { echo "$file does not match pyproject.toml: run make lock." >&2; exit 1; }
done
