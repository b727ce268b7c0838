"""Two consumers of one group: wherever the one comes between the calls of the other, no requirement is left unmet."""

import itertools

import pytest

from ecs_lattice.ingress.model import PortRequirement
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import RouteIngress
from ecs_lattice.ingress.sweep import sweep_groups
from tests.ingress.groups import LABEL_PREFIX, OWNER, VPC, Groups, Hooked, Requirements, allowed, open_groups

GROUP = "sg-a"
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


def resource_comes(ingress):
    assert open_groups(ingress, "cr", [GROUP], [allowed(80)], "x").problems == ()


def route_comes(ingress):
    requirements = [PortRequirement((GROUP,), VPC, allowed(80))]
    assert RouteIngress(ingress).open(SERVICE, requirements, [GROUP], "x").closed == ()


def wide_resource_leaves(ingress):
    ingress.close("wide", [GROUP])


def equal_resource_leaves(ingress):
    ingress.close("equal", [GROUP])


def route_leaves_and_a_sweep_revokes(ingress):
    ingress.require("arn:aws:ecs:us-east-1:123456789012:service/shop/carts", GROUP, ())
    sweep_groups(ingress, {rule.id for rule in ingress.groups.owned_rules()})


COMING = [resource_comes, route_comes]
LEAVING = [wide_resource_leaves, equal_resource_leaves, route_leaves_and_a_sweep_revokes]


def before_they_meet(groups, leaving):
    """A single consumer requires the port, so that a rule of ours is about to be revoked."""
    ingress = Ingress(groups, Requirements(), OWNER, LABEL_PREFIX)
    if leaving is wide_resource_leaves:
        open_groups(ingress, "wide", [GROUP], [allowed(70, 90)], "x")
    elif leaving is equal_resource_leaves:
        open_groups(ingress, "equal", [GROUP], [allowed(80)], "x")
    else:
        requirements = [PortRequirement((GROUP,), VPC, allowed(80))]
        RouteIngress(ingress).open("arn:aws:ecs:us-east-1:123456789012:service/shop/carts", requirements, [], "x")
    return ingress.registry


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
            second(Ingress(groups, requirements, OWNER, LABEL_PREFIX))

    first(Ingress(Hooked(groups, before), Hooked(requirements, before), OWNER, LABEL_PREFIX))
    if not came:
        second(Ingress(groups, requirements, OWNER, LABEL_PREFIX))
    is_open = any(rule.ports.first <= 80 <= rule.ports.last for rule in groups.rules([GROUP]))
    return is_open, bool(came)


@pytest.mark.parametrize("coming", COMING)
@pytest.mark.parametrize("leaving", LEAVING)
@pytest.mark.parametrize("comes_second", [True, False])
def test_a_consumer_that_comes_while_another_leaves_has_its_port_open(coming, leaving, comes_second):
    first = leaving if comes_second else coming
    moments = 0
    for at in itertools.count():
        is_open, came = met(leaving, coming, first, at)
        assert is_open, f"the other one before call {at}"
        moments += came
        if not came:
            break
    assert moments >= 4
