"""Events that CloudFormation did not send: whoever may invoke the function changes nothing of anybody's resource."""

import dataclasses
import json

import pytest

from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.custom_resource.protocol import Request
from ecs_lattice.custom_resource.response_hosts import ResponseHosts
from ecs_lattice.custom_resource.serving import CustomResources
from ecs_lattice.errors import DeniedError, ThrottledError, UnknownEventError
from local_aws.clock import ManualClock
from tests.custom_resource.conftest import STACK, Account, Receiver, event, fields

OTHER = STACK.replace("/shop/", "/club/")
REMAINING = 60.0


@pytest.fixture
def live(account: Account) -> tuple[Account, Request, set]:
    """The victim: a resource that was created, and what it has open."""
    group = account.group()
    create = account.request("Create", {"SecurityGroupIds": [group], "Ports": "8080"})
    assert account.resource.apply(create).is_success
    account.stacks.finishes(create)
    return account, create, account.rules(group)


def forged(create: Request, kind: str, **changed) -> Request:
    physical_id = "" if kind == "Create" else create.own_id
    return Request(**{**fields(create), "type": kind, "request_id": "forged", "physical_id": physical_id, **changed})


def unchanged(live: tuple[Account, Request, set]) -> bool:
    account, create, rules = live
    (group,) = create.properties["SecurityGroupIds"]
    required = {one.consumer for one in account.registry.requirements_on(group)}
    return account.rules(group) == rules and required == {create.own_id}


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_of_a_resource_at_rest_nothing_is_changed(live, kind):
    account, create, _ = live
    account.calls.clear()
    answer = account.resource.apply(forged(create, kind, properties={**create.properties, "Ports": "22"}))
    assert not answer.is_success
    assert "CloudFormation does not list this resource" in answer.reason
    assert account.calls == []
    assert unchanged(live)


def test_the_known_request_id_of_the_victim_changes_nothing(live):
    account, create, _ = live
    answer = account.resource.apply(forged(create, "Update", request_id=create.request_id, properties={"Ports": "22"}))
    assert not answer.is_success
    assert unchanged(live)


def test_a_stack_of_ones_own_that_is_in_progress_is_no_way_to_the_victims(live):
    """CloudFormation says that stack ``club`` deletes its own ``Open``: that is all that such a Delete can be."""
    account, create, _ = live
    mine = forged(create, "Delete", stack_id=OTHER)
    account.stacks.sends(mine)
    account.resource.apply(mine)
    assert unchanged(live)
    for claimed in (create.own_id, ""):
        theirs = dataclasses.replace(mine, physical_id=claimed, request_id=f"forged-{claimed}")
        account.stacks.sends(theirs)
        account.resource.apply(theirs)
        assert unchanged(live)


@pytest.mark.parametrize("named", ["shop", STACK.upper(), STACK + "/", ""])
def test_a_stack_is_named_by_its_id_and_by_nothing_else(live, named):
    """DescribeStackResource also takes a name, and says the id in its answer."""
    account, create, _ = live
    account.stacks.sends(forged(create, "Delete"))
    account.stacks.resources[named, "Open"] = account.stacks.resources[STACK, "Open"]
    answer = account.resource.apply(forged(create, "Delete", stack_id=named))
    assert not answer.is_success
    assert unchanged(live)


def test_while_the_victim_is_updated_neither_a_delete_nor_a_create_counts(live):
    account, create, _ = live
    account.stacks.sends(forged(create, "Update"))
    for kind in ("Delete", "Create"):
        assert not account.resource.apply(forged(create, kind)).is_success
        assert unchanged(live)


@pytest.mark.parametrize("error", [
    ThrottledError("DescribeStackResource", "Throttling", "Rate exceeded"),
    DeniedError("DescribeStackResource", "AccessDenied", "not authorized"),
], ids=lambda error: error.code)  # fmt: skip
def test_while_cloudformation_cannot_be_asked_nothing_counts_and_that_is_the_answer(live, receiver, error):
    account, create, _ = live
    delete = forged(create, "Delete")
    account.stacks.sends(delete)
    account.stacks.errors = [error] * 1_000_000
    served(account, receiver).handle(event(delete, receiver.url), 15.2)
    (put,) = receiver.puts
    answer = json.loads(put.body)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", create.own_id)
    assert f"DescribeStackResource: {error.code}" in answer["Reason"]
    assert unchanged(live)


def served(account: Account, receiver: Receiver, hosts: ResponseHosts | None = None) -> CustomResources:
    clock = ManualClock()
    delivery = HttpDelivery(sleep=clock.advance, monotonic=clock.time)
    return CustomResources(account.resource.apply, delivery, hosts or receiver.hosts, "the log")


def test_an_answer_that_was_lost_is_given_to_the_same_request_again(live, receiver):
    """Lambda invokes at least once: CloudFormation still waits, so the repetition finds the resource in progress."""
    account, create, _ = live
    account.stacks.sends(create)
    for _ in range(2):
        served(account, receiver).handle(event(create, receiver.url), REMAINING)
    assert [json.loads(put.body)["Status"] for put in receiver.puts] == ["SUCCESS", "SUCCESS"]
    assert receiver.puts[0].body == receiver.puts[1].body
    assert unchanged(live)


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:{port}/x", "?"])
def test_an_event_with_another_address_does_nothing_at_all(live, receiver, url):
    account, create, _ = live
    delete = forged(create, "Delete")
    account.stacks.sends(delete)  # even now
    reads = account.stacks.reads
    with pytest.raises(UnknownEventError, match="Nothing was done"):
        served(account, receiver, ResponseHosts("us-east-1")).handle(
            event(delete, url.format(port=receiver.port)), REMAINING
        )
    assert receiver.puts == []
    assert account.stacks.reads == reads
    assert unchanged(live)


# The Delete of an id that CloudFormation made because a Create was never answered.


def test_a_create_that_was_given_up_is_undone_by_the_delete_of_the_id_that_cloudformation_made(account):
    group = account.group()
    properties = {"SecurityGroupIds": [group], "Ports": "8080"}
    deleted = []

    def before(call: str) -> None:
        if call == "CreateTags" and not deleted:
            deleted.append(account.resource.apply(account.request("Delete", properties, physical_id="shop-Open-1A2B")))

    account.before = before
    assert not account.resource.apply(account.request("Create", properties)).is_success
    assert [(answer.is_success, answer.physical_id) for answer in deleted] == [(True, "shop-Open-1A2B")]
    assert account.rules(group) == set()
    assert account.registry.requirements_on(group) == ()


@pytest.mark.parametrize("shown", ["ecs-lattice-ingress", "shop-Open-1A2B"])
def test_the_delete_of_an_id_that_an_update_replaced_takes_nothing_from_the_resource(account, shown):
    """A Create that timed out was kept (DisableRollback); its Update is answered with our id, so that CloudFormation deletes the
    old one in UPDATE_COMPLETE_CLEANUP_IN_PROGRESS. It shows the current id of the resource, or the one that it deletes."""
    group = account.group()
    properties = {"SecurityGroupIds": [group], "Ports": "8080"}
    update = account.request("Update", properties, {}, physical_id="shop-Open-1A2B")
    assert account.resource.apply(update).physical_id == update.own_id
    delete = account.request("Delete", properties, physical_id="shop-Open-1A2B")
    if shown == "ecs-lattice-ingress":
        account.stacks.finishes(update)
    answer = account.resource.apply(delete)
    assert (answer.is_success, answer.physical_id) == (True, "shop-Open-1A2B")
    assert len(account.rules(group)) == 2
    assert account.resource.apply(account.request("Delete", properties)).is_success
    assert account.rules(group) == set()
