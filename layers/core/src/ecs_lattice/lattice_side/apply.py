"""Apply a plan: one call per step. What one step cannot do stops only what needs it.

What a lost answer created is found again by name; the objects of others are never adopted.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ecs_lattice import naming, ownership
from ecs_lattice.claims import DOMAIN_TAKEN, FOREIGN_SERVICE, LatticeRecord
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
from ecs_lattice.graph import id_of
from ecs_lattice.history import note
from ecs_lattice.lattice_side import steps as s
from ecs_lattice.lattice_side.ports import Lattice, RuleChange
from ecs_lattice.model import ListenerKey
from ecs_lattice.outcome import NotYet, Problem

_CREATE_SECONDS, _CONFLICT_SECONDS, _LOST_SECONDS, _PARTIAL_SECONDS = 5, 10, 1, 10


class _ForeignError(InvalidError):
    """The name belongs to an object of another owner. ``code`` is that of the problem."""


_CODES: dict[type[AwsError], str] = {QuotaError: "QUOTA", DeniedError: "DENIED", InvalidError: "INVALID"}


@dataclass(slots=True)
class Applied:
    """What came of a plan.

    ``done`` are the steps that were carried out; ``refused`` the problem of each claim by its key, under "" that of steps
    that no claim needs; ``waits`` when to go on; ``remembered`` what the registry has to remember now. ``stopped``: the
    rest waits for the next reconcile. ``refused_steps`` are the steps that AWS refused, with why.
    """

    remembered: LatticeRecord
    done: list[s.Step] = field(default_factory=list)
    refused: dict[str, Problem] = field(default_factory=dict)
    waits: list[NotYet] = field(default_factory=list)
    stopped: bool = False
    refused_steps: list[tuple[s.Step, Problem]] = field(default_factory=list)


@dataclass(slots=True)
class Applier:
    """Applies a plan to one Lattice service. ``save`` writes what is remembered at once, so that a crash loses nothing."""

    lattice: Lattice
    owner: str
    save: Callable[[LatticeRecord], None]
    applied: Applied
    _new_listeners: dict[ListenerKey, str] = field(default_factory=dict)

    def apply(self, plan: tuple[s.Step, ...]) -> Applied:
        """Carry out ``plan``. UnavailableError and the like propagate: whether the call was carried out is unknown."""
        for step in plan:
            is_refused = bool(step.needed_by) and self.applied.refused.keys() >= set(step.needed_by)
            if not (step.awaits or is_refused):
                self._try(step)
            if self.applied.stopped:
                break
        return self.applied

    def _try(self, step: s.Step) -> None:
        call = step
        if isinstance(step, s.CreateRule) and not step.listener_arn:
            if step.listener not in self._new_listeners:
                return  # the listener was to be created earlier in the plan, and was refused
            call = dataclasses.replace(step, listener_arn=self._new_listeners[step.listener])
        try:
            self._CALLS[type(step)](self, call)
        except ThrottledError as error:
            self._stop(step, int(error.retry_after) + 1, str(error))
        except ConflictError as error:
            self._stop(step, _CONFLICT_SECONDS, str(error))
        except NotFoundError as error:
            self._forget(step)
            self._stop(step, _LOST_SECONDS, str(error))
        except (QuotaError, InvalidError, DeniedError) as error:
            self._refuse(step, error)
        else:
            self.applied.done.append(step)
            note(step)

    def _forget(self, step: s.Step) -> None:
        if isinstance(step, s.Associate):
            networks = self.applied.remembered.networks
            self._remember(networks=tuple(known for known in networks if known[1] != step.network_arn))

    def _stop(self, step: s.Step, seconds: int, why: str) -> None:
        self.applied.waits.append(NotYet(seconds, why, needed_by=step.needed_by))
        self.applied.stopped = True

    def _refuse(self, step: s.Step, error: QuotaError | InvalidError | DeniedError) -> None:
        quota = f" (quota {error.quota_code})" if isinstance(error, QuotaError) and error.quota_code else ""
        message = f"AWS refused to {step}: {error.message}{quota}"
        code = error.code if isinstance(error, _ForeignError) else _CODES[type(error)]
        problem = Problem(code, message)
        self.applied.refused_steps.append((step, problem))
        for key in step.needed_by or ("",):
            self.applied.refused.setdefault(key, problem)

    def _remember(self, **changes: Any) -> None:
        self.applied.remembered = dataclasses.replace(self.applied.remembered, **changes)
        self.save(self.applied.remembered)

    def _token(self, step: s.CreateStep, *parts: object) -> str:
        """The client token: equal for every try to create the same thing."""
        remembered = self.applied.remembered
        stem = (self.owner, remembered.name, remembered.generation, str(step.missing_since))
        return naming.client_token(*stem, repr(to_data(list(parts))))

    def _create_group(self, step: s.CreateGroup) -> None:
        name, spec = step.spec.name, to_data(step.spec)
        try:
            arn, _ = self.lattice.create_group(step.spec, self._token(step, "group", spec), dict(step.tags))
        except ConflictError as error:
            arn = self._adopt(self.lattice.find_groups({name}).get(name), error, "FOREIGN_GROUP")
        others = [known for known in self.applied.remembered.groups if known[0] != name]
        self._remember(groups=tuple(sorted([*others, (name, arn)])))
        self.applied.waits.append(NotYet(_CREATE_SECONDS, f"target group {name} is being created"))

    def _create_service(self, step: s.CreateLatticeService) -> None:
        name, spec = step.spec.name, to_data(step.spec)
        try:
            arn, _ = self.lattice.create_service(step.spec, self._token(step, "service", spec), dict(step.tags))
        except ConflictError as error:
            account = step.needed_by[0].split(":")[4] if step.needed_by else ""  # a claim's key begins with an ARN
            arn = self._adopt(self.lattice.find_service(name, account), error, FOREIGN_SERVICE)
        self._remember(service_arn=arn)
        self.applied.waits.append(NotYet(_CREATE_SECONDS, f"service {name} is being created"))

    def _adopt(self, found: str | None, error: ConflictError, code: str) -> str:
        """The ARN of what has the name already, if it is this stack's."""
        if found is None:
            raise error  # taken, and not listed (yet): the next reconcile looks again
        if self.lattice.tags(found).get(ownership.OWNER) != self.owner:
            message = f"{found} has this name and does not carry this stack's {ownership.OWNER} tag; it is left alone."
            raise _ForeignError(error.operation, code, message)
        return found

    def _taken(self, other: str, error: ConflictError) -> _ForeignError:
        """No waiting ends it: in the service network, Lattice service ``other`` (id or ARN) has the custom domain already. That
        of another account cannot be read here."""
        try:
            there = self.lattice.service(other)
        except DeniedError:
            there = None
        holder = f"Lattice service {there.name} ({there.arn})" if there else f"Lattice service {other}"
        message = (
            f"{error.message}. A service network has a custom domain once, and {holder} has it there. Use another "
            "custom domain or service network, or delete that association."
        )
        return _ForeignError(error.operation, DOMAIN_TAKEN, message)

    def _create_listener(self, step: s.CreateListener) -> None:
        service, default = step.service_arn, step.default
        token = self._token(step, "listener", service, step.name, to_data(default))
        try:
            arn = self.lattice.create_listener(
                service, step.name, step.key, default, token, {ownership.OWNER: self.owner}
            )
        except ConflictError as error:
            found = self.lattice.find_listener(service, step.name)
            if found is None:
                raise
            arn = found
            self.applied.waits.append(NotYet(_LOST_SECONDS, str(error)))
        self._new_listeners[step.key] = arn

    def _create_rule(self, step: s.CreateRule) -> None:
        listener, match, action = step.listener_arn, step.match, step.action
        token = self._token(step, "rule", listener, step.name, step.priority, to_data(match), to_data(action))
        try:
            self.lattice.create_rule(
                listener, step.name, step.priority, match, action, token, {ownership.OWNER: self.owner}
            )
        except QuotaError:
            if step.instead is None:
                raise
            self.lattice.update_rule(_change(step.instead))

    def _associate(self, step: s.Associate) -> None:
        token = self._token(step, "associate", step.network_arn)
        try:
            self.lattice.associate(step.service_arn, step.network_arn, token, {ownership.OWNER: self.owner})
        except ConflictError as error:
            if other := self._other_with_domain(step, error):
                raise self._taken(other, error) from error
            raise
        self.applied.waits.append(NotYet(_CREATE_SECONDS, "the association with the service network is being created"))

    def _other_with_domain(self, step: s.Associate, error: ConflictError) -> str:
        """The service that has the custom domain in the service network: the one that the error names, which it need not
        (VPC Lattice API, ConflictException), else by the associations there. Empty: the conflict is another one."""
        named = [error.resource_id or ""] if error.resource_type == "SERVICE" else []
        there = self.lattice.services_with_domain(step.network_arn, step.domain) if step.domain and not named else ()
        return next((other for other in (*named, *there) if id_of(other) not in {"", id_of(step.service_arn)}), "")

    def _delete(self, call: Callable[[str], None], arn: str) -> None:
        """Delete a rule or listener: a new one of its name needs another client token."""
        call(arn)
        self._remember(generation=self.applied.remembered.generation + 1)

    def _end(self, call: Callable[[str], None], arn: str, what: str) -> None:
        call(arn)
        self.applied.waits.append(NotYet(_CONFLICT_SECONDS, f"{what} is being deleted"))

    def _report(self, failures: tuple[str, ...]) -> None:
        if failures:
            self.applied.waits.append(NotYet(_PARTIAL_SECONDS, "not done: " + "; ".join(failures)))

    _CALLS: ClassVar[Mapping[type[s.Step], Callable[[Any, Any], None]]] = {
        s.CreateGroup: _create_group,
        s.UpdateHealth: lambda self, step: self.lattice.update_health(step.group, step.health),
        s.CreateLatticeService: _create_service,
        s.TagService: lambda self, step: self.lattice.tag(step.arn, dict(step.tags)),
        s.PutPolicy: lambda self, step: self.lattice.put_policy(step.arn, step.policy),
        s.UpdateLatticeService: lambda self, step: self.lattice.update_service(step.arn, step.spec),
        s.CreateListener: _create_listener,
        s.UpdateDefault: lambda self, step: self.lattice.update_listener(step.arn, step.default),
        s.CreateRule: _create_rule,
        s.UpdateRule: lambda self, step: self.lattice.update_rule(_change(step)),
        s.UpdateRules: lambda self, step: self._report(
            self.lattice.update_rules(step.listener_arn, [_change(rule) for rule in step.rules])
        ),
        s.Associate: _associate,
        s.Disassociate: lambda self, step: self._end(self.lattice.disassociate, step.arn, "an association"),
        s.DeleteRule: lambda self, step: self._delete(self.lattice.delete_rule, step.arn),
        s.DeleteListener: lambda self, step: self._delete(self.lattice.delete_listener, step.arn),
        s.Deregister: lambda self, step: self._report(self.lattice.deregister(step.group, step.targets)),
        s.DeleteGroup: lambda self, step: self.lattice.delete_group(step.group),
        s.DeleteLatticeService: lambda self, step: self._end(self.lattice.delete_service, step.arn, "the service"),
    }


def _change(step: s.UpdateRule) -> RuleChange:
    return RuleChange(step.arn, step.priority, step.match, step.action)
