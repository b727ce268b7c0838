"""How far an uninstall is: two registry documents of kind ``stack``, which the resync writes and both sides read."""

UNINSTALL, UNINSTALLED = "uninstall", "uninstalled"
"""An uninstall was requested; it has released everything."""
