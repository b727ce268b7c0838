"""Live means that requests arrive: service networks that are missing, nobody's, or no longer associated."""

import dataclasses
from contextlib import contextmanager

import pytest

from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.aws.networks import BotoNetworks
from ecs_lattice.claims import LatticeRecord
from ecs_lattice.errors import DeniedError
from ecs_lattice.lattice_side.auth_policies import PolicySweep
from ecs_lattice.lattice_side.network_sweep import NetworkSweep, seen_networks
from ecs_lattice.model import ServiceId
from local_aws import lattice
from local_aws.services import events
from tests import world as worlds
from tests.health.making import a_record
from tests.histories.labels import LABELS, hooked_up
from tests.lattice_side.stage import SETTINGS


@pytest.fixture
def no_default():
    with worlds.started(default_networks=()) as started:
        yield started


def status(world, arn):
    (route,) = world.ecs_side.status(ServiceId(arn))
    return route


def use(world, **settings):
    """An update of the stack's parameters."""
    world.build(dataclasses.replace(world.settings, **settings))


@contextmanager
def announcements():
    """The codes of the route events that are sent inside the block."""
    sent = []
    events().subscribe(lambda event: sent.append(event) if event["source"] == "ecs-lattice" else None)
    yield sent


def test_without_any_service_network_a_route_is_refused_everywhere_it_is_told(no_default):
    world = no_default
    with announcements() as sent:
        arn = hooked_up(world)
    told = status(world, arn)
    assert (told.state, told.code) == ("Refused", "NETWORK_MISSING")
    assert "lattice.network = " in told.message
    assert "DefaultNetworks" in told.message
    assert world.registry.claims_of(ServiceId(arn)) == ()
    assert world._all("list_services") == []
    assert [problem.code for problem in world.ecs_side.plan(ServiceId(arn)).problems] == ["NETWORK_MISSING"]
    assert [(event["detail"]["state"], event["detail"]["code"]) for event in sent] == [("Refused", "NETWORK_MISSING")]


def test_a_missing_network_is_told_before_the_first_deployment_completes(no_default):
    world = no_default
    arn = world.deploy(world.register(LABELS, environment={"START_SECONDS": "300"}))
    world.run(120)
    assert status(world, arn).code == "NETWORK_MISSING"


@pytest.mark.parametrize("fix", ["label", "parameter"])
def test_a_missing_network_is_fixed_by_a_label_or_by_the_parameter(no_default, fix):
    world = no_default
    arn = hooked_up(world)
    if fix == "label":
        new = world.register({**LABELS, "lattice.network": "platform"})
        world.ecs.update_service(cluster="shop", service=arn, taskDefinition=new)
    else:
        use(world, default_networks=("platform",))
        world.sweep()
    world.run(1500)
    assert (status(world, arn).state, status(world, arn).code) == ("Live", "")
    assert world.ask("orders", "/orders").status == 200


def test_another_ecs_services_network_is_enough_for_the_lattice_service(no_default):
    world = no_default
    named = {**LABELS, "lattice.network": "platform", "lattice.path.prefix": "/named"}
    hooked_up(world, named, name="named")
    other = hooked_up(world, name="other")
    assert (status(world, other).state, status(world, other).code) == ("Live", "")
    assert world.ask("orders", "/orders").status == 200


def test_what_is_live_stays_with_its_association_when_its_network_goes_and_is_told(world):
    arn = hooked_up(world)
    use(world, default_networks=())
    world.sweep()
    world.run(3000)
    assert status(world, arn).state == "Live"
    assert world.ask("orders", "/orders").status == 200
    assert [association["status"] for association in associations(world)] == ["ACTIVE"]
    assert "keeps its last association" in notices(world, arn)["NETWORK_MISSING"]


def test_what_was_live_without_a_network_stays_live_and_is_told(world):
    arn = hooked_up(world)
    use(world, default_networks=())
    (association,) = associations(world)
    world.lattice.delete_service_network_service_association(
        serviceNetworkServiceAssociationIdentifier=association["id"]
    )
    world.run(60)
    world.sweep()
    with world.counting() as written:
        world.run(3600)
    assert written == []
    assert status(world, arn).state == "Live"
    assert "nobody can reach it" in notices(world, arn)["NETWORK_MISSING"]
    new = world.register({**LABELS, "lattice.path.prefix": "/v2"})
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=new)
    world.run(1200)
    assert world.claims(arn) == {"orders/default": "Live"}, "what was live is still changed"


def test_an_association_that_somebody_else_made_counts(world):
    arn = hooked_up(world)
    use(world, default_networks=())
    (association,) = associations(world)
    world.lattice.untag_resource(resourceArn=association["arn"], tagKeys=["ecs-lattice:owner"])
    world.sweep()
    world.run(1200)
    assert notices(world, arn) == {}
    other = {**LABELS, "lattice.path.prefix": "/other"}
    assert status(world, hooked_up(world, other, name="other")).state == "Live"


def test_a_route_that_was_never_live_is_refused_on_a_lattice_service_that_nobody_can_reach(world):
    arn = hooked_up(world)
    use(world, default_networks=())
    world.sweep()
    world.run(60)
    (association,) = associations(world)
    world.lattice.delete_service_network_service_association(
        serviceNetworkServiceAssociationIdentifier=association["id"]
    )
    other = hooked_up(world, {**LABELS, "lattice.path.prefix": "/other"}, name="other")
    assert (status(world, other).state, status(world, other).code) == ("Refused", "NETWORK_MISSING")
    assert status(world, arn).state == "Live"


def test_a_network_without_a_vpc_is_told_by_the_next_sweep_and_so_is_its_end(world):
    arn = hooked_up(world)
    world.sweep()
    assert notices(world, arn) == {}
    network = without_vpc(world)
    world.sweep()
    assert "--service-network-identifier arn:" in notices(world, arn)["NETWORK_UNATTACHED"]
    world.associate_vpc(network)
    world.run(60)
    world.sweep()
    assert notices(world, arn) == {}
    with world.counting() as written:
        world.run(3600)
        world.sweep()
    assert written == []


def without_vpc(world):
    """Take the VPC off the service network; the network's id."""
    network = world._all("list_service_networks")[0]["id"]
    for association in world._all("list_service_network_vpc_associations", serviceNetworkIdentifier=network):
        world.lattice.delete_service_network_vpc_association(serviceNetworkVpcAssociationIdentifier=association["id"])
    world.run(120)
    return network


def test_a_vpc_endpoint_is_enough(world):
    arn = hooked_up(world)
    network = without_vpc(world)
    lattice.backend().vpc_endpoint_associations[network] = [{"id": "e", "vpcEndpointId": "vpce-1", "state": "ACTIVE"}]
    world.sweep()
    assert notices(world, arn) == {}


def test_a_network_that_cannot_be_read_is_unknown(world, monkeypatch):
    arn = hooked_up(world)
    without_vpc(world)

    def denied(*_):
        raise DeniedError("ListServiceNetworkVpcAssociations", "AccessDeniedException", "no")

    monkeypatch.setattr(BotoNetworks, "is_attached", denied)
    world.sweep()
    assert notices(world, arn) == {}


def test_a_network_of_another_account_is_unknown():
    class Foreign:
        def is_attached(self, _arn):
            raise AssertionError("what is listed of another account's network says nothing")

        def policy(self, _arn):
            raise AssertionError("another account's policy is not ours to read")

        def services(self, _arn):
            return frozenset({"svc-1"})

    registry, theirs = Documents(), "arn:aws:vpc-lattice:us-east-1:999999999999:servicenetwork/sn-1"
    record = LatticeRecord(
        "orders", "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-1", networks=(("theirs", theirs),)
    )
    assert NetworkSweep(Foreign(), registry).sweep([record], len) == 0
    assert seen_networks(registry, [theirs])[theirs].attached is None
    assert registry.texts


class Documents:
    """The registry's documents of one kind."""

    def __init__(self):
        self.texts = {}

    def documents(self, _kind):
        return iter(self.texts.items())

    def documents_of(self, _kind, keys):
        return {key: self.texts[key] for key in keys if key in self.texts}

    def put_document(self, _kind, key, text):
        self.texts[key] = text

    def delete_document(self, _kind, key):
        del self.texts[key]


def test_requests_that_were_not_sent_are_sent_by_the_next_sweep_and_a_network_of_nobody_is_forgotten():
    class Networks:
        def is_attached(self, _arn):
            return False

        def policy(self, _arn):
            return False, None

        def services(self, _arn):
            return frozenset({"svc-1"})

    def crash(_names):
        raise RuntimeError

    registry, sent = Documents(), []
    arn = "arn:aws:vpc-lattice:us-east-1:123456789012:servicenetwork/sn-1"
    record = LatticeRecord(
        "orders", "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-1", networks=(("platform", arn),)
    )
    sweep = NetworkSweep(Networks(), registry).sweep
    with pytest.raises(RuntimeError):
        sweep([record], crash)
    for _ in range(3):
        sweep([record], lambda names: sent.append(names) or len(names))
    assert sent == [["orders"]]
    sweep([], len)
    assert registry.texts == {}


def test_a_deleted_association_is_made_anew_after_the_next_sweep(world):
    hooked_up(world)
    world.sweep()
    (association,) = associations(world)
    world.lattice.delete_service_network_service_association(
        serviceNetworkServiceAssociationIdentifier=association["id"]
    )
    world.run(60)
    assert associations(world) == []
    world.sweep()
    world.run(60)
    assert [each["status"] for each in associations(world)] == ["ACTIVE"]
    assert world.ask("orders", "/orders").status == 200


def notices(world, arn):
    """The notices of the one route of an ECS service, by code."""
    return {notice.code: notice.message for notice in status(world, arn).notices}


def associations(world):
    return world._all("list_service_network_service_associations", serviceIdentifier=the_service(world)["id"])


def the_service(world):
    (service,) = world._all("list_services")
    return service


IAM = {**LABELS, "lattice.auth": "iam"}
NOBODY = '{"Statement": []}'
SOMEBODY = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}'


def live_with_iam(world):
    arn = hooked_up(world, IAM)
    world.sweep()
    assert (status(world, arn).state, notices(world, arn)) == ("Live", {})
    return arn


def is_cut_off(world, arn):
    (record,) = world.registry.claims_of(ServiceId(arn))
    return record.answer.is_cut_off


@pytest.mark.parametrize("policy", [None, NOBODY])
def test_an_auth_policy_that_is_deleted_or_emptied_by_hand_is_put_back_after_the_next_sweep(world, policy):
    live_with_iam(world)
    service = the_service(world)["id"]
    before = world.lattice.get_auth_policy(resourceIdentifier=service)["policy"]
    for _ in range(3):  # however often within the day
        if policy:
            world.lattice.put_auth_policy(resourceIdentifier=service, policy=policy)
        else:
            world.lattice.delete_auth_policy(resourceIdentifier=service)
        world.sweep()
        world.run(60)
        assert world.lattice.get_auth_policy(resourceIdentifier=service)["policy"] == before
        world.sweep()
    with world.counting() as written:
        world.run(3600)
    assert written == []


def test_a_policy_that_cannot_be_put_back_counts_as_impaired_until_somebody_mends_it(world, monkeypatch):
    def denied(*_):
        raise DeniedError("PutAuthPolicy", "AccessDeniedException", "no")

    arn = live_with_iam(world)
    service = the_service(world)["id"]
    world.lattice.delete_auth_policy(resourceIdentifier=service)
    monkeypatch.setattr(BotoLattice, "put_policy", denied)
    world.sweep()
    world.run(60)
    assert "denies every request" in notices(world, arn)["AUTH_ALLOWS_NOBODY"]
    assert is_cut_off(world, arn)
    world.lattice.put_auth_policy(resourceIdentifier=service, policy=SOMEBODY)
    world.sweep()
    world.run(60)
    assert (notices(world, arn), is_cut_off(world, arn)) == ({}, False)


def test_a_service_network_whose_policy_allows_nobody_is_told_until_it_allows_somebody(world):
    arn = hooked_up(world)
    world.sweep()
    network = world._all("list_service_networks")[0]["id"]
    world.lattice.update_service_network(serviceNetworkIdentifier=network, authType="AWS_IAM")
    world.sweep()
    assert status(world, arn).state == "Live"
    assert "--resource-identifier arn:" in notices(world, arn)["NETWORK_ALLOWS_NOBODY"]
    assert is_cut_off(world, arn)
    world.lattice.put_auth_policy(resourceIdentifier=network, policy=SOMEBODY)
    world.sweep()
    assert (notices(world, arn), is_cut_off(world, arn)) == ({}, False)


@pytest.mark.parametrize("where", ["service", "network"])
def test_a_policy_that_cannot_be_read_is_unknown(world, monkeypatch, where):
    def denied(_client, arn):
        raise DeniedError("GetAuthPolicy", "AccessDeniedException", "no")

    arn = live_with_iam(world)
    network = world._all("list_service_networks")[0]["id"]
    if where == "service":
        world.lattice.delete_auth_policy(resourceIdentifier=the_service(world)["id"])
    else:
        world.lattice.update_service_network(serviceNetworkIdentifier=network, authType="AWS_IAM")
    monkeypatch.setattr("ecs_lattice.aws.networks.auth_policy", denied)
    with world.counting() as written:
        for _ in range(3):
            world.sweep()
            world.run(900)
    assert (notices(world, arn), written) == ({}, [])


class Policies:
    """Auth policies by ARN, and what was asked for."""

    def __init__(self):
        self.asked = []

    def auth_policy(self, arn):
        self.asked.append(arn)


def lattice_record(number, **more):
    return LatticeRecord(f"s{number:03}", f"arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-{number}", **more)


def policy_sweep(now=0.0, **settings):
    policies = Policies()
    return policies, PolicySweep(policies, dataclasses.replace(SETTINGS, **settings), lambda: now)


def test_a_sweep_reads_the_policies_of_a_hundred_and_those_of_others_in_the_next():
    records = [lattice_record(number, granted=(("auth", "AWS_IAM"),)) for number in range(250)]
    claims = {record.name: [a_record(auth="AWS_IAM", lattice_service=record.name)] for record in records}
    asked = set()
    for sweep in range(3):
        policies, sweeper = policy_sweep(900.0 * sweep)
        assert all(sweeper.contradictions(records, claims).values())
        assert len(policies.asked) == 100
        asked |= set(policies.asked)
    assert len(asked) == 250


@pytest.mark.parametrize(
    ("claim", "granted", "minimum", "is_read"),
    [
        (a_record(), (), "none", False),
        (a_record(auth="AWS_IAM"), (), "none", False),  # asked for by one who has no say, or not by all
        (a_record(), (("auth", "AWS_IAM"),), "none", True),
        (a_record(), (), "iam", True),
        (a_record("Wired", auth="AWS_IAM"), (), "iam", False),
    ],
)
def test_the_policy_is_read_only_where_iam_is_required_and_requests_come(claim, granted, minimum, is_read):
    policies, sweeper = policy_sweep(minimum_auth=minimum)
    sweeper.contradictions([lattice_record(1, granted=granted)], {"s001": [claim]})
    assert bool(policies.asked) is is_read


def test_what_stays_contradictory_is_looked_at_at_doubling_distance(world, monkeypatch):
    live_with_iam(world)
    world.sweep()
    monkeypatch.setattr("ecs_lattice.lattice_side.auth_policies.has_allow", lambda _policy: False)
    began, looked = world.clock.time(), []
    for _ in range(24):  # six hours
        before = len(world.outcomes)
        world.sweep()
        looked += [world.clock.time() - began for one in world.outcomes[before:] if one[0] == "lattice"]
        world.run(900)
    assert len(looked) <= 7, looked
