#!/usr/bin/env bash
# Runs checkov on the template and on the examples. Exceptions stand beside the resource, with the reason
# (Metadata: checkov: skip). It makes no network calls: no platform, no policy downloads, no update check.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/explain-install.sh
venv=.venv/checkov
if [ ! -e "$venv/.installed" ] || [ requirements/checkov.txt -nt "$venv/.installed" ]; then
  echo "Installing the locked checkov into $venv (half a minute, the first time) ..."
  rm -rf "$venv"
  .venv/bin/python -m venv "$venv"
  log=$venv/install.log
  if ! "$venv/bin/python" -m pip install --retries 2 --require-hashes -r requirements/checkov.txt >"$log" 2>&1; then
    explain_install "$log" "$venv"
    exit 1
  fi
  touch "$venv/.installed"
fi
# A template that checkov cannot read is a failure, not an empty result.
export CKV_PARSE_ERROR_FAIL=True CKV_SKIP_PACKAGE_UPDATE_CHECK=True
unset BC_API_KEY PRISMA_API_URL
"$venv/bin/checkov" --file template.yaml examples/*/template.yaml --framework cloudformation --skip-download --quiet --compact
