"""A claim on a Lattice service with everything that follows from it, before anything of VPC Lattice has been read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_lattice import codec, naming
from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.graph import id_of
from ecs_lattice.matching import normal
from ecs_lattice.model import Match, Route
from ecs_lattice.settings import Settings, Sharing

_TAG_VALUE_LIMIT = 256  # VPC Lattice API, TagValue

type Owner = tuple[str, str]
"""An ECS service by the names of its cluster and of itself, as in the tags of its target groups."""


@dataclass(frozen=True)
class ClaimFacts:
    """A claim and what follows from it, computed once per reconcile.

    ``group_ref`` is the id of its target group, or ``new:<group_name>`` while none is known. ``match`` is canonical, as it
    is written in a rule (None: a default action); ``requests`` is the normal match, the same for all spellings of the set.
    ``networks`` are the service networks as declared. ``holder_tags`` are the values of the holder tag that let its ECS
    service claim a Lattice service, by the sharing that sets them. ``claimed`` orders claims by their time. ``speaks``:
    whether it has a say on the Lattice service at all. ``receives``: its target group receives requests, of whichever route
    of its port. ``was_live``: this very route has received requests.
    """

    record: ClaimRecord
    claim: Claim
    route: Route
    key: str
    owner: Owner
    group_name: str
    group_ref: str
    match: Match | None
    requests: Match
    networks: tuple[str, ...]
    holder_tags: Mapping[Sharing, str]
    claimed: tuple[float, str, str]
    speaks: bool
    receives: bool
    was_live: bool

    @property
    def may_hold(self) -> bool:
        """Whether the claim makes its ECS service the holder of a Lattice service without one: neither a paused claim does nor
        one that is going."""
        return self.claim.phase == "declared" and not self.route.pause

    def was_live_as(self, requests: Match) -> bool:
        """Whether the route has received these requests (a normal match)."""
        answer = self.record.answer
        if not answer.live_as:  # written before it was recorded
            return answer.state == "Live" and requests == self.requests
        return answer.live_as == match_fingerprint(requests)


def holder_tags(owner: Owner) -> dict[Sharing, str]:
    """The values of the holder tag that let an ECS service claim a Lattice service, by the sharing that sets them."""
    cluster, service = owner
    return {
        "none": tag_value(f"service/{cluster}/{service}"),
        "cluster": tag_value(f"cluster/{cluster}"),
        "account": "account",
    }


def facts_of(record: ClaimRecord, settings: Settings) -> ClaimFacts:
    """The facts of a claim, before anything has been read."""
    claim, route = record.claim, record.claim.route
    name = naming.target_group_name(claim.service, route.lattice_service, route, claim.placement)
    owner = claim.service.cluster, claim.service.name
    return ClaimFacts(
        record=record,
        claim=claim,
        route=route,
        key=claim.key,
        owner=owner,
        group_name=name,
        group_ref=id_of(claim.own_group) if claim.own_group else f"new:{name}",
        match=route.match.canonical if route.match else None,
        requests=normal(route.match),
        networks=route.networks or settings.default_networks,
        holder_tags=holder_tags(owner),
        claimed=(claim.claimed_at or claim.created_at, claim.service.arn, route.name),
        speaks=True,
        receives=False,
        was_live=record.answer.was_live,
    )


def may_speak(facts: ClaimFacts, holder: str) -> bool:
    """Whether the claim counts on a Lattice service that ``holder`` holds (empty: nobody yet)."""
    return not holder or holder in facts.holder_tags.values()


def match_fingerprint(requests: Match) -> str:
    """A short hash of a normal match."""
    return hashlib.sha256(codec.dumps(requests).encode()).hexdigest()[:16]


def tag_value(text: str) -> str:
    """``text`` as a tag value: as it is, or its hash when it is longer than a tag may be."""
    return text if len(text) <= _TAG_VALUE_LIMIT else "sha256/" + hashlib.sha256(text.encode()).hexdigest()
