"""What the claims on a Lattice service come to, as values."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ecs_lattice.lattice_side.claim_facts import ClaimFacts

Mode = Literal["active", "retained", "removing", "paused", "rejected"]
Rejection = Literal["Refused", "Conflicted"]
type Resolutions = tuple[Resolution, ...]
"""All claims on a Lattice service in claim order: routes that receive traffic, those that once did, then by the time of the
claim; what was paused before it ever received traffic comes last."""

STAYING: frozenset[Mode] = frozenset({"active", "paused", "retained"})
UNCHANGED: frozenset[Mode] = frozenset({"paused", "rejected"})


@dataclass(frozen=True)
class Resolution(ClaimFacts):
    """What a claim comes to.

    ``active``: provision it. ``retained``: the claim vanished, nothing of it changes yet. ``removing``: take it down.
    ``paused``: change nothing. ``rejected``: refused or in conflict (``rejection``), what was provisioned stays.
    ``order`` is its place among the claims. ``holds_match``: others cannot have its match, as long as it is declared and
    for the grace time after. ``wait``: reconcile again after so many seconds. ``stands_by_for``: the key of the claim whose
    match it is to take over (:mod:`.succession`); until then it is provisioned, and parked. ``succeeds``: it
    takes over now.
    """

    order: tuple[int, tuple[float, str, str]]
    holds_match: bool
    mode: Mode
    rejection: Rejection | None = None
    code: str = ""
    message: str = ""
    wait: int | None = None
    stands_by_for: str = ""
    succeeds: bool = False

    @property
    def has_part(self) -> bool:
        """Whether it counts for its match; what was paused before it was live has no part in anything yet."""
        if self.mode == "rejected" or self.stands_by_for:
            return False
        return self.mode != "paused" or self.was_live

    @property
    def is_weightless(self) -> bool:
        """Whether it has its match and declares the weight 0, and with it to receive no requests."""
        return self.route.weight == 0 and not self.stands_by_for

    def reject(self, rejection: Rejection, code: str, message: str) -> "Resolution":
        return replace(self, mode="rejected", rejection=rejection, code=code, message=message, wait=None)


def asks_for_network(resolutions: Iterable[Resolution]) -> bool:
    """Whether a claim that stands and has a say names a service network, or the stack's default applies to it."""
    return any(resolution.networks for resolution in resolutions if resolution.speaks and resolution.mode in STAYING)


def replaced(resolutions: Resolutions, changed: Iterable[Resolution]) -> Resolutions:
    """The resolutions with those that changed; of several for one claim the last counts."""
    by_key = {resolution.key: resolution for resolution in changed}
    return tuple(by_key.get(resolution.key, resolution) for resolution in resolutions) if by_key else resolutions
