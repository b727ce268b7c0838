# Sourced: says why an installation by pip failed, from all that pip said (the file $1), and what to do.
explain_install() {
  grep '^ERROR' "$1" >&2 || tail -n 5 "$1" >&2
  if grep -q 'after connection broken by\|Failed to establish a new connection\|Network is unreachable' "$1"; then
    echo "The package index could not be reached. Connect to the network, or set PIP_INDEX_URL (or pip's configuration) to an index that you reach." >&2
  fi
  echo "Installing into $2 failed; all that pip said is in $1. Run the same make again once it is mended." >&2
}
