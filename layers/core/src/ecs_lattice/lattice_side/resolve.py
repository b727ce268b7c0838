"""Who holds what: which claims stand, which have to wait their turn to be removed, and which are stopped, and why.

One conflict stops one route only. What was wired for a stopped route before stays as it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from ecs_lattice import ownership
from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.graph import id_of
from ecs_lattice.lattice_side.seen import ObservedIndex, group_name, holder, may_claim, networks_of, owner_of
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

Mode = Literal["kept", "held", "leaving", "paused", "stopped"]
_DAY_SECONDS = 86400
HELD_REMOVAL_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a claim stands. ``kept``: make it so. ``held``: vanished, but nothing of it changes yet. ``leaving``: take it
    away. ``paused``: change nothing. ``stopped``: refused or in conflict (``state``), what was wired stays.
    ``wait`` is when to look again, in seconds.
    """

    record: ClaimRecord
    mode: Mode
    state: Literal["", "Refused", "Conflicted"] = ""
    code: str = ""
    message: str = ""
    wait: int | None = None

    @property
    def claim(self) -> Claim:
        return self.record.claim


@dataclass(slots=True)
class Resolver:
    """Judges the claims on one Lattice service. ``may_remove`` asks the stack's ceiling for one more removal;
    ``refused`` are the problems that AWS had with a claim in this very reconcile.
    """

    seen: ObservedIndex
    settings: Settings
    now: float
    may_remove: Callable[[ClaimRecord], bool]
    refused: dict[str, Problem] = field(default_factory=dict)
    standings: dict[str, Resolution] = field(default_factory=dict)

    def judge(self) -> dict[str, Resolution]:
        """Every claim's standing, by its record's key, as far as the listeners' rules do not decide it."""
        for record in self.seen.records:
            self.standings[record.key] = self._phase(record)
        self._refused_by_aws()
        self._held_by_others()
        self._service_keys()
        self._listener_protocols()
        self._networks()
        self._own_groups()
        self._health()
        return self.standings

    def in_order(self, *modes: Mode) -> list[Resolution]:
        """The claims with these modes, who comes first first."""
        chosen = [standing for standing in self.standings.values() if standing.mode in modes]
        return sorted(chosen, key=lambda standing: self.rank(standing.claim))

    def rank(self, claim: Claim) -> tuple[bool, float, str, str]:
        """Claim order: what takes traffic, then the older ECS service, then its ARN, then the route's name."""
        wired = self.seen.reference(claim) in self.seen.taking
        return not wired, claim.created_at, claim.service.arn, claim.route.name

    def conflict(self, standing: Resolution, code: str, message: str) -> None:
        self._stop(standing, "Conflicted", code, message)

    def refuse(self, standing: Resolution, code: str, message: str) -> None:
        self._stop(standing, "Refused", code, message)

    def _stop(self, standing: Resolution, state: Literal["Refused", "Conflicted"], code: str, message: str) -> None:
        self.standings[standing.record.key] = Resolution(standing.record, "stopped", state, code, message)

    def _phase(self, record: ClaimRecord) -> Resolution:
        claim = record.claim
        age = self.now - claim.since
        if claim.route.pause and not (claim.phase == "deleted" and age >= _DAY_SECONDS):
            return Resolution(record, "paused", code="PAUSED", message="lattice.pause: observed, nothing is changed.")
        if claim.phase == "declared":
            return Resolution(record, "kept")
        if claim.phase == "deleted":
            return Resolution(record, "leaving")
        remaining = claim.since + self.settings.grace_seconds - self.now
        if remaining > 0:
            return Resolution(record, "held", wait=_whole(remaining))
        if self._is_out(record) or self.may_remove(record):
            return Resolution(record, "leaving")
        return Resolution(
            record,
            "held",
            code="REMOVALS_HELD",
            message="More routes are due for removal than MaxRemovals lets go in an hour; all wait. Put the labels back, "
            'or invoke the resync function with {"mode": "approve-removals"}.',
            wait=HELD_REMOVAL_SECONDS,
        )

    def _is_out(self, record: ClaimRecord) -> bool:
        """Whether the removal has begun, or there is nothing that it would take traffic from."""
        return record.answer.state in {"Parked", "Removed"} or self.seen.reference(record.claim) not in self.seen.taking

    def _refused_by_aws(self) -> None:
        for key, problem in self.refused.items():
            if self.standings[key].mode == "kept":
                self.refuse(self.standings[key], problem.code, problem.message)

    def holder_tag(self) -> str | None:
        """What the holder tag of the Lattice service says or should say; None while nobody claims it."""
        tags = dict(self.seen.observed.service.tags) if self.seen.observed.service else {}
        if ownership.HOLDER in tags:
            return tags[ownership.HOLDER]
        first = next(iter(self.in_order("kept", "paused", "held")), None)
        return holder(self.settings.sharing, first.claim.service) if first else None

    def words(self, standing: Resolution) -> tuple[str, ...]:
        """The service networks that a claim asks for, as written."""
        return networks_of(standing.claim, self.settings)

    def _held_by_others(self) -> None:
        tag = self.holder_tag()
        for standing in self.in_order("kept"):
            if tag is not None and not may_claim(tag, standing.claim.service):
                message = (
                    f"Lattice service {standing.claim.route.lattice_service} is held by {tag}; stack parameter Sharing "
                    f"decides who may join. Use another name, or have an operator remove its tag {ownership.HOLDER}."
                )
                self.conflict(standing, "HELD_BY_OTHER", message)

    def _service_keys(self) -> None:
        service = self.seen.observed.service
        for key in ("domain", "certificate", "auth", "idle_timeout"):
            value, by = None, ""
            for standing in self.in_order("kept", "paused", "held"):
                wanted = getattr(standing.claim.route, key)
                if key == "domain" and wanted and service and wanted != service.domain and standing.mode == "kept":
                    has = f"has {service.domain}" if service.domain else "was made without one"
                    message = (
                        f"The custom domain of a Lattice service is fixed when it is made, and {service.name} {has}. "
                    )
                    self.refuse(standing, "DOMAIN_FIXED", f"{message}Use another lattice.service for {wanted}.")
                elif wanted is None or value in {None, wanted}:
                    value, by = (wanted, str(standing.claim.service)) if wanted is not None else (value, by)
                elif standing.mode == "kept":
                    label = f"lattice.{key.replace('_', '-')}"
                    message = f"{label} belongs to the whole Lattice service and is {value} by {by}; {wanted} differs."
                    self.conflict(standing, "SERVICE_KEY_DIFFERS", message)

    def _listener_protocols(self) -> None:
        """Each port has the protocol of the listener that is there, or of the first claim."""
        there = {each.key.port: each.key for each in self.seen.observed.listeners}
        first = dict(there)
        for standing in self.in_order("kept", "paused", "held"):
            for key in standing.claim.route.listeners:
                fixed = first.setdefault(key.port, key)
                if fixed == key or standing.mode != "kept":
                    continue
                if key.port in there:
                    message = (
                        f"Port {key.port} has listener {fixed}, and a listener's protocol cannot change. Use another "
                    )
                    message += "port, or delete that listener when no route needs it any more."
                    self.refuse(standing, "LISTENER_FIXED", message)
                else:
                    message = f"Port {key.port} is claimed as {fixed} by another route; {key} differs."
                    self.conflict(standing, "LISTENER_DIFFERS", message)

    def _networks(self) -> None:
        known = dict(self.seen.observed.networks)
        for standing in self.in_order("kept"):
            for word in networks_of(standing.claim, self.settings):
                arns = known.get(word, ())
                if len(arns) > 1:
                    message = f"Several service networks are called {word}; write one of {', '.join(arns)}."
                    self.refuse(standing, "NETWORK_AMBIGUOUS", message)
                elif not arns:
                    message = f"There is no service network {word} in this account, nor is one shared with it."
                    self.refuse(standing, "NETWORK_UNKNOWN", message)

    def _own_groups(self) -> None:
        service = self.seen.observed.service
        for standing in self.in_order("kept"):
            arn = standing.claim.own_group
            if arn is None:
                continue
            group = self.seen.group(id_of(arn))
            others = [one for one in group.service_arns if service is None or one != service.arn] if group else []
            problem = (
                "does not exist" if group is None
                else f"is {group.status}" if group.status != "ACTIVE"
                else f"has type {group.kind}, not IP" if group.kind != "IP"
                else f"is used by {others[0]}, and a group serves one Lattice service only" if others
                else ""
            )  # fmt: skip
            if problem:
                message = f"The ECS service attaches this port to target group {arn}, which {problem}."
                self.refuse(standing, "OWN_GROUP_UNUSABLE", message)

    def _health(self) -> None:
        """One group has one health check: that of the first claim of the port."""
        first: dict[str, Resolution] = {}
        for standing in self.in_order("kept"):
            if standing.claim.own_group is not None:
                continue
            other = first.setdefault(group_name(standing.claim), standing)
            if other.claim.route.health != standing.claim.route.health:
                message = f"Routes of one port share a target group, so lattice.health.* must be that of {other.claim.route.name}."
                self.conflict(standing, "HEALTH_DIFFERS", message)


def services_of(standings: Iterable[Resolution]) -> frozenset[tuple[str, str]]:
    """The ECS services of these claims."""
    return frozenset(owner_of(standing.claim) for standing in standings)


def _whole(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))
