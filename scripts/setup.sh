#!/usr/bin/env bash
# Creates .venv with the locked tools. When something is missing, prints what and how to get it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/explain-install.sh
wanted=3.13
say() { printf '%s\n' "$@" >&2; }
is_wanted() { "$1" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; }
candidates() {
  printf '%s\n' "python$wanted" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$wanted".*/bin/python \
    "$HOME"/.local/share/uv/python/cpython-"$wanted"*/bin/python /opt/homebrew/bin/"python$wanted" \
    /usr/local/bin/"python$wanted" python3 python
}
find_python() {
  local candidate
  while IFS= read -r candidate; do
    if is_wanted "$candidate"; then printf '%s\n' "$candidate"; return; fi
  done < <(candidates)
  return 1
}

if [ -n "${PYTHON:-}" ]; then
  python=$PYTHON
  is_wanted "$python" || { say "PYTHON is $python, which is not Python $wanted ($("$python" --version 2>&1 || true))."; exit 1; }
elif ! python=$(find_python); then
  say "Python $wanted is required and was not found (python3 here: $(python3 --version 2>&1 || true))." \
    "Install it with one of: pyenv install $wanted; uv python install $wanted; brew install python@$wanted; your system's package." \
    "If it is installed elsewhere: make PYTHON=/path/to/python$wanted <target>"
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
  say "$("$python" --version) has no venv module. On Debian and Ubuntu: apt install python$wanted-venv"
  exit 1
fi

# A .venv of another Python version, or one moved here from another folder, cannot be used.
home=$(pwd -P)
if ! is_wanted .venv/bin/python || [ "$(cat .venv/.made-in 2>/dev/null || printf '%s' "$home")" != "$home" ]; then
  rm -rf .venv
  "$python" -m venv .venv
fi
printf '%s' "$home" >.venv/.made-in

echo "Installing the locked tools into .venv (a minute or two, the first time) ..."
log=.venv/install.log
if ! { .venv/bin/python -m pip install --retries 2 --require-hashes -r requirements/dev.txt &&
  .venv/bin/python -m pip install --retries 2 --require-hashes --no-deps --upgrade --target .venv/click -r requirements/click.txt &&
  .venv/bin/python -m pip install --no-deps --no-build-isolation -e . -e layers/core -e cli; } >"$log" 2>&1; then
  explain_install "$log" .venv
  exit 1
fi
touch .venv/.installed
