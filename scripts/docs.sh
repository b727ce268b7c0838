#!/usr/bin/env bash
# Builds the site of the pages (scripts/docs.py) with the locked zensical, which has a virtual environment of its own:
# nothing that runs or is tested depends on it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/explain-install.sh
venv=.venv/docs
if [ ! -e "$venv/.installed" ] || [ requirements/docs.txt -nt "$venv/.installed" ]; then
  echo "Installing the locked zensical into $venv (some seconds, the first time) ..."
  rm -rf "$venv"
  .venv/bin/python -m venv "$venv"
  log=$venv/install.log
  if ! "$venv/bin/python" -m pip install --retries 2 --require-hashes -r requirements/docs.txt >"$log" 2>&1; then
    explain_install "$log" "$venv"
    exit 1
  fi
  touch "$venv/.installed"
fi
exec .venv/bin/python scripts/docs.py "$@"
