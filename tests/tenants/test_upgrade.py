"""The account and the registry of a release before this one, and a day of this one's resyncs: everything stays as it was.

A new refusal applies only to what was never live; what is live gets a notice.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ecs_lattice import codec
from ecs_lattice.diagnosis.incidents import Incident
from local_aws import inprocess
from tests.tenants import before
from tests.tenants.direct import DirectWorld
from tests.tenants.tenants import RESYNC_SECONDS, codes
from tests.tenants.tenants import state as state_of

A_DAY = 24 * 3600


TENANTS, RESTLESS = before.ACCOUNTS


@contextmanager
def restored(account: before.Account) -> Iterator[DirectWorld]:
    """The recorded account, with its registry, under this release."""
    recorded = before.recorded(account)
    with inprocess.started() as machine:
        world = DirectWorld(machine, account.settings)
        items = before.restore(world, account, recorded)
        assert before.state(world, account) == recorded["state"], "the account was not restored as it was recorded"
        world.table.items.update({(item["pk"]["S"], item["sk"]["S"]): item for item in items})
        yield world


@pytest.fixture
def world() -> Iterator[DirectWorld]:
    with restored(TENANTS) as world:
        yield world


@pytest.fixture
def restless() -> Iterator[DirectWorld]:
    with restored(RESTLESS) as world:
        yield world


def a_day(world: DirectWorld, account: before.Account) -> list[str]:
    """A day of resyncs; what differed from the beginning at the end of any of them."""
    then, differing = before.state(world, account), []
    for number in range(A_DAY // RESYNC_SECONDS):
        world.sweep()
        world.run(RESYNC_SECONDS)
        now = before.state(world, account)
        differing += [f"resync {number}: {key} {then[key]} became {now[key]}" for key in then if then[key] != now[key]]
        if differing:
            break
    assert world.dead == []
    return differing


def arn(service: before.Service) -> str:
    return f"arn:aws:ecs:us-east-1:123456789012:service/{service.cluster}/{service.name}"


def test_a_day_after_the_upgrade_everything_is_as_before_and_what_would_be_refused_now_is_told(world):
    text = world.registry.document("incident", "alarm-of-orders")
    assert a_day(world, TENANTS) == []
    states = {service.name: state_of(world, arn(service)) for service in TENANTS.services if service.name != "many"}
    assert {name for name, state in states.items() if state != "Live"} <= {"crashed"}
    many = next(service for service in TENANTS.services if service.name == "many")
    assert {state_of(world, arn(many), f"r{number}") for number in range(30)} == {"Live"}
    told = {service.name: codes(world, arn(service)) for service in TENANTS.services}
    # No VPC is associated with the networks of the recorded account.
    assert {name for name, found in told.items() if "NETWORK_UNATTACHED" not in found} == {"crashed"}
    told = {name: found - {"NETWORK_UNATTACHED"} for name, found in told.items()}
    expected = {
        "orders": set(), "signed": set(), "controlled": set(),
        "invoices": {"SETTING_FOLLOWS"}, "unsigned": {"SETTING_FOLLOWS"},
        "root": {"SHADOWED", "NETWORK_FOLLOWS"}, "rest": {"SHADOWED"},
        "many": {"TOO_MANY_ROUTES"}, "crashed": {"WAITING_FOR_DEPLOYMENT"},
    }  # fmt: skip
    assert {name: wanted - told[name] for name, wanted in expected.items() if wanted - told[name]} == {}
    assert {name: told[name] for name, wanted in expected.items() if told[name] and not wanted} == {}
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


def test_a_day_after_the_upgrade_what_was_live_is_live_however_it_came_to_be(restless):
    assert a_day(restless, RESTLESS) == []
    assert {state_of(restless, arn(service)) for service in RESTLESS.live} == {"Live"}


def test_the_record_is_of_an_account_in_which_all_but_the_crashed_service_was_live(world):
    stored = [record for service in TENANTS.services for record in world.registry.claims_of(_id(service))]
    states = {(record.claim.service.name, record.answer.state) for record in stored}
    assert states == {(s.name, "Wired" if s.name == "crashed" else "Live") for s in TENANTS.services}
    assert dataclasses.asdict(world.settings)["sharing"] == "account"


def _id(service: before.Service):
    from ecs_lattice.model import ServiceId

    return ServiceId(arn(service))
