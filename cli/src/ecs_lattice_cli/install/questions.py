"""The three questions: what is offered, the text, and the default."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice_cli.install.account import Network, Vpc
from ecs_lattice_cli.install.answers import (
    ALL,
    NONE,
    Situation,
    cluster_parameters,
    mail_parameters,
    network_parameters,
    words,
)
from ecs_lattice_cli.output import safe, table, wrapped

_NAME_COLUMNS = 24


class Resolve(Protocol):
    """From an answer to parameters. CommandError for a wrong one."""

    def __call__(self, answer: Sequence[str], about: Situation, *, is_numbered: bool) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """``text`` makes the lines for a width. ``default`` is an answer, and ``shown`` how the prompt shows it; None: there is none."""

    options: str
    text: Callable[[int], list[str]]
    prompt: str
    default: tuple[str, ...] | None
    resolve: Resolve
    shown: str = ""


def questions(about: Situation) -> tuple[Question, Question, Question]:
    """Which VPCs, which clusters, which mail."""
    return _networks(about), _clusters(about), _mail(about)


def _networks(about: Situation) -> Question:
    places = _default_places(about)
    default = None if places is None else tuple(each.id for each in places) or (NONE,)
    numbers = [str(about.places.index(each) + 1) for each in places or ()]
    return Question(
        "--vpc or --network",
        lambda columns: _offered(about, columns),
        f"Numbers, names or ids, separated by commas; {NONE} is no network",
        default,
        network_parameters,
        ", ".join(numbers) or NONE,
    )


def _offered(about: Situation, columns: int) -> list[str]:
    lines = wrapped(
        "1 of 3  Which VPCs are the clients in? A VPC has at most one service network, so one that has none gets that of the stack.",
        columns,
    )
    if about.account.unread:
        lines += wrapped(f"Which ECS clusters are in which VPC is not known: {safe(about.account.unread)}", columns)
    rows = [(str(number), *_row(each, about)) for number, each in enumerate(about.places, 1)]
    return [*lines, "", *(table(("", "ID", "NAME", ""), rows, columns) if rows else ["There is no VPC."])]


def _row(place: Vpc | Network, about: Situation) -> tuple[str, str, str]:
    told = _about_vpc(place) if isinstance(place, Vpc) else _about_network(place, about)
    return place.id, _cut(safe(place.name)) or "-", told


def _about_vpc(vpc: Vpc) -> str:
    parts = [
        f"VPC {', '.join(vpc.cidrs)}",
        f"ECS cluster{'s' if len(vpc.clusters) > 1 else ''} {', '.join(vpc.clusters)}" if vpc.clusters else "",
        f"service network {vpc.network_name}" if vpc.network else "",
    ]
    return "; ".join(filter(None, parts))


def _about_network(network: Network, about: Situation) -> str:
    whose = f"shared by {network.account}" if network.account != about.account.id else ""
    whose = "of this stack" if network.arn == about.own_network else whose
    vpcs = ", ".join(each.id for each in about.account.vpcs if each.network == network.arn)
    return " ".join(filter(None, ("service network", whose, f"with {vpcs}" if vpcs else "")))


def _cut(name: str) -> str:
    return name if len(name) <= _NAME_COLUMNS else f"{name[: _NAME_COLUMNS - 1]}…"


def _default_places(about: Situation) -> list[Vpc | Network] | None:
    """What the parameters say now; else where ECS services run, without a second network beside an existing one; else what is the only
    one. None: it has to be chosen."""
    usable = [each for each in about.account.vpcs if each.network or each.account == about.account.id]
    busy = [each for each in usable if each.clusters]
    return _known_places(about) or (
        _in_networks(busy, about) if about.account.networks else _alone(busy, usable, about)
    )


def _in_networks(busy: list[Vpc], about: Situation) -> list[Vpc | Network] | None:
    inside = [each for each in busy if each.network]
    return [*inside] or _only([*about.account.networks])


def _alone(busy: list[Vpc], usable: list[Vpc], about: Situation) -> list[Vpc | Network] | None:
    return [*busy[: len(about.template.vpcs)]] or (_only([*usable]) if usable else [])


def _only(places: list[Vpc | Network]) -> list[Vpc | Network] | None:
    return places if len(places) == 1 else None


def _known_places(about: Situation) -> list[Vpc | Network]:
    """The places that the parameters name, as far as they exist."""
    named = set(words(about.now("DefaultNetworks"))) | set(filter(None, about.slots.values()))
    if about.own_network and about.now("CreateNetwork") == "true":
        named.add(about.own_network)
    return [
        each
        for each in about.places
        if each.id in named or (isinstance(each, Network) and named & {each.name, each.arn})
    ]


def _clusters(about: Situation) -> Question:
    rows = [
        (str(number), each.name, str(each.services), str(each.tasks))
        for number, each in enumerate(about.account.clusters, 1)
    ]

    def text(columns: int) -> list[str]:
        offered = table(("", "CLUSTER", "SERVICES", "TASKS"), rows, columns) if rows else ["There is none yet."]
        return ["2 of 3  Which ECS clusters does the stack manage?", "", *offered]

    now = words(about.now("Clusters"))
    prompt = f"Numbers or names, separated by commas, also with * and ?; {ALL} is all"
    return Question("--cluster", text, prompt, now, cluster_parameters, ", ".join(now))


def _mail(about: Situation) -> Question:
    text = "3 of 3  Which email address is notified of problems? AWS asks it to confirm the subscription."
    now = about.now("NotifyEmail") or NONE
    return Question(
        "--mail", lambda columns: wrapped(text, columns), "An address, or none", (now,), mail_parameters, now
    )


__all__ = ["Question", "questions"]
