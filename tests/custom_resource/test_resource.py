"""The life cycle of custom resources over real rules: every order, overlap and repetition that CloudFormation and Lambda allow."""

import pytest
from botocore.exceptions import ClientError

from ecs_lattice.errors import DeniedError, ThrottledError
from tests.custom_resource.conftest import OWNER, STACK, Account

WEB = [("IPv4", "8080-8080"), ("IPv6", "8080-8080")]


def of(group: str, *openings: tuple[str, str]) -> set[tuple[str, str, str]]:
    return {(group, *opening) for opening in openings}


def refuse(account: Account, call: str, code: str) -> None:
    """Make EC2 reject one kind of call from now on."""

    def before(name: str) -> None:
        if name == call:
            raise ClientError({"Error": {"Code": code, "Message": f"not for you to {call}"}}, name)

    account.before = before


def test_create_opens_every_group_and_returns_the_rules(account):
    one, two = account.group(), account.group()
    answer = account.resource.apply(account.request("Create", {"SecurityGroupIds": [one, two], "Ports": "8080"}))
    assert answer.is_success, answer.reason
    assert account.rules(one, two) == of(one, *WEB) | of(two, *WEB)
    rules = account.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [one, two]}])
    inbound = {rule["SecurityGroupRuleId"]: rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]}
    assert answer.data["RuleIds"] == ",".join(sorted(inbound))
    assert answer.data["RuleCount"] == "4"
    lists = {rule["PrefixListId"] for rule in inbound.values()}
    assert set(answer.data["PrefixListIds"].split(",")) == lists
    assert {answer.data["PrefixListIdIPv4"], answer.data["PrefixListIdIPv6"]} == lists
    for rule in inbound.values():
        assert {"Key": "ecs-lattice:owner", "Value": OWNER} in rule["Tags"]
        assert rule["Description"] == "VPC Lattice, for Open of shop"


def test_only_the_given_family_is_opened_with_the_given_description(account):
    group = account.group()
    properties = {"SecurityGroupIds": group, "Ports": ["80"], "AddressFamilies": "IPv4", "Description": "web (blue)"}
    assert account.resource.apply(account.request("Create", properties)).is_success
    assert account.rules(group) == of(group, ("IPv4", "80-80"))
    found = account.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    assert {r["Description"] for r in found["SecurityGroupRules"] if not r["IsEgress"]} == {"web (blue)"}


def test_a_repeated_create_adds_nothing(account):
    group = account.group()
    request = account.request("Create", {"SecurityGroupIds": [group], "Ports": "8080"})
    first = account.resource.apply(request)
    account.calls.clear()
    assert account.resource.apply(request) == first
    assert [call for call in account.calls if not call.startswith("Describe")] == []


def test_an_update_opens_the_new_before_it_closes_the_old(account):
    one, two = account.group(), account.group()
    old = {"SecurityGroupIds": [one], "Ports": "8080"}
    created = account.resource.apply(account.request("Create", old))
    account.calls.clear()
    updated = account.resource.apply(account.request("Update", {"SecurityGroupIds": [two], "Ports": "9090"}, old))
    assert updated.is_success
    assert updated.physical_id == created.physical_id
    assert account.rules(one, two) == of(two, ("IPv4", "9090-9090"), ("IPv6", "9090-9090"))
    writes = [call for call in account.calls if not call.startswith(("Describe", "CreateTags"))]
    assert writes == ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]


def test_delete_revokes_its_rules_and_may_be_repeated(account):
    group = account.group()
    properties = {"SecurityGroupIds": [group], "Ports": "8080"}
    account.resource.apply(account.request("Create", properties))
    request = account.request("Delete", properties)
    for _ in range(2):
        assert account.resource.apply(request).is_success
        assert account.rules(group) == set()


def test_what_another_resource_still_requires_stays_until_that_is_deleted_too(account):
    group = account.group()
    for name, ports in (("Open", "8080"), ("Other", ["8080", "8443"])):
        request = account.request("Create", {"SecurityGroupIds": [group], "Ports": ports}, logical_id=name)
        assert account.resource.apply(request).is_success
    account.resource.apply(account.request("Delete", {"SecurityGroupIds": [group], "Ports": "8080"}))
    assert ("IPv4", "8080-8080") in {rule[1:] for rule in account.rules(group)}
    account.resource.apply(account.request("Delete", {"SecurityGroupIds": [group]}, logical_id="Other"))
    assert account.rules(group) == set()


def test_an_equal_foreign_rule_is_reported_and_never_revoked(account):
    group = account.group()
    lists = account.ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.vpc-lattice"]}]
    )
    (theirs,) = account.ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 8080,
                "ToPort": 8080,
                "PrefixListIds": [{"PrefixListId": lists["PrefixLists"][0]["PrefixListId"]}],
            }
        ],
    )["SecurityGroupRules"]
    properties = {"SecurityGroupIds": [group], "Ports": "8080", "AddressFamilies": "IPv4"}
    created = account.resource.apply(account.request("Create", properties))
    assert created.data["RuleIds"] == theirs["SecurityGroupRuleId"]
    assert account.resource.apply(account.request("Delete", properties)).is_success
    assert account.rules(group) == of(group, ("IPv4", "8080-8080"))


def test_wrong_properties_change_nothing_and_are_reported_together(account):
    group = account.group()
    old = {"SecurityGroupIds": [group], "Ports": "8080"}
    account.resource.apply(account.request("Create", old))
    account.calls.clear()
    answer = account.resource.apply(account.request("Update", {"SecurityGroups": [group], "Ports": "http"}, old))
    assert not answer.is_success
    assert answer.reason.startswith("3 problems. (1) UNKNOWN_PROPERTY: SecurityGroups")
    assert "MISSING_PROPERTY: SecurityGroupIds" in answer.reason or "SecurityGroupIds" in answer.reason
    assert "BAD_PROPERTY: Ports = 'http'" in answer.reason
    assert account.calls == []
    # CloudFormation rolls back by an update to the old properties, and later deletes.
    assert account.resource.apply(account.request("Update", old, {"SecurityGroups": [group]})).is_success
    assert account.rules(group) == of(group, *WEB)


def test_the_delete_after_a_create_with_wrong_properties_succeeds(account):
    group = account.group()
    wrong = {"SecurityGroupIds": [group, "web"], "Ports": "0"}
    failed = account.resource.apply(account.request("Create", wrong))
    assert not failed.is_success
    deleted = account.resource.apply(account.request("Delete", wrong, physical_id=failed.physical_id))
    assert deleted.is_success
    assert account.rules(group) == set()


def test_a_group_that_does_not_exist_fails_the_create_by_name_and_not_the_delete(account):
    group = account.group()
    properties = {"SecurityGroupIds": [group, "sg-0badbadbadbadbad0"], "Ports": "8080"}
    failed = account.resource.apply(account.request("Create", properties))
    assert not failed.is_success
    assert "INGRESS_NO_GROUP" in failed.reason
    assert "sg-0badbadbadbadbad0" in failed.reason
    assert account.resource.apply(account.request("Delete", properties)).is_success
    assert account.rules(group) == set()


def test_an_update_that_cannot_open_everything_closes_nothing(account):
    one, two = account.group(), account.group()
    old = {"SecurityGroupIds": [one], "Ports": "8080"}
    account.resource.apply(account.request("Create", old))
    new = {"SecurityGroupIds": [two, "sg-0badbadbadbadbad0"], "Ports": "8080"}
    assert not account.resource.apply(account.request("Update", new, old)).is_success
    assert account.rules(one, two) == of(one, *WEB) | of(two, *WEB)
    assert account.resource.apply(account.request("Update", old, new)).is_success
    assert account.rules(one, two) == of(one, *WEB)


def test_a_partial_update_is_rolled_back(account):
    one, two = account.group(), account.group()
    old = {"SecurityGroupIds": [one], "Ports": "8080"}
    account.resource.apply(account.request("Create", old))
    refuse(account, "RevokeSecurityGroupIngress", "UnauthorizedOperation")
    new = {"SecurityGroupIds": [two], "Ports": "9090"}
    with pytest.raises(DeniedError):
        account.resource.apply(account.request("Update", new, old))
    assert of(one, *WEB) < account.rules(one, two)
    account.before = lambda _call: None
    assert account.resource.apply(account.request("Update", old, new)).is_success
    assert account.rules(one, two) == of(one, *WEB)


def test_a_delete_after_a_rollback_that_never_came_finds_every_group_ever_asked_for(account):
    one, two = account.group(), account.group()
    old = {"SecurityGroupIds": [one], "Ports": "8080"}
    account.resource.apply(account.request("Create", old))
    refuse(account, "RevokeSecurityGroupIngress", "UnauthorizedOperation")
    with pytest.raises(DeniedError):
        account.resource.apply(account.request("Update", {"SecurityGroupIds": [two], "Ports": "9090"}, old))
    account.before = lambda _call: None
    assert account.resource.apply(account.request("Delete", old)).is_success
    assert account.rules(one, two) == set()
    assert account.registry.requirements_on(one) == account.registry.requirements_on(two) == ()


@pytest.mark.parametrize("physical_id", ["", "shop-Open-1A2B3C", "ecs-lattice-ingress-0123456789abcdef"])
def test_an_id_that_the_resource_does_not_have_is_deleted_without_touching_anything(account, physical_id):
    group = account.group()
    properties = {"SecurityGroupIds": [group], "Ports": "8080"}
    create = account.request("Create", properties)
    account.resource.apply(create)
    account.calls.clear()
    request = account.request("Delete", properties, physical_id=physical_id)
    account.stacks.finishes(create)
    answer = account.resource.apply(request)
    assert answer.is_success
    assert answer.physical_id
    assert account.calls == []
    assert account.rules(group) == of(group, *WEB)


def test_a_delete_that_overlaps_its_create_wins(account):
    group = account.group()
    properties = {"SecurityGroupIds": [group], "Ports": "8080"}
    deleted = []

    def before(call: str) -> None:
        if call == "AuthorizeSecurityGroupIngress" and not deleted:
            deleted.append(account.resource.apply(account.request("Delete", properties)))

    account.before = before
    created = account.resource.apply(account.request("Create", properties))
    assert [answer.is_success for answer in deleted] == [True]
    assert not created.is_success
    assert "newer request" in created.reason
    assert account.rules(group) == set()
    assert account.registry.requirements_on(group) == ()


def test_an_update_that_its_rollback_supersedes_applies_the_rollback(account):
    group = account.group()
    old, new = ({"SecurityGroupIds": [group], "Ports": ports} for ports in ("8080", "9090"))
    account.resource.apply(account.request("Create", old))
    rolled_back = []

    def before(call: str) -> None:
        if call == "RevokeSecurityGroupIngress" and not rolled_back:
            rolled_back.append(None)
            rolled_back[0] = account.resource.apply(account.request("Update", old, new))

    account.before = before
    assert not account.resource.apply(account.request("Update", new, old)).is_success
    assert rolled_back[0].is_success
    assert account.rules(group) == of(group, *WEB)


def test_of_two_requests_in_the_same_instant_neither_is_lost(account):
    one, two = account.group(), account.group()
    properties = {"SecurityGroupIds": [one], "Ports": "8080"}
    overtaking = account.request("Update", {"SecurityGroupIds": [two], "Ports": "8080"}, properties)
    left, answers = [overtaking], []

    def before(model, **_):
        if model.name == "PutItem" and left:
            account.stacks.sends(left[0])
            answers.append(account.resource.apply(left.pop()))

    account.dynamodb.meta.events.register("before-call.dynamodb", before)
    answers.append(account.resource.apply(account.request("Create", properties)))
    assert [answer.is_success for answer in answers] == [True, True]
    # The one that was written later is the newer one, and it knows of the other's groups.
    assert account.rules(one, two) == of(one, *WEB)
    assert account.resource.apply(account.request("Delete", properties)).is_success
    assert account.rules(one, two) == set()


def test_a_create_that_lambda_repeats_after_its_delete_opens_nothing(account):
    group = account.group()
    properties = {"SecurityGroupIds": [group], "Ports": "8080"}
    create = account.request("Create", properties)
    account.resource.apply(create)
    account.resource.apply(account.request("Delete", properties))
    account.calls.clear()
    assert not account.resource.apply(create).is_success
    assert account.calls == []
    assert account.rules(group) == set()


def test_a_resource_that_is_created_again_under_its_old_name_is_opened_again(account):
    group = account.group()
    properties = {"SecurityGroupIds": [group], "Ports": "8080"}
    account.resource.apply(account.request("Create", properties))
    delete = account.request("Delete", properties)
    account.resource.apply(delete)
    assert account.resource.apply(account.request("Create", properties)).is_success
    assert not account.resource.apply(delete).is_success  # repeated by Lambda, long superseded
    assert account.rules(group) == of(group, *WEB)


def test_resources_of_two_stacks_with_one_name_do_not_know_each_other(account):
    group = account.group()
    other = STACK.replace("/shop/", "/club/")
    properties = {"SecurityGroupIds": [group], "Ports": "8080"}
    first = account.resource.apply(account.request("Create", properties))
    second = account.resource.apply(account.request("Create", properties, stack_id=other))
    assert first.physical_id != second.physical_id
    account.resource.apply(account.request("Delete", properties, stack_id=other))
    assert account.rules(group) == of(group, *WEB)


def test_a_throttled_call_is_retried_after_a_bounded_wait(account):
    group = account.group()
    left = [2]

    def before(call: str) -> None:
        if call == "AuthorizeSecurityGroupIngress" and left[0]:
            left[0] -= 1
            raise ClientError({"Error": {"Code": "RequestLimitExceeded", "Message": "slowly"}}, call)

    account.before = before
    begun = account.clock.time()
    assert account.resource.apply(account.request("Create", {"SecurityGroupIds": [group], "Ports": "80"})).is_success
    assert account.clock.time() - begun == 10
    left[0] = 100
    with pytest.raises(ThrottledError):
        account.resource.apply(account.request("Create", {"SecurityGroupIds": [group], "Ports": "81"}))
    assert left[0] == 96


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"type": "Replace"}, "UNKNOWN_REQUEST: RequestType = 'Replace'"),
        ({"resource_type": "Custom::Other"}, "UNKNOWN_TYPE: Type = 'Custom::Other'"),
        ({"stack_id": "", "request_id": ""}, "INCOMPLETE_REQUEST: the request lacks RequestId, StackId."),
    ],
)
def test_a_request_that_is_not_for_this_resource_is_rejected_by_name(account, changed, said):
    from tests.custom_resource.conftest import Request, fields

    good = account.request("Create", {"SecurityGroupIds": [account.group()], "Ports": "80"})
    account.calls.clear()
    answer = account.resource.apply(Request(**{**fields(good), **changed}))
    assert not answer.is_success
    assert said in answer.reason
    assert account.calls == []
