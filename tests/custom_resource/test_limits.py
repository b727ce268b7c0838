"""How much one resource may open, and that what was live already stays allowed."""

import json

import pytest

from ecs_lattice.custom_resource.desired import DesiredIngress
from tests.custom_resource.conftest import Account

PORTS_21 = [str(9000 + number) for number in range(21)]  # one rule: a group has room for six
PORTS_20 = PORTS_21[:20]
GROUPS_21 = [f"sg-{number:017x}" for number in range(21)]


def apply(account: Account, kind: str, groups: list[str], ports: object, old: dict | None = None, **more: object):
    properties = {"SecurityGroupIds": groups, "Ports": ports, "AddressFamilies": "IPv4", **more}
    return account.resource.apply(account.request(kind, properties, old))


def of_before(account: Account, groups: list[str], ports: object) -> None:
    """A resource that an earlier version opened, as its registry has it."""
    assert apply(account, "Create", groups, ["443"], AllowDefaultSecurityGroup="true").is_success
    request = account.request("Update", {"SecurityGroupIds": groups, "Ports": ports, "AddressFamilies": "IPv4"})
    key = request.own_id
    text = account.registry.document("custom-resource", key)
    document = {name: json.loads(text)[name] for name in ("properties", "requests", "group_ids")}
    document["properties"]["ports"] = [{"first": int(port), "last": int(port)} for port in ports]
    del document["properties"]["default_allowed"]
    assert account.registry.replace_document("custom-resource", key, text, json.dumps(document))


def default_group(account: Account) -> str:
    found = account.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
    return found["SecurityGroups"][0]["GroupId"]


def test_twenty_of_each_are_allowed(account):
    assert apply(account, "Create", [account.group() for _ in range(20)], "8080").is_success
    assert apply(account, "Update", [account.group()], PORTS_20).is_success


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_more_groups_or_ports_are_refused_together_before_anything_is_done(account, kind):
    account.calls.clear()
    answer = apply(account, kind, GROUPS_21, PORTS_21)
    assert not answer.is_success
    assert (
        "TOO_MANY_VALUES: SecurityGroupIds = '21 values': a resource may have at most 20 security groups."
        in answer.reason
    )
    assert "TOO_MANY_VALUES: Ports = '21 values': a resource may have at most 20 ports and ranges" in answer.reason
    assert account.calls == []
    assert account.registry.document("custom-resource", answer.physical_id) is None


def test_what_an_earlier_version_opened_may_change_elsewhere_and_be_rolled_back_and_deleted(account):
    group = account.group()
    of_before(account, [group], PORTS_21)
    assert apply(account, "Update", [group], PORTS_21, Description="changed").is_success
    assert account.rules(group) == {(group, "IPv4", "9000-9020")}
    assert apply(account, "Update", [group], PORTS_21[:3]).is_success
    assert account.rules(group) == {(group, "IPv4", "9000-9002")}
    assert apply(account, "Update", [group], PORTS_21).is_success, "a rollback"
    assert apply(account, "Update", [account.group(), group], PORTS_21).is_success, "other groups"
    assert not apply(account, "Update", [group], [*PORTS_21[1:], "80"]).is_success, "a new port, and too many"
    assert apply(account, "Delete", [group], PORTS_21).is_success
    assert account.rules(group) == set()
    assert not apply(account, "Create", [group], PORTS_21).is_success, "that is a new one"


def test_what_is_beyond_a_limit_is_reached_in_no_small_steps(account):
    group = account.group()
    assert apply(account, "Create", [group], PORTS_20).is_success
    assert apply(account, "Update", [group], [str(7000 + number) for number in range(20)]).is_success
    assert not apply(account, "Update", [group], [*PORTS_20, "7000"]).is_success


def test_the_default_group_needs_a_word(account):
    group = default_group(account)
    for _ in range(2):  # what was refused once has not been live
        answer = apply(account, "Create", [group], "8080")
        assert not answer.is_success
        assert answer.reason.startswith("INGRESS_DEFAULT_GROUP: ")
        assert f"security group {group} is the default group of its VPC" in answer.reason
        assert "AllowDefaultSecurityGroup to true" in answer.reason
        assert account.rules(group) == set()
    assert apply(account, "Update", [group], "8080", AllowDefaultSecurityGroup="true").is_success
    assert len(account.rules(group)) == 1
    assert apply(account, "Update", [group], "8081", AllowDefaultSecurityGroup="false").is_success, "it was open before"
    assert apply(account, "Delete", [group], "8081").is_success
    assert account.rules(group) == set()


def test_the_default_group_that_an_earlier_version_opened_stays_open(account):
    group = default_group(account)
    assert apply(account, "Create", [group], "443", AllowDefaultSecurityGroup=True).is_success is False
    assert apply(account, "Create", [group], "443", AllowDefaultSecurityGroup="true").is_success
    key = account.request("Update", {}).own_id
    text = account.registry.document("custom-resource", key)
    document = {name: json.loads(text)[name] for name in ("properties", "requests", "group_ids")}
    del document["properties"]["default_allowed"]
    assert account.registry.replace_document("custom-resource", key, text, json.dumps(document))
    assert apply(account, "Update", [group], ["443", "8080"]).is_success
    assert len(account.rules(group)) == 2


def forget(account: Account) -> None:
    """The table was lost, and the requirements were rebuilt from the tags of the rules."""
    key = {"pk": {"S": f"custom-resource#{account.request('Update', {}).own_id}"}, "sk": {"S": "document"}}
    assert "Item" in account.dynamodb.get_item(TableName="registry", Key=key)
    account.dynamodb.delete_item(TableName="registry", Key=key)


def test_after_a_lost_table_what_is_open_may_stay(account):
    group, default = account.group(), default_group(account)
    of_before(account, [group, default], PORTS_21)
    assert apply(account, "Update", [group, default], PORTS_21).is_success
    forget(account)
    assert apply(account, "Update", [group, default], PORTS_21, Description="changed").is_success
    assert account.rules(group, default) == {(one, "IPv4", "9000-9020") for one in (group, default)}
    forget(account)
    assert not apply(account, "Update", [group, default], [*PORTS_21, "80"]).is_success


def test_a_create_that_was_refused_leaves_nothing_that_an_update_could_refer_to(account):
    """With DisableRollback the resource stays, and its next request is an Update."""
    group = account.group()
    assert not apply(account, "Create", [group], PORTS_21).is_success
    assert not apply(account, "Update", [group], PORTS_21).is_success
    assert account.rules(group) == set()


def test_the_record_stays_small_however_often_the_groups_change(account):
    request = account.request("Update", {"SecurityGroupIds": GROUPS_21[:3], "Ports": "80"})
    recorded = DesiredIngress(group_ids=tuple(f"sg-{number:017x}" for number in range(10**6, 10**6 + 1999)))
    after = recorded.after(request, None)
    assert len(after.group_ids) == 2000
    assert after.group_ids[:3] == tuple(GROUPS_21[:3])
