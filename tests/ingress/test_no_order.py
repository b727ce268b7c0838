"""Two at one group: whatever the one does, and wherever in it the other does what he does, nobody who asks is left closed."""

import itertools

import pytest

from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import PortRequirement, RouteIngress
from ecs_lattice.ingress.sweep import Tidier
from tests.ingress.groups import OWNER, VPC, Groups, Hooked, Requirements, opening

GROUP = "sg-a"
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


def resource_comes(ingress):
    assert ingress.open_each("cr", [GROUP], [opening(80)], "x").problems == ()


def route_comes(ingress):
    wants = [PortRequirement((GROUP,), VPC, opening(80))]
    assert RouteIngress(ingress).open(SERVICE, wants, [GROUP], "x").closed == ()


def wide_resource_leaves(ingress):
    ingress.close("wide", [GROUP])


def equal_resource_leaves(ingress):
    ingress.close("equal", [GROUP])


def route_leaves_and_a_sweep_revokes(ingress):
    ingress.forget("arn:aws:ecs:us-east-1:123456789012:service/shop/carts", [GROUP])
    Tidier(ingress).tidy({rule.id for rule in ingress.groups.owned_rules()})


COMING = [resource_comes, route_comes]
LEAVING = [wide_resource_leaves, equal_resource_leaves, route_leaves_and_a_sweep_revokes]


def before_they_meet(groups, leaving):
    """Somebody needs the port already, alone, so that a rule of ours is about to go."""
    ingress = Ingress(groups, Requirements(), OWNER)
    if leaving is wide_resource_leaves:
        ingress.open_each("wide", [GROUP], [opening(70, 90)], "x")
    elif leaving is equal_resource_leaves:
        ingress.open_each("equal", [GROUP], [opening(80)], "x")
    else:
        wants = [PortRequirement((GROUP,), VPC, opening(80))]
        RouteIngress(ingress).open("arn:aws:ecs:us-east-1:123456789012:service/shop/carts", wants, [], "x")
    return ingress.requirements


def met(leaving, coming, first, at):
    """The port is open at the end; and whether the second came before the first had ended."""
    groups = Groups()
    groups.add(GROUP)
    requirements = before_they_meet(groups, leaving)
    count, came = itertools.count(), []
    second = coming if first is leaving else leaving

    def before(_name):
        if not came and next(count) == at:
            came.append(at)
            second(Ingress(groups, requirements, OWNER))

    first(Ingress(Hooked(groups, before), Hooked(requirements, before), OWNER))
    if not came:
        second(Ingress(groups, requirements, OWNER))
    is_open = any(rule.ports.first <= 80 <= rule.ports.last for rule in groups.rules([GROUP]))
    return is_open, bool(came)


@pytest.mark.parametrize("coming", COMING)
@pytest.mark.parametrize("leaving", LEAVING)
@pytest.mark.parametrize("comes_second", [True, False])
def test_whoever_comes_while_somebody_leaves_is_let_in(coming, leaving, comes_second):
    first = leaving if comes_second else coming
    moments = 0
    for at in itertools.count():
        is_open, came = met(leaving, coming, first, at)
        assert is_open, f"the other one before call {at}"
        moments += came
        if not came:
            break
    assert moments >= 4
