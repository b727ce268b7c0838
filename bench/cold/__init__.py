"""How fast the functions start: ``python -m bench.cold`` (bench/README.md)."""
