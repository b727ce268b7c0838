"""The console: one read-only page on loopback about the stack, which keeps itself up to date."""
