"""Routes that move to another Lattice service: they stay where they are live until they are live there, too: pure."""

from collections.abc import Iterator

from ecs_lattice.claims import ClaimRecord, Notice
from ecs_lattice.ecs_side.claiming import RouteKey, route_key
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.matching import normal
from ecs_lattice.model import Route

MOVE_BLOCKED = "MOVE_BLOCKED"
_REFUSED = {"Refused", "Conflicted"}


def waits_for_successor(observed: Observation, key: RouteKey, record: ClaimRecord) -> bool:
    """Whether the claim, which no route asks for any more, stays: it is live, and its route is declared at another Lattice
    service where it is not live yet. An author who writes ``remove`` does not wait, nor does what ECS has deleted."""
    if observed.presence != "active" or record.answer.state != "Live" or _is_removed(observed, key):
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
    there, remove = observed.claims.get(route_key(new)), f"{label_prefix}.routes.{key[1]}.remove = true"
    start = f"Route {key[1]} stays on {key[0]} until it is live on {new.lattice_service}, which"
    if new.domain and new.domain == record.claim.route.domain:
        steps = (
            f"cannot have {new.domain} while {key[0]} has it. (1) Declare {new.lattice_service} with another domain or none; (2) "
            f"once it is live, point clients to it; (3) {key[0]} is given up after the grace time: delete it, and only a new "
            "Lattice service can have the domain."
        )
    elif obstacle == "TOO_MANY_CONFIGURATIONS":
        steps = (
            "needs room in the list of the ECS service, old and new target groups together. (1) Move some of the routes, so that "
            "there are at most five; (2) wait until they are live there and the old ones are gone; (3) move the others."
        )
    elif there and there.answer.state in _REFUSED:
        steps = (
            f"is {there.answer.state} there: {there.answer.code}. (1) Correct that; (2) the route then moves by itself."
        )
    else:
        return None
    return Notice(MOVE_BLOCKED, f"{start} {steps} To give it up before that: {remove}, for one deployment.")


def _successors(observed: Observation, old: Route) -> Iterator[Route]:
    """The declared routes that the route has become: of its name, else of its requests, on other Lattice services."""
    others = [route for route in observed.routes or () if route.lattice_service != old.lattice_service]
    named = [route for route in others if route.name == old.name]
    yield from named or (route for route in others if normal(route.match) == normal(old.match))


def _is_live(observed: Observation, route: Route) -> bool:
    record = observed.claims.get(route_key(route))
    return record is not None and record.answer.state == "Live"


def _is_removed(observed: Observation, key: RouteKey) -> bool:
    return observed.revision is not None and key[1] in observed.revision.declaration.removed
