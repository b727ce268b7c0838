"""What the wheel carries beside its own package: the parser of labels, how a command is laid out, and the page that explains the codes.

Only the wheel: an editable installation uses the repository itself, where a copy would hide changes.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

REPOSITORY = Path(__file__).resolve().parents[1]
CORE = "layers/core/src/"
MODULES = (
    "__init__", "aws/__init__", "aws/ecs_shapes", "aws/lattice_shapes", "bounds", "declaration/__init__", "declaration/changes", "declaration/keys",
    "declaration/port_problems", "declaration/problems", "declaration/reading", "declaration/route_rules",
    "declaration/routes", "declaration/set_rules", "declaration/values", "diagnosis/__init__", "diagnosis/findings", "errors", "facts", "graph", "matching", "model", "naming",
    "outcome", "settings", "version",
)  # fmt: skip
"""The modules of `ecs_lattice` that the command imports, directly or not. None knows the SDK or Powertools."""
CARRIED = {
    **{f"{CORE}ecs_lattice/{module}.py": f"ecs_lattice/{module}.py" for module in MODULES},
    f"{CORE}ecs_lattice/py.typed": "ecs_lattice/py.typed",
    "docs/troubleshooting.md": "ecs_lattice_cli/troubleshooting.md",
}
"""Path in the repository to path in the wheel."""


class Carry(BuildHookInterface[Any]):
    """Adds the files to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a build; ``version`` is ``standard`` for a wheel, ``editable`` for a link to here."""
        if version == "standard":
            build_data["force_include"].update({str(REPOSITORY / source): target for source, target in CARRIED.items()})
