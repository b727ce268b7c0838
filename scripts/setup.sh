#!/usr/bin/env bash
# Makes .venv with the locked tools. Says in one sentence what is missing when something is.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=3.13
is_wanted() { "$1" -c "import sys; raise SystemExit(sys.version_info[:2] != (3, 13))" >/dev/null 2>&1; }
find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} "python$wanted" "$HOME"/.pyenv/versions/"$wanted".*/bin/python /opt/homebrew/bin/"python$wanted" python3 python; do
    if is_wanted "$candidate"; then echo "$candidate"; return; fi
  done
  return 1
}
if ! python=$(find_python); then
  echo "Python $wanted is needed and was not found. Install it (pyenv install $wanted; brew install python@$wanted; or your system's package) or name it: make PYTHON=/path/to/python$wanted ..." >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
  echo "$("$python" --version) has no venv/ensurepip module: install it (Debian and Ubuntu: apt install python$wanted-venv)." >&2
  exit 1
fi
is_wanted .venv/bin/python || { rm -rf .venv; "$python" -m venv .venv; }
echo "Installing the locked tools into .venv (about a minute the first time) ..."
log=.venv/install.log
if ! { .venv/bin/python -m pip install --require-hashes -r requirements/dev.txt &&
  .venv/bin/python -m pip install --no-deps --no-build-isolation -e . -e layers/core; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  echo "Installing failed. If no package index can be reached, set PIP_INDEX_URL to one (or connect to the network); the whole log is in $log." >&2
  exit 1
fi
touch .venv/.installed
