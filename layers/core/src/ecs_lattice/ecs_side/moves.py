"""Routes that move to another Lattice service: they stay where they are live until they are live there, too: pure."""

from collections.abc import Iterator

from ecs_lattice.claims import DOMAIN_TAKEN, Answer, ClaimRecord, Notice
from ecs_lattice.ecs_side.claiming import RouteKey, route_key
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.matching import normal
from ecs_lattice.model import Route

MOVE_BLOCKED = "MOVE_BLOCKED"
_REFUSED = {"Refused", "Conflicted"}


def waits_for_successor(observed: Observation, key: RouteKey, record: ClaimRecord) -> bool:
    """Whether the claim, which no route asks for any more, stays: it is live, and its route is declared at another Lattice
    service where it is not live yet. An author who writes ``remove`` does not wait, nor does what ECS has deleted."""
    if observed.presence != "active" or not _may_receive(record.answer) or _is_removed(observed, key):
        return False
    found = list(_successors(observed, record.claim.route))
    return bool(found) and not any(_is_live(observed, route) for route in found)


def blocked_moves(observed: Observation, obstacle: str, label_prefix: str) -> dict[RouteKey, Notice]:
    """The notices of the claims whose successors cannot come by themselves; see :func:`_blocked`."""
    found = {key: _blocked(observed, key, record, obstacle, label_prefix) for key, record in observed.claims.items()}
    return {key: notice for key, notice in found.items() if notice}


def _blocked(
    observed: Observation, key: RouteKey, record: ClaimRecord, obstacle: str, label_prefix: str
) -> Notice | None:
    """The order of the steps that are left to somebody, if the claim stays and its successor cannot come by itself.
    ``obstacle``: the code of what keeps the ECS service from being attached (empty: nothing)."""
    if key in {route_key(route) for route in observed.routes or ()} or not waits_for_successor(observed, key, record):
        return None
    new = next(_successors(observed, record.claim.route))
    there = observed.claims.get(route_key(new))
    steps = _steps(record.claim.route, new, there.answer if there else None, obstacle, label_prefix)
    if not steps:
        return None
    remove = f"{label_prefix}.routes.{key[1]}.remove = true"
    return Notice(
        MOVE_BLOCKED,
        f"Route {key[1]} stays on {key[0]} until it is live on {new.lattice_service}, {steps} To give it up before that: "
        f"{remove}, until it is gone from {key[0]}.",
    )


def _steps(old: Route, new: Route, there: Answer | None, obstacle: str, label_prefix: str) -> str:
    """What keeps ``new`` from coming, whose answer is ``there``, and what to do about it; empty: nothing does."""
    if there and there.code == DOMAIN_TAKEN and new.domain == old.domain:
        return (
            f"which cannot have {new.domain} while another Lattice service of the same service network has it, and a domain is "
            f"fixed at the creation. (1) Declare a {label_prefix}.service that does not exist yet, with another "
            f"{label_prefix}.domain or none; (2) once the route is live there, point clients to it; (3) {old.lattice_service} is "
            f"given up after the grace time. Only when it is deleted can a new Lattice service have {new.domain}."
        )
    if there and there.state in _REFUSED:
        return f"and is {there.state} there: {there.code}. (1) Correct that; (2) the route then moves by itself."
    if obstacle == "TOO_MANY_CONFIGURATIONS":
        return (
            "but old and new target groups together do not fit into the list of the ECS service. (1) Declare "
            f"{label_prefix}.routes.{new.name}.targets = controller, for every route that moves: their tasks are registered "
            "without the list; (2) wait until they are live there and the old target groups have left the list; (3) remove these "
            "labels."
        )
    return ""


def _successors(observed: Observation, old: Route) -> Iterator[Route]:
    """The declared routes that the route has become: of its name, else of its requests, on other Lattice services."""
    others = [route for route in observed.routes or () if route.lattice_service != old.lattice_service]
    named = [route for route in others if route.name == old.name]
    yield from named or (route for route in others if normal(route.match) == normal(old.match))


def _may_receive(answer: Answer) -> bool:
    """What was live and is rejected now receives its requests as before."""
    return answer.state == "Live" or (answer.state in _REFUSED and answer.was_live)


def _is_live(observed: Observation, route: Route) -> bool:
    record = observed.claims.get(route_key(route))
    return record is not None and record.answer.state == "Live"


def _is_removed(observed: Observation, key: RouteKey) -> bool:
    return observed.revision is not None and key[1] in observed.revision.declaration.removed
