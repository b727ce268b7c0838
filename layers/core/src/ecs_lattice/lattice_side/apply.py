"""Carry out a plan: one call a step. What one step cannot do stops only what needs it.

An answer that is lost is found again by name; the objects of others are never adopted.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from ecs_lattice import naming, ownership
from ecs_lattice.claims import LatticeRecord
from ecs_lattice.codec import to_data
from ecs_lattice.errors import (
    AwsError,
    ConflictError,
    DeniedError,
    InvalidError,
    NotFoundError,
    QuotaError,
    ThrottledError,
)
from ecs_lattice.graph import Action, Forward, Observed, forward, weights
from ecs_lattice.lattice_side import steps as s
from ecs_lattice.lattice_side.ports import Lattice, RuleChange
from ecs_lattice.model import ListenerKey
from ecs_lattice.outcome import NotYet, Problem

_MADE_SECONDS, _CONFLICT_SECONDS, _LOST_SECONDS, _PARTIAL_SECONDS = 5, 10, 1, 10


class _WaitingError(Exception):
    """The step needs something that is still being made, or that could not be made."""


class _ForeignError(InvalidError):
    """The name belongs to an object of somebody else."""


_CODES: dict[type[AwsError], str] = {QuotaError: "QUOTA", DeniedError: "DENIED", InvalidError: "INVALID"}


@dataclass(slots=True)
class Applied:
    """What came of a plan. ``done`` are the steps that were carried out; ``refused`` the problem of each claim (by the
    key of its record); ``waits`` when to go on; ``remembered`` what the registry has to remember now. ``stopped``: the
    rest has to wait for the next bell.
    """

    remembered: LatticeRecord
    done: list[s.Step] = field(default_factory=list)
    refused: dict[str, Problem] = field(default_factory=dict)
    waits: list[NotYet] = field(default_factory=list)
    stopped: bool = False


@dataclass(slots=True)
class Applier:
    """Applies plans to one Lattice service. ``save`` writes what is remembered at once, so that a crash loses nothing."""

    lattice: Lattice
    owner: str
    save: Callable[[LatticeRecord], None]
    observed: Observed
    applied: Applied
    _listeners: dict[ListenerKey, str] = field(default_factory=dict)
    _groups: dict[str, str] = field(default_factory=dict)

    def apply(self, plan: tuple[s.Step, ...]) -> Applied:
        """Carry out ``plan``. UnavailableError and the like propagate: whether the call was done is unknown."""
        self._listeners = {each.key: each.arn for each in self.observed.listeners}
        for step in plan:
            if step.needed_by and all(key in self.applied.refused for key in step.needed_by):
                continue
            if not self._try(step):
                break
        return self.applied

    def _try(self, step: s.Step) -> bool:
        """Carry out a step; whether to go on with the next."""
        try:
            self._carry_out(step)
        except _WaitingError:
            return True
        except ThrottledError as error:
            return self._stop(int(error.retry_after) + 1, str(error))
        except ConflictError as error:
            return self._stop(_CONFLICT_SECONDS, str(error))
        except NotFoundError as error:
            self._forget(step)
            return self._stop(_LOST_SECONDS, str(error))
        except (QuotaError, InvalidError, DeniedError) as error:
            self._refuse(step, error)
            return True
        self.applied.done.append(step)
        return True

    def _stop(self, seconds: int, why: str) -> bool:
        self.applied.waits.append(NotYet(seconds, why))
        self.applied.stopped = True
        return False

    def _refuse(self, step: s.Step, error: AwsError) -> None:
        quota = f" (quota {error.quota_code})" if isinstance(error, QuotaError) and error.quota_code else ""
        message = f"AWS refused to {step}: {error.message}{quota}"
        code = error.code if isinstance(error, _ForeignError) else _CODES[type(error)]
        for key in step.needed_by or ("",):
            self.applied.refused.setdefault(key, Problem(code, message))

    def _forget(self, step: s.Step) -> None:
        if isinstance(step, s.Associate):
            known = self.applied.remembered.networks
            self._remember(networks=tuple(each for each in known if each[1] != step.network_arn))

    def _remember(self, **changes: object) -> None:
        self.applied.remembered = dataclasses.replace(self.applied.remembered, **changes)  # type: ignore[arg-type]
        self.save(self.applied.remembered)

    def _wait_for(self, what: str) -> None:
        self.applied.waits.append(NotYet(_MADE_SECONDS, f"{what} is being made"))

    def _token(self, step: s.Step, *parts: object) -> str:
        """Equal for every try to make the same thing: the time at which it was first found missing is remembered before
        the first try, so that a retry gets what a lost answer made, and something made anew later never the deleted one."""
        remembered = self.applied.remembered
        missing_since = dict(remembered.made).get(identity(step), 0.0)
        stem = (self.owner, remembered.name, remembered.generation, str(missing_since))
        return naming.client_token(*stem, repr(to_data(list(parts))))

    def _service(self) -> str:
        """The service's ARN, once it can be worked on."""
        if self.observed.service is None:
            raise _WaitingError
        return self.observed.service.arn

    def _listener(self, key: ListenerKey) -> str:
        if key not in self._listeners:
            raise _WaitingError
        return self._listeners[key]

    def _resolved(self, action: Action) -> Action:
        """The action with ids for groups; raises while one of them cannot be used yet."""
        if not isinstance(action, Forward):
            return action
        for group in weights(action):
            there = self.observed.group(group)
            if there is None or there.status != "ACTIVE":
                raise _WaitingError
        return forward(weights(action))

    def _carry_out(self, step: s.Step) -> None:  # noqa: C901, PLR0912  one case a kind of step
        match step:
            case s.CreateGroup():
                self._create_group(step)
            case s.UpdateHealth(group=group, health=health):
                self.lattice.update_health(group, health)
            case s.CreateService():
                self._create_service(step)
            case s.TagService(arn=arn, tags=tags):
                self.lattice.tag(arn, dict(tags))
            case s.PutPolicy(policy=policy):
                self.lattice.put_policy(self._service(), policy)
            case s.UpdateService(spec=spec):
                self.lattice.update_service(self._service(), spec)
            case s.CreateListener():
                self._create_listener(step)
            case s.UpdateDefault(arn=arn, default=default):
                self.lattice.update_listener(arn, self._resolved(default))
            case s.CreateRule():
                self._create_rule(step)
            case s.UpdateRule():
                self.lattice.update_rule(self._change(step))
            case s.UpdateRules(listener_arn=arn, rules=rules):
                self._report(self.lattice.update_rules(arn, [self._change(rule) for rule in rules]))
            case s.Associate(network_arn=network):
                self.lattice.associate(self._service(), network, self._token(step, "associate", network), self._tags())
                self._wait_for("the association with the service network")
            case s.Disassociate(arn=arn):
                self.lattice.disassociate(arn)
                self.applied.waits.append(NotYet(_CONFLICT_SECONDS, "an association is being deleted"))
            case s.DeleteRule(arn=arn):
                self.lattice.delete_rule(arn)
                self._remember(generation=self.applied.remembered.generation + 1)
            case s.DeleteListener(arn=arn):
                self.lattice.delete_listener(arn)
                self._remember(generation=self.applied.remembered.generation + 1)
            case s.Deregister(group=group, targets=targets):
                self._report(self.lattice.deregister(group, targets))
            case s.DeleteGroup(group=group):
                self.lattice.delete_group(group)
            case s.DeleteService(arn=arn):
                self.lattice.delete_service(arn)
                self.applied.waits.append(NotYet(_CONFLICT_SECONDS, "the service is being deleted"))

    def _report(self, failures: tuple[str, ...]) -> None:
        if failures:
            self.applied.waits.append(NotYet(_PARTIAL_SECONDS, "not done: " + "; ".join(failures)))

    def _change(self, step: s.UpdateRule) -> RuleChange:
        action = self._resolved(step.action) if step.action is not None else None
        return RuleChange(step.arn, step.priority, step.match, action)

    def _tags(self) -> dict[str, str]:
        return {ownership.OWNER: self.owner}

    def _create_group(self, step: s.CreateGroup) -> None:
        try:
            token = self._token(step, "group", to_data(step.spec))
            arn, _ = self.lattice.create_group(step.spec, token, dict(step.tags))
        except ConflictError as error:
            found = self.lattice.find_groups({step.spec.name}).get(step.spec.name)
            arn = self._adopted(found, error)
        others = [each for each in self.applied.remembered.groups if each[0] != step.spec.name]
        self._remember(groups=tuple(sorted([*others, (step.spec.name, arn)])))
        self._wait_for(f"target group {step.spec.name}")

    def _create_service(self, step: s.CreateService) -> None:
        try:
            token = self._token(step, "service", to_data(step.spec))
            arn, _ = self.lattice.create_service(step.spec, token, dict(step.tags))
        except ConflictError as error:
            arn = self._adopted(self.lattice.find_service(step.spec.name), error)
        self._remember(service_arn=arn)
        self._wait_for(f"service {step.spec.name}")

    def _adopted(self, found: str | None, error: ConflictError) -> str:
        """The ARN of what has the name already, if it is ours."""
        if found is None:
            raise error  # taken, and not listed (yet): the next bell looks again
        if self.lattice.tags(found).get(ownership.OWNER) != self.owner:
            kind = "SERVICE" if error.operation == "CreateService" else "GROUP"
            message = f"{found} has this name and does not carry this stack's {ownership.OWNER} tag; it is left alone."
            raise _ForeignError(error.operation, f"FOREIGN_{kind}", message)
        return found

    def _create_listener(self, step: s.CreateListener) -> None:
        service, default = self._service(), self._resolved(step.default)
        token = self._token(step, "listener", service, step.name, to_data(default))
        try:
            arn = self.lattice.create_listener(service, step.name, step.key, default, token, self._tags())
        except ConflictError as error:
            found = self.lattice.find_listener(service, step.name)
            if found is None:
                raise
            arn = found
            self.applied.waits.append(NotYet(_LOST_SECONDS, str(error)))
        self._listeners[step.key] = arn

    def _create_rule(self, step: s.CreateRule) -> None:
        listener, action = self._listener(step.listener), self._resolved(step.action)
        token = self._token(step, "rule", listener, step.name, step.priority, to_data(step.match), to_data(action))
        try:
            self.lattice.create_rule(listener, step.name, step.priority, step.match, action, token, self._tags())
        except QuotaError:
            if step.instead is None:
                raise
            self.lattice.update_rule(self._change(step.instead))


def describe(step: s.Step) -> dict[str, object]:
    """A step as data: its kind, what it does in words, and its members."""
    return {"step": type(step).__name__, "text": str(step), **to_data(step)}


def identity(step: s.Step) -> str:
    """What a create makes, as a clock's name; empty for every other step."""
    match step:
        case s.CreateGroup(spec=spec):
            return f"make:group:{spec.name}"
        case s.CreateService():
            return "make:service"
        case s.CreateListener(key=key):
            return f"make:listener:{key}"
        case s.CreateRule(name=name, listener=listener):
            return f"make:rule:{listener}:{name}"
        case s.Associate(network_arn=network):
            return f"make:association:{network}"
        case _:
            return ""
