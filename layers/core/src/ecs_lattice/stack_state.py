"""What the registry says of the whole stack: documents of kind ``stack``."""

from ecs_lattice.ports import Documents

KIND = "stack"
UNINSTALL, UNINSTALLED = "uninstall", "uninstalled"
"""The keys of the documents that say that an uninstall has been requested, and that it has ended."""
MARKER = "marker"
"""The key of the document that is written when the registry has seen a whole resync."""


def is_complete(documents: Documents) -> bool:
    """Whether the registry has seen a whole resync, so that a claim that it lacks does not exist. Otherwise it is new or was
    lost."""
    return documents.document(KIND, MARKER) is not None


def is_uninstalling(documents: Documents) -> bool:
    """Whether an uninstall has been requested."""
    return documents.document(KIND, UNINSTALL) is not None
