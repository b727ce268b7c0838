"""What the claims on a Lattice service decide together (decision 45): authentication, idle timeout, custom domain, certificate.

Only claims that may speak count, and a claim that has been live counts until it has lost its traffic: also while it is
refused, paused or without tasks. Authentication and idle timeout are in effect for everybody, so they change only when all
who have been live ask for the same; a label left out asks for the default. Custom domain and certificate are those of the
first claim that writes them; a label left out is no opinion.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecs_lattice.lattice_side.claim_facts import Owner
from ecs_lattice.lattice_side.resolutions import Resolution, Resolutions
from ecs_lattice.lattice_side.seen import ObservedIndex
from ecs_lattice.settings import Settings

DEFAULTS: Mapping[str, Any] = {"auth": "NONE", "idle_timeout": 60}  # VPC Lattice API, CreateService; docs/labels.md
_WITHOUT_DEFAULT = ("domain", "certificate")
_LABELS = {"NONE": "none", "AWS_IAM": "iam"}
_MINIMUM = "the stack parameter MinimumAuth"


@dataclass(frozen=True, slots=True)
class Decided:
    """A setting of the Lattice service. ``value``: what it has to be (None: left to VPC Lattice). ``asked_by``: who wrote
    it (empty: nobody). ``granted``: what the registry is to record as asked for (empty: nothing). ``is_unexplained``: no
    label asks for the value and the registry knows of none that did, so it stays as somebody has set it."""

    name: str
    value: Any
    asked_by: str = ""
    granted: str = ""
    is_unexplained: bool = False

    @property
    def text(self) -> str:
        """The value as a label has it."""
        return _LABELS.get(self.value, str(self.value))


def joint_settings(resolutions: Resolutions, index: ObservedIndex, settings: Settings) -> dict[str, Decided]:
    """The settings by name, as the claims decide them now."""
    voters = _voters(resolutions)
    decided = {name: _with_default(name, voters, index, settings) for name in DEFAULTS}
    return decided | {name: _without_default(name, voters, resolutions) for name in _WITHOUT_DEFAULT}


def differs(resolution: Resolution, decided: Decided, resolutions: Resolutions) -> bool:
    """Whether the claim asks for something else than what is decided. What has been live and writes nothing only gets a
    notice (:func:`follows`)."""
    name, written = decided.name, getattr(resolution.route, decided.name)
    value = DEFAULTS.get(name) if decided.value is None else decided.value
    if written is not None:
        return value is not None and bool(written != value)
    if name not in DEFAULTS or resolution.was_live or decided.is_unexplained:
        return False
    return bool(wish(resolution.owner, name, resolutions) != value)


def follows(resolution: Resolution, decided: Decided, resolutions: Resolutions) -> bool:
    """Whether the ECS service of the claim gets a setting for which only others ask."""
    wishes = _written(decided.name, (r for r in resolutions if r.owner == resolution.owner))
    is_default = decided.value in {None, DEFAULTS.get(decided.name)}
    return not wishes and not is_default and bool(decided.asked_by or decided.is_unexplained)


def wish(owner: Owner, name: str, resolutions: Iterable[Resolution]) -> Any:
    """What an ECS service asks for: what the first of its routes writes, else the default."""
    return next(iter(_written(name, (r for r in resolutions if r.owner == owner and r.speaks))), DEFAULTS[name])


def _voters(resolutions: Resolutions) -> Resolutions:
    """The claims that have been live and still stand; without any, those of the ECS service that claimed first."""
    speaking = [resolution for resolution in resolutions if resolution.speaks]
    live = tuple(r for r in speaking if r.was_live and (r.mode != "removing" or r.receives))
    return live or _of_the_first([r for r in speaking if r.mode == "active"])


def _of_the_first(resolutions: Sequence[Resolution]) -> Resolutions:
    """Those of the ECS service of the first."""
    return tuple(resolution for resolution in resolutions if resolution.owner == resolutions[0].owner)


def _written(name: str, resolutions: Iterable[Resolution]) -> list[Any]:
    return [value for resolution in resolutions if (value := getattr(resolution.route, name)) is not None]


def _with_default(name: str, voters: Resolutions, index: ObservedIndex, settings: Settings) -> Decided:
    if name == "auth" and settings.minimum_auth == "iam":
        return Decided(name, "AWS_IAM", _MINIMUM, "AWS_IAM")
    default, service, granted = DEFAULTS[name], index.observed.service, dict(index.remembered.granted).get(name, "")
    current = getattr(service, name) if service else None
    value = _value(name, voters, granted, current)
    asking = [voter for voter in voters if getattr(voter.route, name) == value]
    takes_back = current not in {None, value} and value == default
    if takes_back and not _may_take_back(index, voters, asking, is_granted=granted == str(current)):
        return Decided(name, current, is_unexplained=True, granted=granted)
    if asking:
        return Decided(name, value, str(asking[0].claim.service), str(value))
    return Decided(name, value if service else None, granted=granted if takes_back else "")


def _may_take_back(
    index: ObservedIndex, voters: Resolutions, asking: Sequence[Resolution], *, is_granted: bool
) -> bool:
    """Whether the default may return: everybody writes it and nobody unknown is served, or the registry knows that it is a
    label's value and that nobody is missing."""
    if is_granted and index.is_complete:
        return True
    strangers = index.owners_of(index.receiving_traffic) - index.claimants
    return not strangers and {voter.owner for voter in asking} == {voter.owner for voter in voters}


def _value(name: str, voters: Resolutions, granted: str, current: Any) -> Any:
    """What all ask for; while they disagree, or nobody decides, what was granted, else what is there."""
    wishes = [wish(owner, name, voters) for owner in dict.fromkeys(voter.owner for voter in voters)]
    if len(set(wishes)) == 1:
        return wishes[0]
    if granted and wishes:
        return type(DEFAULTS[name])(granted)
    return wishes[0] if wishes and current is None else current


def _without_default(name: str, voters: Resolutions, resolutions: Resolutions) -> Decided:
    writing = [r for r in (*voters, *resolutions) if r.speaks and getattr(r.route, name) is not None]
    first = next((r for r in writing if r in voters or r.mode in {"active", "paused", "retained"}), None)
    if first is None:
        return Decided(name, None)
    return Decided(name, getattr(first.route, name), str(first.claim.service))
