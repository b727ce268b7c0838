"""How far an uninstall is: two documents of kind ``stack`` in the registry, which every side reads and the resync writes."""

UNINSTALL, UNINSTALLED = "uninstall", "uninstalled"
"""An uninstall was asked for; it has nothing left to do."""

__all__ = ["UNINSTALL", "UNINSTALLED"]
