"""The account and the registry of the release before this one, and a day of this one's resyncs: everything stays as it was.

A new refusal applies only to what was never live; what is live gets a notice.
"""

import dataclasses
from collections.abc import Iterator

import pytest

from ecs_lattice import codec
from ecs_lattice.diagnosis.incidents import Incident
from local_aws import inprocess
from tests.tenants import before
from tests.tenants.direct import DirectWorld
from tests.tenants.tenants import RESYNC_SECONDS, codes
from tests.tenants.tenants import state as state_of

A_DAY = 24 * 3600


@pytest.fixture
def world() -> Iterator[DirectWorld]:
    """The recorded account, with its registry, under this release."""
    recorded = before.recorded()
    with inprocess.started() as machine:
        restored = DirectWorld(machine, before.SETTINGS_BEFORE)
        items = before.restore(restored, recorded)
        assert before.state(restored) == recorded["state"], "the account was not restored as it was recorded"
        restored.table.items.update({(item["pk"]["S"], item["sk"]["S"]): item for item in items})
        yield restored


def a_day(world: DirectWorld) -> list[str]:
    """A day of resyncs; what differed from the beginning at the end of any of them."""
    then, differing = before.state(world), []
    for number in range(A_DAY // RESYNC_SECONDS):
        world.sweep()
        world.run(RESYNC_SECONDS)
        now = before.state(world)
        differing += [f"resync {number}: {key} {then[key]} became {now[key]}" for key in then if then[key] != now[key]]
        if differing:
            break
    assert world.dead == []
    return differing


def arn(service: before.Service) -> str:
    return f"arn:aws:ecs:us-east-1:123456789012:service/{service.cluster}/{service.name}"


def test_a_day_after_the_upgrade_every_route_port_network_and_setting_is_as_before(world):
    assert a_day(world) == []
    told = {service.name: state_of(world, arn(service)) for service in before.SERVICES if service.name != "many"}
    assert {name for name, state in told.items() if state != "Live"} <= {"crashed"}
    many = next(service for service in before.SERVICES if service.name == "many")
    assert {state_of(world, arn(many), f"r{number}") for number in range(30)} == {"Live"}


def test_what_would_be_refused_now_but_was_live_is_told(world):
    a_day(world)
    told = {service.name: codes(world, arn(service)) for service in before.SERVICES}
    for name in ("unsigned", "invoices", "root", "rest", "many", "checked"):
        assert told[name], f"{name} has no notice: {told}"
    assert "WAITING_FOR_DEPLOYMENT" in told["crashed"]


def test_an_open_incident_is_still_open_and_readable(world):
    text = world.registry.document("incident", "alarm-of-orders")
    a_day(world)
    assert world.registry.document("incident", "alarm-of-orders") == text
    assert codec.loads(Incident, text).notified


def test_after_the_upgrade_a_change_of_labels_is_followed_as_ever(world):
    world.sweep()
    world.run(RESYNC_SECONDS)
    labels = {
        **before.LISTENER,
        "lattice.service": "orders",
        "lattice.path.prefix": "/purchases",
        "lattice.idle-timeout": "120",
    }
    revision = world.register(labels, "orders")
    world.ecs.update_service(cluster="shop", service="orders", taskDefinition=revision)
    world.run(3600)
    assert world.ask("orders", "/purchases").status == 200
    assert world.ask("orders", "/orders").status == 404
    assert world.ask("orders", "/invoices").status == 200


def test_the_record_is_of_an_account_in_which_all_but_the_crashed_service_was_live(world):
    stored = [record for service in before.SERVICES for record in world.registry.claims_of(_id(service))]
    states = {(record.claim.service.name, record.answer.state) for record in stored}
    assert states == {(s.name, "Wired" if s.name == "crashed" else "Live") for s in before.SERVICES}
    assert dataclasses.asdict(world.settings)["sharing"] == "account"


def _id(service: before.Service):
    from ecs_lattice.model import ServiceId

    return ServiceId(arn(service))
