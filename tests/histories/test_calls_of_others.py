"""What somebody changes in VPC Lattice by hand is noticed by the account's trail within minutes; what is our own is not."""

import boto3
import pytest

from ecs_lattice.messages.ecs import parse_event
from local_aws import services
from tests.histories.labels import LABELS, hooked_up
from tests.world import template_patterns

OWN_ROLE = "arn:aws:iam::123456789012:role/LatticeServiceFunctionRole"
A_FEW_MINUTES = 180
"""To repair a network association VPC Lattice needs a minute, after which the reconcile looks again."""


@pytest.fixture
def watched(world):
    """An account with a trail, in which the application calls VPC Lattice with the role of its function."""
    services.current().has_trail = True
    keys = boto3.client("sts").assume_role(RoleArn=OWN_ROLE, RoleSessionName="function")["Credentials"]
    world.clients.lattice = boto3.client(
        "vpc-lattice",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    world.build()
    return world


def calls(world) -> list[dict]:
    """The calls to VPC Lattice that the trail has recorded."""
    return [event for event in services.events().history if event["source"] == "aws.vpc-lattice"]


def arrives(event: dict) -> bool:
    return any(pattern.matches_event(event) for pattern in template_patterns())


def requests(world) -> int:
    return len([one for one in world.outcomes if one[0] == "lattice"])


def ids(world) -> dict[str, str]:
    service = world._all("list_services")[0]["id"]
    listener = world._all("list_listeners", serviceIdentifier=service)[0]["id"]
    parameters = {"serviceIdentifier": service, "listenerIdentifier": listener}
    (rule,) = [one["id"] for one in world._all("list_rules", **parameters) if not one["isDefault"]]
    return {**parameters, "ruleIdentifier": rule}


def edit_the_match(world) -> None:
    match = {"httpMatch": {"pathMatch": {"match": {"prefix": "/elsewhere"}}}}
    world.lattice.update_rule(**ids(world), match=match)


def delete_the_rule(world) -> None:
    world.lattice.delete_rule(**ids(world))


def delete_the_listener(world) -> None:
    world.lattice.delete_listener(**{k: v for k, v in ids(world).items() if k != "ruleIdentifier"})


def delete_the_association(world) -> None:
    service = ids(world)["serviceIdentifier"]
    (found,) = world._all("list_service_network_service_associations", serviceIdentifier=service)
    world.lattice.delete_service_network_service_association(serviceNetworkServiceAssociationIdentifier=found["arn"])


def delete_the_policy(world) -> None:
    world.lattice.delete_auth_policy(resourceIdentifier=ids(world)["serviceIdentifier"])


CHANGES = [edit_the_match, delete_the_rule, delete_the_listener, delete_the_association, delete_the_policy]


def what_is_there(world) -> tuple:
    """The Lattice service as its clients find it."""
    service = world._all("list_services")[0]["id"]
    listeners = world._all("list_listeners", serviceIdentifier=service)
    parts = {"serviceIdentifier": service}
    rules = [
        world.lattice.get_rule(
            **parts, listenerIdentifier=one["id"], ruleIdentifier=rule["id"]
        ).get("match")
        for one in listeners
        for rule in world._all("list_rules", **parts, listenerIdentifier=one["id"])
    ]  # fmt: skip
    associated = [
        one["serviceNetworkArn"]
        for one in world._all("list_service_network_service_associations", serviceIdentifier=service)
        if one["status"] == "ACTIVE"
    ]
    policy = world.lattice.get_auth_policy(resourceIdentifier=service).get("policy")
    return [one["port"] for one in listeners], rules, associated, policy


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_changes_by_hand_is_put_right_within_minutes(watched, change):
    hooked_up(watched, {**LABELS, "lattice.auth": "iam"})
    watched.run(600)
    before = what_is_there(watched)
    change(watched)
    watched.run(A_FEW_MINUTES)
    assert what_is_there(watched) == before
    settled = requests(watched)
    watched.run(3600)
    assert requests(watched) == settled


def test_nothing_of_our_own_comes_back(watched):
    hooked_up(watched)
    watched.run(900)
    own = [one for one in calls(watched) if one["detail"]["userIdentity"]["type"] == "AssumedRole"]
    assert {"CreateService", "CreateTargetGroup", "CreateRule", "UpdateRule"} <= {
        one["detail"]["eventName"] for one in own
    }
    of_ecs = [one for one in calls(watched) if one["detail"]["sourceIPAddress"] == "ecs.amazonaws.com"]
    assert of_ecs
    assert not any(map(arrives, [*own, *of_ecs]))
    assert list(watched.registry.documents("drift")) == []


def test_what_belongs_to_others_and_what_failed_requests_nothing(watched):
    hooked_up(watched)
    watched.run(900)
    before = requests(watched)
    theirs = watched.lattice.create_service(name="theirs")["id"]
    watched.run(60)
    watched.lattice.update_service(serviceIdentifier=theirs, authType="AWS_IAM")
    with pytest.raises(watched.lattice.exceptions.ResourceNotFoundException):
        watched.lattice.delete_rule(**{**ids(watched), "ruleIdentifier": "rule-0123456789abcdef0"})
    watched.run(600)
    failed = [one for one in calls(watched) if one["detail"].get("errorCode")]
    assert failed
    assert not any(map(arrives, failed))
    assert parse_event(failed[-1], 0.0).lattice_ids == frozenset()
    assert requests(watched) == before


def test_however_often_somebody_writes_a_lattice_service_is_looked_at_once_in_five_minutes(watched):
    hooked_up(watched)
    watched.run(900)
    before = requests(watched)
    service = ids(watched)["serviceIdentifier"]
    for _ in range(60):
        watched.lattice.tag_resource(
            resourceArn=watched.lattice.get_service(serviceIdentifier=service)["arn"], tags={"a": "b"}
        )
        watched.run(10)
    watched.run(300)
    assert 2 <= requests(watched) - before <= 3
    edit_the_match(watched)  # the last one counts, too: it waits for its time
    watched.run(300)
    assert watched.ask("orders", "/orders").status == 200
