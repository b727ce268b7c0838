"""From answers to parameters. Pure; a wrong answer is a CommandError with the nearest name and what is allowed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.install.account import Account, Cluster, Network, Vpc
from ecs_lattice_cli.install.template import Template
from ecs_lattice_cli.nearest import suggestion

NONE = "none"
ALL = "*"
_WILDCARDS = frozenset("*?")


@dataclass(frozen=True, slots=True)
class Situation:
    """What answers are about. ``written`` are the parameters of the file, ``deployed`` those of the stack, if there is one, and
    ``own_network`` is the ARN of the network that it has created; empty: none."""

    account: Account
    region: str
    template: Template
    written: Mapping[str, str]
    deployed: Mapping[str, str]
    own_network: str = ""

    def now(self, name: str) -> str:
        """The value of a parameter that the next deployment would have: a stack keeps those that are not passed."""
        return self.written.get(name, self.deployed.get(name, self.template.parameters[name].default))

    @property
    def slots(self) -> dict[str, str]:
        """The parameters that take a VPC, each with its VPC or nothing."""
        creates = self.now("CreateNetwork") == "true"
        return {name: self.now(name) if creates else "" for name in self.template.vpcs}

    @property
    def places(self) -> tuple[Vpc | Network, ...]:
        """What the first question offers, in the order of its numbers."""
        return (*self.account.vpcs, *self.account.networks)


def words(answer: str) -> tuple[str, ...]:
    """The parts of an answer between commas."""
    return tuple(filter(None, map(str.strip, answer.split(","))))


@dataclass(frozen=True, slots=True)
class Change:
    """A parameter that the file has to have, with the value that holds now."""

    name: str
    before: str
    after: str


def changes(wanted: Mapping[str, str], about: Situation) -> list[Change]:
    """What the file lacks. A default goes without saying where neither the file nor the stack has another value."""
    return [
        Change(name, about.now(name), value)
        for name, value in wanted.items()
        if about.written.get(name) != value
        and (name in about.written or not value == about.now(name) == about.template.parameters[name].default)
    ]


def network_parameters(answer: Sequence[str], about: Situation, *, is_numbered: bool) -> dict[str, str]:
    """Where clients are, by VPCs and service networks. A VPC that is in a service network already stands for that network; the others
    get the network that the stack creates."""
    chosen = [] if _is_none(answer) else [_place(each, about, is_numbered=is_numbered) for each in answer]
    networks = [arn for arn in dict.fromkeys(_network_of(each, about) for each in chosen) if arn]
    of_stack = [each for each in chosen if _network_of(each, about) in {"", about.own_network}]
    slots = _placed(_vpcs_of_stack(of_stack, about), about.slots)
    return {
        "DefaultNetworks": ",".join(_written(arn, about.account) for arn in networks if arn != about.own_network),
        "CreateNetwork": "true" if of_stack else "false",
        **slots,
        **dict(_without_groups_of_others(slots, about)),
    }


def _is_none(answer: Sequence[str]) -> bool:
    is_none = [each.casefold() == NONE for each in answer]
    if any(is_none) and len(answer) > 1:
        raise CommandError(f"{NONE} stands alone.")
    return any(is_none)


def _place(word: str, about: Situation, *, is_numbered: bool) -> Vpc | Network:
    if is_numbered and word.isdecimal():
        return _numbered(word, about.places)
    found = [each for each in about.places if word in _names(each)]
    match found:
        case [one]:
            return one
        case []:
            known = [name for each in about.places for name in _names(each)[:2]]
            where = f"account {about.account.id}, Region {about.region}"
            raise CommandError(f"There is no VPC or service network {word} in {where}; {suggestion(word, known)}")
    raise CommandError(f"{word} is the name of {' and '.join(each.id for each in found)}: write an id.")


def _numbered[T](word: str, offered: Sequence[T]) -> T:
    if 1 <= int(word) <= len(offered):
        return offered[int(word) - 1]
    raise CommandError(
        f"There is no number {word}; allowed: 1 to {len(offered)}." if offered else f"There is no number {word}."
    )


def _names(place: Vpc | Network) -> tuple[str, ...]:
    """What it may be called: the id first."""
    names = (place.id, place.name) if isinstance(place, Vpc) else (place.id, place.name, place.arn)
    return tuple(filter(None, names))


def _network_of(place: Vpc | Network, about: Situation) -> str:
    """The ARN of the service network that the place is or is in; empty: the VPC is in none and can get one."""
    if isinstance(place, Network):
        return place.arn
    if place.network and place.network not in {each.arn for each in about.account.networks}:
        raise CommandError(
            f"{place.id} is in service network {place.network_name} ({place.network}), which is not shared with this account. "
            "Have it shared, or choose another VPC."
        )
    if not place.network and place.account != about.account.id:
        raise CommandError(
            f"{place.id} belongs to account {place.account}, which alone can associate it with a service network."
        )
    return place.network


def _vpcs_of_stack(chosen: Iterable[Vpc | Network], about: Situation) -> Iterator[str]:
    """The VPCs that parameters associate with the network of the stack: new ones, and of those in it the ones that parameters hold
    already (others may have associated more). The network itself stands for all that they hold."""
    held = [vpc for vpc in about.slots.values() if vpc]
    for each in chosen:
        if isinstance(each, Network):
            yield from held
        elif not each.network or each.id in held:
            yield each.id


def _placed(wanted: Iterable[str], slots: Mapping[str, str]) -> dict[str, str]:
    """Each VPC in a parameter of its own: in that which it has, since an association that moves from one to another would collide with
    itself, else in a free one."""
    vpcs = list(dict.fromkeys(wanted))
    if len(vpcs) > len(slots):
        raise CommandError(
            f"The stack can associate {len(slots)} VPCs with its network, and {', '.join(vpcs)} are {len(vpcs)}. Choose {len(slots)}, and "
            "associate the others afterwards: aws vpc-lattice create-service-network-vpc-association."
        )
    kept = {name: vpc if vpc in vpcs else "" for name, vpc in slots.items()}
    rest = iter([vpc for vpc in vpcs if vpc not in kept.values()])
    return {name: vpc or next(rest, "") for name, vpc in kept.items()}


def _without_groups_of_others(slots: Mapping[str, str], about: Situation) -> Iterator[tuple[str, str]]:
    """Security groups belong to a VPC: where another one takes its place, they go."""
    for name, vpc in slots.items():
        groups = f"{name}SecurityGroups"
        if groups in about.template.parameters and about.now(groups) and about.now(name) not in {vpc, ""}:
            yield groups, ""


def _written(arn: str, account: Account) -> str:
    """An own network by its name, which is unique in an account; one of somebody else by its ARN, since an own one may get its name."""
    found = next(each for each in account.networks if each.arn == arn)
    return found.name if found.account == account.id else found.arn


def cluster_parameters(answer: Sequence[str], about: Situation, *, is_numbered: bool) -> dict[str, str]:
    """ECS clusters by name, number or ARN, or wildcards, which need not fit any yet."""
    known = {each.name for each in about.account.clusters} | set(words(about.now("Clusters")))
    names = dict.fromkeys(_cluster(each, about, known, is_numbered=is_numbered) for each in answer)
    return {"Clusters": ALL if ALL in names else ",".join(names)}


def _cluster(word: str, about: Situation, known: set[str], *, is_numbered: bool) -> str:
    clusters = about.account.clusters
    if is_numbered and word.isdecimal() and word not in known:
        return _numbered(word, clusters).name
    by_arn: Mapping[str, Cluster] = {each.arn: each for each in clusters}
    if word in by_arn:
        return by_arn[word].name
    if word not in known and not _WILDCARDS & set(word):
        told = suggestion(word, {each.name for each in clusters}) or "there is none yet."
        raise CommandError(
            f"There is no ECS cluster {word} in Region {about.region}; {told} {ALL} is all, and a name with * or ? also fits later ones."
        )
    return about.template.checked("Clusters", word)


def mail_parameters(answer: Sequence[str], about: Situation, *, is_numbered: bool) -> dict[str, str]:  # noqa: ARG001
    """An email address, or none."""
    if len(answer) > 1:
        raise CommandError("One address, please: a second one is the parameter NotifyEmail2.")
    address = "" if _is_none(answer) else answer[0]
    return {"NotifyEmail": about.template.checked("NotifyEmail", address)}


__all__ = [
    "ALL",
    "NONE",
    "Change",
    "Situation",
    "changes",
    "cluster_parameters",
    "mail_parameters",
    "network_parameters",
    "words",
]
