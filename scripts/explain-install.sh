# Sourced: explains a failed pip installation from its log (the file $1), and gives the fix.
explain_install() {
  grep '^ERROR' "$1" >&2 || tail -n 5 "$1" >&2
  if grep -q 'after connection broken by\|Failed to establish a new connection\|Network is unreachable' "$1"; then
    echo "The package index could not be reached. Connect to the network, or set PIP_INDEX_URL (or pip's configuration) to an index that you can reach." >&2
  fi
  echo "Installing into $2 failed; pip's output is in $1. Fix the cause and run the same make target again." >&2
}
