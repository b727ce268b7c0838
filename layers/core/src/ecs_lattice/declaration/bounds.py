"""What the stack's parameters allow a declaration to ask for."""

from dataclasses import dataclass
from typing import Literal, Self

from ecs_lattice.settings import Settings


@dataclass(frozen=True, slots=True)
class Bounds:
    """The platform's rules; they stand above every label and tag.

    ``label_prefix``: keys begin with it and a dot. ``allow_tags``: may tags of the ECS service declare and override.
    ``default_networks`` apply where a declaration names none and are always allowed. ``allowed_networks`` and
    ``allowed_domains`` are names or globs (empty: all). ``minimum_auth``: a label may tighten it, never loosen.
    ``name_prefix`` stands before the name of every Lattice service. ``listeners_per_service`` is the account's quota of
    listeners per Lattice service (2 unless it was raised: VPC Lattice User Guide, quotas).
    """

    label_prefix: str = "lattice"
    allow_tags: bool = True
    default_networks: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()
    minimum_auth: Literal["none", "iam"] = "none"
    name_prefix: str = ""
    listeners_per_service: int = 2

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The bounds that the function's environment sets."""
        return cls(
            label_prefix=settings.label_prefix,
            allow_tags=settings.allow_tags,
            default_networks=settings.default_networks,
            allowed_networks=settings.allowed_networks,
            allowed_domains=settings.allowed_domains,
            minimum_auth=settings.minimum_auth,
            name_prefix=settings.name_prefix,
        )
