"""Routes, ECS services and fakes of the ports, for the tests of health."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecs_lattice.claims import Answer, Claim, ClaimRecord
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry
from ecs_lattice.model import Placement, Route, ServiceId

NOW = 1_000_000.0
GROUP = "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-00000000000000001"


def group(number: int) -> str:
    return f"{GROUP[:-5]}{number:05}"


def service_id(name="orders", cluster="shop") -> ServiceId:
    return ServiceId(f"arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{name}")


def a_record(state="Live", *, group_arn=GROUP, name="orders", cluster="shop", phase="declared", **more) -> ClaimRecord:
    """A route as the registry has it; ``more`` are fields of the claim or of the route."""
    live_as, live_since = more.pop("live_as", ""), more.pop("live_since", 0.0)
    of_claim = {key: more.pop(key) for key in ("own_group", "serving", "named") if key in more}
    route = Route(**({"name": "default", "lattice_service": "orders", "port_name": "web"} | more))
    claim = Claim(service_id(name, cluster), 1.0, route, Placement("vpc-1", "IPV4", 8080), phase, **of_claim)
    return ClaimRecord(claim, 1, Answer(state, group_arn=group_arn, live_as=live_as, live_since=live_since))


def a_deployment(age=10_000.0, status="PRIMARY", rollout="COMPLETED", groups=(GROUP,)) -> Deployment:
    entries = tuple(LatticeEntry("role", arn, "web") for arn in groups)
    return Deployment("ecs-svc/1", status, rollout, "orders:1", NOW - age, entries=entries)


def a_service(*deployments, desired=2, grace=None, status="ACTIVE", name="orders", cluster="shop") -> EcsService:
    return EcsService(
        service_id(name, cluster),
        status,
        1.0,
        desired,
        desired,
        "ECS",
        "ROLLING",
        deployments or (a_deployment(),),
        grace_period=grace,
    )


@dataclass
class FakeTime:
    """Time that passes only during sleeps, or by a given amount per call."""

    time: float = NOW
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass
class FakeMetrics:
    """What was published, in order."""

    published: list[tuple[dict[str, str], dict[str, float]]] = field(default_factory=list)
    members: list[dict[str, float]] = field(default_factory=list)
    zeros: list[tuple[dict[str, str], float]] = field(default_factory=list)
    """The zeros that were published after the lines of a minute, with their times."""

    def publish(
        self,
        dimensions: Mapping[str, str],
        values: Mapping[str, float],
        members: Mapping[str, float] | None = None,
        at: float | None = None,
    ) -> None:
        if at is not None:
            assert values == {"Impaired": 0.0}
            self.zeros.append((dict(dimensions), at))
            return
        self.published.append((dict(dimensions), dict(values)))
        self.members.append(dict(members or {}))

    def beside(self, name="default", service="shop/orders") -> dict[str, float]:
        """The members of the line of a route."""
        (found,) = [
            members
            for (dimensions, _), members in zip(self.published, self.members, strict=True)
            if dimensions.get("Route") == name and dimensions["EcsService"] == service
        ]
        return found

    @property
    def beside_of_stack(self) -> dict[str, float]:
        return self.members[-1]

    def of_route(self, name="default", service="shop/orders") -> dict[str, float]:
        (found,) = [
            values
            for dimensions, values in self.published
            if dimensions.get("Route") == name and dimensions["EcsService"] == service
        ]
        return found

    @property
    def of_stack(self) -> dict[str, float]:
        (found,) = [values for dimensions, values in self.published if "Owner" in dimensions]
        return found


@dataclass
class FakeAlarms:
    """CloudWatch's alarms as a dictionary; ``errors`` are raised by the operation they stand for, in turn."""

    there: dict = field(default_factory=dict)
    calls: list[tuple[str, object]] = field(default_factory=list)
    errors: dict[str, list[Exception]] = field(default_factory=dict)

    def with_prefix(self, prefix: str):
        self._called("with_prefix", prefix)
        found = [alarm for name, alarm in self.there.items() if name.startswith(prefix)]
        return tuple(replace(alarm, state=alarm.state or "OK") for alarm in found)

    def put(self, alarm) -> None:
        self._called("put", alarm.name)
        self.there[alarm.name] = alarm

    def delete(self, names: Sequence[str]) -> None:
        self._called("delete", tuple(names))
        for name in names:
            self.there.pop(name, None)

    def _called(self, operation: str, what: object) -> None:
        self.calls.append((operation, what))
        if waiting := self.errors.get(operation):
            raise waiting.pop(0)
