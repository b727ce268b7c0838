"""Auth policies that allow nobody: VPC Lattice then denies every request to what requires IAM.

A reconcile reads the policy of its Lattice service. Between two of them a sweep of the resync reads those of live Lattice
services that require IAM, and names the ones for which the policy and the notices of their routes contradict each other.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice.claims import AUTH_ALLOWS_NOBODY, ClaimRecord, LatticeRecord
from ecs_lattice.errors import AwsError
from ecs_lattice.ports import Now
from ecs_lattice.settings import Settings

_log = logging.getLogger(__name__)
_MOST = 100
"""How many a sweep reads, at a call each: five seconds of its five minutes. 500 Lattice services (the quota of a Region) take
five sweeps; the probe meanwhile makes as many calls of VPC Lattice each minute."""
_SWEEP_SECONDS = 900


def has_allow(policy: str | None) -> bool:
    """Whether a statement of an auth policy allows anything. One that cannot be read as JSON is unknown, which is no reason for
    a notice; without a policy everything is denied (VPC Lattice User Guide, auth policies)."""
    try:
        statements = json.loads(policy or "{}").get("Statement", [])
    except (ValueError, AttributeError):
        return True
    listed_ones = statements if isinstance(statements, list) else [statements]
    return any(isinstance(each, dict) and each.get("Effect") == "Allow" for each in listed_ones)


class Policies(Protocol):
    """Errors are :class:`~ecs_lattice.errors.AwsError`s."""

    def auth_policy(self, arn: str) -> str | None:
        """The auth policy of a Lattice service or of a service network; None for none."""


@dataclass(frozen=True, slots=True)
class PolicySweep:
    """Reads the auth policies of live Lattice services that require IAM."""

    policies: Policies
    settings: Settings
    now: Now

    def contradictions(
        self, records: Iterable[LatticeRecord], claims: Mapping[str, Sequence[ClaimRecord]]
    ) -> dict[str, bool]:
        """By name, of the Lattice services that were read: whether the policy is otherwise than their routes' notices say.
        ``claims`` are all claims, by Lattice service. What could not be read is left out."""
        watched = [
            (record.name, record.service_arn)
            for record in sorted(records, key=lambda record: record.name)
            if record.service_arn and self._is_watched(record, claims.get(record.name, ()))
        ]
        first = int(self.now() // _SWEEP_SECONDS) * _MOST % max(len(watched), 1)
        found = {}
        for name, arn in [*watched[first:], *watched[:first]][:_MOST]:
            try:
                found[name] = has_allow(self.policies.auth_policy(arn)) is _is_told(claims[name])
            except AwsError as error:
                _log.warning("The auth policy of Lattice service %s is unknown: %s", name, error)
        return found

    def _is_watched(self, record: LatticeRecord, claims: Sequence[ClaimRecord]) -> bool:
        """Whether routes of it receive requests, and it requires IAM."""
        if not any(claim.answer.state == "Live" for claim in claims):
            return False
        # What was granted, not what claims ask for: whoever has no say must not cause a read.
        return self.settings.minimum_auth == "iam" or dict(record.granted).get("auth") == "AWS_IAM"


def _is_told(claims: Iterable[ClaimRecord]) -> bool:
    return any(notice.code == AUTH_ALLOWS_NOBODY for claim in claims for notice in claim.answer.notices)
