"""Short hashes of values, for comparing them later without storing them."""

import hashlib

from ecs_lattice import codec
from ecs_lattice.facts import LatticeEntry


def fingerprint(*values: object) -> str:
    """A short hash of ``values``."""
    return hashlib.sha256("\n".join(codec.dumps(value) for value in values).encode()).hexdigest()[:20]


def list_fingerprint(task_definition: str, entries: tuple[LatticeEntry, ...]) -> str:
    """What identifies a list on a revision: the ARN of the task definition and what the entries name."""
    return fingerprint(task_definition, sorted([*entry.identity[:2], str(entry.advanced)] for entry in entries))
