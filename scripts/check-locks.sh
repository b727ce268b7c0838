#!/usr/bin/env bash
# Fails when a requirements file is not what its pyproject file asks for.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d); trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/scripts" "$copy/requirements" "$copy/layers/core/src"
cp scripts/lock.sh "$copy/scripts/"; cp pyproject.toml "$copy/"; cp requirements/*.txt "$copy/requirements/"
cp layers/core/pyproject.toml "$copy/layers/core/"; cp layers/core/src/requirements.txt "$copy/layers/core/src/"
(cd "$copy" && ./scripts/lock.sh)
for file in requirements/dev.txt requirements/checkov.txt layers/core/src/requirements.txt; do
  diff -u "$file" "$copy/$file" || { echo "$file is not what pyproject.toml asks for: run make lock." >&2; exit 1; }
done
