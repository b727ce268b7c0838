"""The registry over DynamoDB: who may write what, and which generation rises when."""

import dataclasses

import boto3
import pytest
from moto import mock_aws

from ecs_lattice.aws.registry import DynamoRegistry
from ecs_lattice.bounds import ITEM
from ecs_lattice.claims import Answer, Claim, LatticeRecord
from ecs_lattice.errors import StackResourceError, TooNewRecordError
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, PortRange
from ecs_lattice.model import Placement, Route, ServiceId

SERVICE = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/orders")
OTHER = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/orders-2")
PLACE = Placement("vpc-1", "IPV4", 8080)


def a_claim(service: ServiceId = SERVICE, name: str = "default", lattice_service: str = "orders", **changes) -> Claim:
    return dataclasses.replace(Claim(service, 1.0, Route(name, lattice_service, "web"), PLACE), **changes)


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="registry",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def registry(client) -> DynamoRegistry:
    return DynamoRegistry(client, "registry")


def test_a_new_claim_is_unapplied_until_it_is_answered(registry):
    record = registry.put_claim(a_claim())
    assert record.is_unapplied
    assert record.answer == Answer("Pending")
    assert (record.answer.code, bool(record.answer.message)) == ("CREATING", True)
    answered = registry.put_answer(record, Answer("Wired", group_arn="tg-1"))
    assert not answered.is_unapplied
    assert answered.is_unacknowledged
    registry.acknowledge(answered)
    assert registry.claims_on("orders") == (dataclasses.replace(answered, acknowledged_generation=1),)


def test_the_same_claim_again_writes_nothing(registry, client):
    registry.put_claim(a_claim())
    before = client.scan(TableName="registry")["Items"]
    assert registry.put_claim(a_claim()).declared_generation == 1
    assert client.scan(TableName="registry")["Items"] == before


def test_an_answer_to_an_older_claim_leaves_the_newer_claim_unapplied(registry):
    old = registry.put_claim(a_claim())
    registry.put_claim(a_claim(serving=True))
    assert registry.put_answer(old, Answer("Wired")).is_unapplied


def test_a_claim_written_later_keeps_the_answer_that_stands(registry):
    registry.put_answer(registry.put_claim(a_claim()), Answer("Live"))
    assert registry.put_claim(a_claim(serving=True)).answer == Answer("Live")


def test_the_same_answer_raises_no_generation_and_a_settled_one_is_not_written(registry):
    record = registry.put_answer(registry.put_claim(a_claim()), Answer("Live"))
    assert registry.put_answer(record, Answer("Live")) is record
    newer = registry.put_claim(a_claim(serving=True))
    assert registry.put_answer(newer, Answer("Live")).answer_generation == record.answer_generation


def test_an_answer_to_a_claim_that_has_gone_makes_no_item(registry, client):
    record = registry.put_claim(a_claim())
    assert registry.delete_claim(record)
    registry.put_answer(record, Answer("Removed"))
    registry.acknowledge(dataclasses.replace(record, answer_generation=3))
    assert registry.claims_on("orders") == ()


def test_a_claim_that_was_declared_again_is_not_deleted(registry):
    record = registry.put_claim(a_claim())
    newer = registry.put_claim(a_claim(serving=True))
    assert not registry.delete_claim(record)
    assert registry.claims_on("orders") == (newer,)
    assert registry.delete_claim(newer)


def test_the_claims_of_a_service_are_found_on_every_lattice_service_and_nobody_elses(registry):
    first = registry.put_claim(a_claim())
    second = registry.put_claim(a_claim(name="admin", lattice_service="backoffice"))
    registry.put_claim(a_claim(service=OTHER))
    assert set(registry.claims_of(SERVICE)) == {first, second}
    assert registry.delete_claim(second)
    assert registry.claims_of(SERVICE) == (first,)
    assert registry.delete_claim(first)
    assert registry.claims_of(SERVICE) == ()


def test_a_record_of_a_newer_schema_is_not_read(registry, client):
    registry.put_claim(a_claim())
    client.update_item(
        TableName="registry",
        Key={"pk": {"S": "lattice#orders"}, "sk": {"S": f"claim#{SERVICE.arn}#default"}},
        UpdateExpression="SET schemaVersion = :new",
        ExpressionAttributeValues={":new": {"N": "99"}},
    )
    with pytest.raises(TooNewRecordError, match="99"):
        registry.claims_on("orders")


def test_a_lattice_record_is_empty_until_written_and_can_be_forgotten(registry):
    assert registry.lattice("orders") == LatticeRecord("orders")
    record = LatticeRecord("orders", "arn:svc", groups=(("a", "arn:a"),), made=(("x", 1.5),))
    registry.put_lattice(record)
    assert registry.lattice("orders") == record
    assert list(registry.lattice_records()) == [record]
    registry.delete_lattice("orders")
    assert registry.lattice("orders") == LatticeRecord("orders")


def test_documents_are_kept_by_kind_and_key(registry, client):
    for number in range(130):
        registry.put_document("seen", f"service-{number}", str(number))
    registry.put_document("ecs", "service-1", "{}", expires_at=1234.5)
    assert registry.document("seen", "service-7") == "7"
    assert registry.document("seen", "nobody") is None
    assert len(registry.documents_of("seen", [f"service-{number}" for number in range(200)])) == 130
    assert list(registry.documents("ecs")) == [("service-1", "{}")]
    item = client.get_item(TableName="registry", Key={"pk": {"S": "ecs#service-1"}, "sk": {"S": "document"}})["Item"]
    assert item["expiresAt"] == {"N": "1234"}
    registry.delete_document("ecs", "service-1")
    assert registry.document("ecs", "service-1") is None


def test_a_limited_set_takes_no_more_members_than_its_limit(registry):
    assert registry.acquire("attaching", "a", 2)
    assert registry.acquire("attaching", "b", 2)
    assert not registry.acquire("attaching", "c", 2)
    assert registry.acquire("attaching", "a", 2)
    registry.release("attaching", "a")
    registry.release("attaching", "nobody")
    assert registry.acquire("attaching", "c", 2)
    assert registry.members("attaching") == {"b", "c"}
    assert registry.members("empty") == frozenset()


def test_errors_of_the_table_are_faults_of_the_stack(client):
    with pytest.raises(StackResourceError):
        DynamoRegistry(client, "nowhere").document("ecs", "x")


def test_the_rules_of_a_group_are_kept_beside_its_requirements(registry):
    ports = [AllowedPorts("IPV4", PortRange(80, 80)), AllowedPorts("IPV4", PortRange(8000, 8010))]
    six = AllowedPorts("IPV6", PortRange(80, 80))
    registry.put_requirement(IngressRequirement("sg-1", "cr", (six,)))
    registry.put_authorized("sg-1", [*ports, six])
    registry.put_authorized("sg-10", ports[:1])
    assert sorted(rule.ports for rule in registry.authorized_on("sg-1")) == sorted([*ports, six])
    assert {(rule.group_id, rule.ports) for rule in registry.authorized()} == {
        *(("sg-1", one) for one in (*ports, six)),
        ("sg-10", ports[0]),
    }
    assert [requirement.consumer for requirement in registry.requirements()] == ["cr"]


def test_a_rule_that_has_been_recorded_again_since_it_was_read_is_not_forgotten(registry):
    ports = AllowedPorts("IPV4", PortRange(80, 80))
    registry.put_authorized("sg-1", [ports])
    (read,) = registry.authorized_on("sg-1")
    registry.put_authorized("sg-1", [ports])
    registry.delete_authorized(read)
    (later,) = registry.authorized_on("sg-1")
    assert (later.ports, later == read) == (ports, False)
    registry.delete_authorized(later)
    registry.delete_authorized(later)
    assert registry.authorized_on("sg-1") == ()


def test_what_a_list_call_finds_again_is_left_out_of_an_item_that_would_be_too_large(registry, client):
    names = tuple((f"group-{number}", f"arn:{'x' * 90}{number}") for number in range(1500))
    timers = tuple((f"timer-{number}", 1.0) for number in range(50))
    registry.put_lattice(LatticeRecord("orders", "arn", groups=names, networks=names, made=timers))
    assert registry.lattice("orders") == LatticeRecord("orders", "arn", made=timers)
    (item,) = client.scan(TableName="registry")["Items"]
    assert len(item["text"]["S"]) < ITEM


def test_an_item_that_is_too_large_all_the_same_is_stored_and_logged(registry, caplog):
    registry.put_document("ecs", "arn", "x" * (ITEM + 1))
    assert len(registry.document("ecs", "arn")) == ITEM + 1
    assert "The registry item ecs#arn document has 100001 bytes" in caplog.text
