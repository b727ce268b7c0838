"""What each call has to be allowed, by the Service Authorization Reference and the table of side permissions."""

import pytest

from local_aws.iam import reference, side_permissions
from local_aws.iam.requests import UnknownNeedsError, needs_of

TAGS = {"owner": "me"}
LATTICE = "arn:aws:vpc-lattice:us-east-1:123456789012:"
ECS = "arn:aws:ecs:us-east-1:123456789012:"
EC2 = "arn:aws:ec2:us-east-1:123456789012:"
LINKED = f"arn:aws:iam::123456789012:role/aws-service-role/{side_permissions.LATTICE_SERVICE}/{side_permissions.LATTICE_ROLE}"


def asked(service, operation, params, **more):
    return [(need.action, need.resource) for need in needs_of(service, operation, params, **more)]


@pytest.mark.parametrize(
    ("service", "operation", "params", "needs"),
    [
        ("vpc-lattice", "ListServices", {}, [("vpc-lattice:ListServices", "*")]),
        ("vpc-lattice", "GetService", {"serviceIdentifier": "svc-1"}, [("vpc-lattice:GetService", f"{LATTICE}service/svc-1")]),
        (
            "vpc-lattice", "UpdateListener", {"serviceIdentifier": "svc-1", "listenerIdentifier": "listener-1"},
            [("vpc-lattice:UpdateListener", f"{LATTICE}service/svc-1/listener/listener-1")],
        ),
        (
            "vpc-lattice", "CreateRule", {"serviceIdentifier": f"{LATTICE}service/svc-1", "listenerIdentifier": "listener-1"},
            [("vpc-lattice:CreateRule", f"{LATTICE}service/svc-1/listener/listener-1/rule/*")],
        ),
        (
            "vpc-lattice", "BatchUpdateRule",
            {"serviceIdentifier": "svc-1", "listenerIdentifier": "listener-1", "rules": [{"ruleIdentifier": "rule-1"}]},
            [("vpc-lattice:UpdateRule", f"{LATTICE}service/svc-1/listener/listener-1/rule/rule-1")],
        ),
        (
            "vpc-lattice", "CreateServiceNetworkServiceAssociation",
            {"serviceIdentifier": "svc-1", "serviceNetworkIdentifier": f"{LATTICE}servicenetwork/sn-1".replace("123456789012", "9")},
            [
                ("vpc-lattice:CreateServiceNetworkServiceAssociation", f"{LATTICE}service/svc-1"),
                ("vpc-lattice:CreateServiceNetworkServiceAssociation", "arn:aws:vpc-lattice:us-east-1:9:servicenetwork/sn-1"),
                ("vpc-lattice:CreateServiceNetworkServiceAssociation", f"{LATTICE}servicenetworkserviceassociation/*"),
            ],
        ),
        ("vpc-lattice", "GetAuthPolicy", {"resourceIdentifier": "sn-1"}, [("vpc-lattice:GetAuthPolicy", f"{LATTICE}servicenetwork/sn-1")]),
        ("ecs", "ListClusters", {}, [("ecs:ListClusters", "*")]),
        ("ecs", "DescribeServices", {"services": ["web", f"{ECS}service/x/y"]}, [
            ("ecs:DescribeServices", f"{ECS}service/default/web"), ("ecs:DescribeServices", f"{ECS}service/x/y"),
        ]),
        ("ecs", "DescribeServiceRevisions", {"serviceRevisionArns": [f"{ECS}service-revision/prod/web/1"]}, [
            ("ecs:DescribeServiceRevisions", f"{ECS}service/prod/web"),
            ("ecs:DescribeServiceRevisions", f"{ECS}service-revision/prod/web/1"),
        ]),
        ("ecs", "ListTasks", {"cluster": "prod"}, [("ecs:ListTasks", "*")]),
        ("resourcegroupstaggingapi", "GetResources", {}, [("tag:GetResources", "*")]),
        ("ec2", "DescribeSubnets", {}, [("ec2:DescribeSubnets", "*")]),
        ("ec2", "RevokeSecurityGroupIngress", {"GroupId": "sg-1"}, [("ec2:RevokeSecurityGroupIngress", f"{EC2}security-group/sg-1")]),
        ("ec2", "CreateTags", {"Resources": ["sgr-1"], "Tags": []}, [("ec2:CreateTags", f"{EC2}security-group-rule/sgr-1")]),
        ("sqs", "SendMessageBatch", {"QueueUrl": "http://localhost/123456789012/bells.fifo"}, [
            ("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:bells.fifo"),
        ]),
        ("dynamodb", "BatchGetItem", {"RequestItems": {"t": {}}}, [("dynamodb:BatchGetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/t")]),
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, [("dynamodb:Query", "arn:aws:dynamodb:us-east-1:123456789012:table/t/index/i")]),
        ("dynamodb", "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "u"}}]}, [
            ("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:123456789012:table/t"),
            ("dynamodb:ConditionCheckItem", "arn:aws:dynamodb:us-east-1:123456789012:table/u"),
        ]),
        ("cloudwatch", "DescribeAlarms", {"AlarmNamePrefix": "a"}, [("cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*")]),
        ("cloudwatch", "DeleteAlarms", {"AlarmNames": ["a/b"]}, [("cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a/b")]),
        ("events", "PutEvents", {"Entries": [{"Source": "s"}]}, [("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default")]),
        ("cloudformation", "DescribeStacks", {}, [("cloudformation:DescribeStacks", "*")]),
        (
            "cloudformation", "DescribeStacks", {"StackName": "s"},
            [("cloudformation:DescribeStacks", "arn:aws:cloudformation:us-east-1:123456789012:stack/s/*")],
        ),
        ("lambda", "Invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:f")]),
        ("sns", "Publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t"}, [("sns:Publish", "arn:aws:sns:us-east-1:123456789012:t")]),
        ("sts", "GetCallerIdentity", {}, []),
    ],
)  # fmt: skip
def test_a_call_is_authorized_on_its_resources(service, operation, params, needs):
    assert asked(service, operation, params) == needs


@pytest.mark.parametrize(
    ("service", "operation", "params", "beside"),
    [
        ("vpc-lattice", "CreateTargetGroup", {"config": {"vpcIdentifier": "vpc-1"}, "tags": TAGS}, [
            ("ec2:DescribeVpcs", "*"), ("vpc-lattice:TagResource", f"{LATTICE}targetgroup/*"),
        ]),
        ("vpc-lattice", "CreateTargetGroup", {}, []),
        ("vpc-lattice", "RegisterTargets", {"targetGroupIdentifier": "tg-1", "targets": [{"id": "10.0.0.1"}]}, [
            ("ec2:DescribeVpcs", "*"), ("ec2:DescribeSubnets", "*"),
        ]),
        ("vpc-lattice", "RegisterTargets", {"targetGroupIdentifier": "tg-1", "targets": [{"id": "i-1"}]}, [
            ("ec2:DescribeVpcs", "*"), ("ec2:DescribeSubnets", "*"), ("ec2:DescribeInstances", "*"),
        ]),
        ("vpc-lattice", "CreateServiceNetworkVpcAssociation",
         {"serviceNetworkIdentifier": "sn-1", "vpcIdentifier": "vpc-1", "securityGroupIds": ["sg-1"]},
         [("ec2:DescribeVpcs", "*"), ("ec2:DescribeSecurityGroups", "*")]),
        ("vpc-lattice", "CreateServiceNetworkServiceAssociation",
         {"serviceIdentifier": "svc-1", "serviceNetworkIdentifier": "sn-1", "tags": TAGS},
         [("vpc-lattice:TagResource", f"{LATTICE}servicenetworkserviceassociation/*")]),
        ("ec2", "AuthorizeSecurityGroupIngress",
         {"GroupId": "sg-1", "TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": "b"}]}]},
         [("ec2:CreateTags", f"{EC2}security-group-rule/*")]),
        ("cloudwatch", "PutMetricAlarm", {"AlarmName": "a", "Tags": [{"Key": "a", "Value": "b"}]},
         [("cloudwatch:TagResource", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a")]),
        ("cloudwatch", "PutMetricAlarm", {"AlarmName": "a"}, []),
        ("ecs", "UpdateService", {"service": "web", "vpcLatticeConfigurations": []}, []),
        ("ecs", "UpdateService", {"service": "web", "vpcLatticeConfigurations": [
            {"roleArn": "arn:aws:iam::123456789012:role/r"}, {"roleArn": "arn:aws:iam::123456789012:role/r"},
        ]}, [("iam:PassRole", "arn:aws:iam::123456789012:role/r")]),
        ("ecs", "CreateService", {"serviceName": "web", "tags": [{"key": "a", "value": "b"}]},
         [("ecs:TagResource", f"{ECS}service/default/web")]),
    ],
)  # fmt: skip
def test_side_permissions_are_asked_beside_the_call(service, operation, params, beside):
    needs = needs_of(service, operation, params)
    assert [(need.action, need.resource) for need in needs if need.side] == beside
    assert [need.action for need in needs if not need.side][0].endswith(f":{operation}")


def test_the_first_resource_of_vpc_lattice_makes_the_linked_role():
    assert ("iam:CreateServiceLinkedRole", LINKED) in asked("vpc-lattice", "CreateService", {"name": "a"}, first=True)
    assert ("iam:CreateServiceLinkedRole", LINKED) not in asked("vpc-lattice", "CreateService", {"name": "a"})
    assert ("iam:CreateServiceLinkedRole", LINKED) not in asked("vpc-lattice", "ListServices", {}, first=True)


def test_requests_carry_the_condition_keys_of_their_services():
    (create, tag) = needs_of("vpc-lattice", "CreateService", {"name": "a", "authType": "AWS_IAM", "tags": TAGS})
    assert create.context == {
        "aws:requesttag/owner": "me",
        "aws:tagkeys": ("owner",),
        "vpc-lattice:authtype": "AWS_IAM",
    }
    assert tag.context == {"aws:requesttag/owner": "me", "aws:tagkeys": ("owner",)}
    (group, rule, tags) = needs_of("ec2", "AuthorizeSecurityGroupIngress", {
        "GroupId": "sg-1", "TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": [{"Key": "A", "Value": "b"}]}],
    })  # fmt: skip
    assert rule.context == {"aws:requesttag/a": "b", "aws:tagkeys": ("A",)}
    assert group.resource.endswith(":security-group/sg-1")
    assert tags.context["ec2:createaction"] == "AuthorizeSecurityGroupIngress"
    (listed,) = needs_of("ecs", "ListServices", {"cluster": "prod"})
    assert listed.context == {"ecs:cluster": f"{ECS}cluster/prod"}
    (put,) = needs_of("events", "PutEvents", {"Entries": [{"Source": "s", "DetailType": "d"}]})
    assert put.context == {"events:source": "s", "events:detail-type": "d"}
    (update, role) = needs_of(
        "ecs", "UpdateService", {"service": "w", "vpcLatticeConfigurations": [{"roleArn": "arn:aws:iam::1:role/r"}]}
    )
    assert update.context == {"ecs:cluster": f"{ECS}cluster/default", "ecs:enable-vpc-lattice": "true"}
    (emptied,) = needs_of("ecs", "UpdateService", {"service": "w", "vpcLatticeConfigurations": []})
    assert emptied.context["ecs:enable-vpc-lattice"] == "false"
    (other,) = needs_of("ecs", "UpdateService", {"service": "w", "desiredCount": 2})
    assert "ecs:enable-vpc-lattice" not in other.context
    assert role.context == {"iam:passedtoservice": "ecs.amazonaws.com"}


@pytest.mark.parametrize(
    ("service", "operation", "params", "said"),
    [
        ("ecs", "RunTask", {}, "authorized on task-definition"),
        ("dynamodb", "ExecuteStatement", {}, "no action of this name"),
        ("ec2", "CreateTags", {"Resources": ["unheard-1"]}, "'unheard'"),
        ("sns", "Publish", {"TopicArn": "arn:aws:sqs:us-east-1:1:t"}, "is not a resource"),
        ("vpc-lattice", "GetRule", {"serviceIdentifier": "svc-1"}, "ruleIdentifier"),
    ],
)
def test_what_nobody_has_written_is_an_error_and_no_yes(service, operation, params, said):
    with pytest.raises(UnknownNeedsError, match=said):
        needs_of(service, operation, params)


def test_every_side_permission_is_an_action_of_an_operation_and_has_a_source():
    for each in (*side_permissions.TABLE, side_permissions.FIRST):
        assert each.source
        for operation in each.operations:
            assert reference.is_action(f"{each.service}:{operation}"), operation
