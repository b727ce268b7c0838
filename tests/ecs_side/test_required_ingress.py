"""Which releases of an ECS service require anything of its security groups."""

import dataclasses

import pytest

from ecs_lattice.claims import Answer, Claim, ClaimRecord
from ecs_lattice.ecs_side.effective_revision import Effective
from ecs_lattice.ecs_side.observe import Observation, Revision
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.required_ingress import required_ingress
from ecs_lattice.facts import (
    ContainerDefinition,
    Deployment,
    EcsService,
    LatticeEntry,
    PortMapping,
    Subnets,
    TaskDefinition,
)
from ecs_lattice.model import Declaration, HealthCheck, Placement, Route, ServiceId
from tests.world import SETTINGS

SERVICE = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/orders")
GROUP = "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-1"
WEB, ADMIN = Route("default", "orders", "web"), Route("admin", "orders", "admin")


def definition(number, web=8080):
    ports = (PortMapping("web", web, None, "tcp", "app"), PortMapping("admin", 9090, None, "tcp", "app"))
    unnamed = PortMapping("", 8090, None, "tcp", "app")
    return TaskDefinition(
        f"orders:{number}", "awsvpc", ports, containers=(ContainerDefinition("app", (*ports, unnamed)),)
    )


def deployment(number, status="PRIMARY", rollout="COMPLETED", entries=()):
    listed = tuple(LatticeEntry("role", arn, "web") for arn in entries)
    return Deployment(
        f"ecs-svc/{number}", status, rollout, f"orders:{number}", number, entries=listed, security_groups=("sg-a",)
    )


def observation(deployments, routes, *, source="completed", claimed=(), accepted=True, attached=()):
    """``routes``: those of each revision by number; the last deployment is that of the effective one."""
    revisions = {
        one.task_definition: Revision(definition(int(one.created_at)), Declaration(routes[int(one.created_at)]))
        for one in deployments
    }
    effective = deployments[-1].task_definition
    service = EcsService(SERVICE, "ACTIVE", 0.0, 2, 2, "ECS", "ROLLING", tuple(deployments), subnets=("subnet-1",))
    answer = Answer("Live" if attached else "Wired", group_arn=GROUP)
    records = [
        ClaimRecord(Claim(SERVICE, 0.0, route, Placement("vpc-1", "IPV4", 0)), 1, answer, 1) for route in claimed
    ]
    return Observation(
        service_id=SERVICE,
        now=1000.0,
        stored=None,
        record=EcsRecord(SERVICE.arn, subnets=Subnets("vpc-1", "IPV4", ("subnet-1",))),
        claims={("orders", record.claim.route.name): record for record in records},
        standing=tuple(claimed),
        service=service,
        presence="active",
        primary=service.primary,
        completed=None,
        listed=service.listed_groups,
        shifts_traffic=False,
        uninstalls=False,
        effective=Effective(effective, source),
        revision=revisions[effective],
        revisions=revisions,
        routes=routes[int(deployments[-1].created_at)] if accepted else None,
    )


def ports_of(observed):
    return {one.ports.ports.first for one in required_ingress(observed, SETTINGS).required}


@pytest.mark.parametrize(("source", "ports"), [("completed", {8080}), ("successful", {8080}), ("primary", set())])
def test_a_service_of_which_no_release_has_completed_requires_nothing(source, ports):
    assert ports_of(observation([deployment(1)], {1: (WEB,)}, source=source)) == ports


def test_what_stands_of_a_service_of_which_no_release_has_completed_is_all_that_it_requires():
    observed = observation([deployment(1, rollout="IN_PROGRESS")], {1: (WEB, ADMIN)}, source="primary", claimed=(WEB,))
    assert ports_of(observed) == {8080}


def test_a_refused_declaration_requires_what_stands_and_nothing_new():
    assert ports_of(observation([deployment(1)], {1: (WEB, ADMIN)}, claimed=(WEB,), accepted=False)) == {8080}
    assert ports_of(observation([deployment(1)], {1: (WEB, ADMIN)}, accepted=False)) == set()


def test_a_route_that_only_a_release_in_progress_declares_requires_nothing_yet():
    rolling = [deployment(2, rollout="IN_PROGRESS"), deployment(1, "ACTIVE")]
    assert ports_of(observation(rolling, {1: (WEB,), 2: (WEB, ADMIN)}, claimed=(WEB,))) == {8080}
    assert ports_of(observation(rolling[:1], {2: (WEB, ADMIN)}, claimed=(WEB,))) == {8080, 9090}


def test_a_release_in_progress_requires_the_port_that_it_moves_a_standing_route_to():
    rolling = [deployment(2, rollout="IN_PROGRESS"), deployment(1, "ACTIVE")]
    observed = observation(rolling, {1: (WEB,), 2: (WEB,)}, claimed=(WEB,))
    moved = Revision(definition(2, web=7000), Declaration((WEB,)))
    observed = dataclasses.replace(observed, revisions={**observed.revisions, "orders:2": moved})
    assert ports_of(observed) == {8080, 7000}


@pytest.mark.parametrize(("port", "is_mapped"), [(8080, True), (8090, True), (5432, False)])
def test_a_requirement_says_whether_a_container_maps_the_port(port, is_mapped):
    route = dataclasses.replace(WEB, health=HealthCheck(enabled=True, port=port))
    found = required_ingress(observation([deployment(1)], {1: (route,)}), SETTINGS).required
    assert {one.ports.ports.first: one.is_mapped for one in found} == {8080: True, port: is_mapped}


def test_a_requirement_says_whether_a_listed_deployment_names_its_target_group():
    attached = observation([deployment(1, entries=[GROUP])], {1: (WEB, ADMIN)}, claimed=(WEB,))
    found = required_ingress(attached, SETTINGS).required
    assert {one.ports.ports.first: one.is_attached for one in found} == {8080: True, 9090: False}
    wired = required_ingress(observation([deployment(1)], {1: (WEB,)}, claimed=(WEB,)), SETTINGS).required
    assert [one.is_attached for one in wired] == [False]
    assert wired == found[:1]  # attaching makes no other requirement, so EC2 is not read again


def test_a_listed_group_of_ours_that_no_claim_explains_yet_is_attached():
    """After a lost table."""
    lost = observation([deployment(1, entries=[GROUP])], {1: (WEB, ADMIN)})
    found = required_ingress(dataclasses.replace(lost, ours=frozenset({GROUP})), SETTINGS).required
    assert [one.is_attached for one in found] == [True, False]
    assert not any(one.is_attached for one in required_ingress(lost, SETTINGS).required)  # somebody else's group


def test_a_listed_group_of_ours_is_followed_to_another_port_though_no_label_and_no_claim_explains_it():
    rolling = [deployment(2, rollout="IN_PROGRESS", entries=[GROUP]), deployment(1, "ACTIVE", entries=[GROUP])]
    observed = dataclasses.replace(observation(rolling, {1: (), 2: ()}), ours=frozenset({GROUP}))
    observed = dataclasses.replace(
        observed,
        revisions={
            one.task_definition: Revision(definition(n, web), Declaration())
            for one, n, web in [(rolling[0], 2, 9000), (rolling[1], 1, 8080)]
        },
    )
    assert ports_of(observed) == {8080, 9000}
    assert ports_of(dataclasses.replace(observed, ours=frozenset())) == set()
    assert ports_of(dataclasses.replace(observed, routes=None)) == {8080, 9000}


def test_a_group_in_which_the_controller_has_registered_targets_is_attached():
    observed = observation([deployment(1)], {1: (WEB,)}, claimed=(WEB,))
    record = dataclasses.replace(observed.record, registered={GROUP: ()})
    found = required_ingress(dataclasses.replace(observed, record=record), SETTINGS).required
    assert [one.is_attached for one in found] == [True]
