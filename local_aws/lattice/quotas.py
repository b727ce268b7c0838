"""The quotas of VPC Lattice, as one value that a test can change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quotas:
    """Default quotas of a Region.

    Numbers: VPC Lattice User Guide, "Quotas for Amazon VPC Lattice". The default rule of a listener is not counted
    (assumption: the guide does not say).
    """

    service_networks: int = 50
    services: int = 2000
    target_groups: int = 500
    target_groups_per_service: int = 10
    targets_per_target_group: int = 1000
    listeners_per_service: int = 2
    rules_per_listener: int = 10
    service_associations_per_network: int = 500
    vpc_associations_per_network: int = 500
    security_groups_per_association: int = 5
    auth_policy_bytes: int = 10_240


CODES = {
    "rules_per_listener": "L-CF78395E",
    "target_groups_per_service": "L-3DEC3B9F",
    "listeners_per_service": "L-D64E952E",
    "target_groups": "L-BB11C6B9",
    "services": "L-620C821E",
    "targets_per_target_group": "L-D71303F3",
}
"""Quota codes that Service Quotas publishes."""

UNPUBLISHED = "L-00000000"
"""The placeholder for quota codes without a public source."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long VPC Lattice takes, in seconds of the local AWS's clock.

    Draining takes one minute (``TargetSummary`` in the service model). Everything else is an assumption about
    the order of magnitude: AWS publishes no durations.
    """

    create: float = 2.0
    delete: float = 2.0
    associate: float = 5.0
    disassociate: float = 10.0
    drain: float = 60.0
    first_check: float = 5.0
    propagation: float = 0.0
    """How long the data plane uses the previous configuration after a change."""
