"""Closed security groups, on a real endpoint: one is opened by nobody's hand; the other is closed by its owner while its tasks
are attached, and told of until somebody opens it."""

import pytest

from local_aws.demo import traffic
from tests.histories.on_call import causes
from tests.world import close_group

LATTICE_LIST = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.vpc-lattice"]}]
FIX = "aws ec2 authorize-security-group-ingress"


class Deployed:
    """An ECS service whose tasks are in a security group of its own that lets nobody in."""

    def __init__(self, operator, name: str, **labels: str) -> None:
        self.operator, self.name = operator, name
        ecs, ec2 = operator.aws.client("ecs"), operator.aws.client("ec2")
        self.group = ec2.create_security_group(GroupName=name, Description="closed")["GroupId"]
        if labels.get("lattice.ingress") == "off":
            self.open()
        ecs.register_task_definition(**_definition(name, labels))
        subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
        network = {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [self.group]}}
        ecs.create_service(
            serviceName=name, taskDefinition=name, desiredCount=1, launchType="FARGATE", networkConfiguration=network
        )

    def open(self) -> None:
        """Add the rule that its owner has to add."""
        ec2 = self.operator.aws.client("ec2")
        lists = ec2.describe_managed_prefix_lists(Filters=LATTICE_LIST)["PrefixLists"]
        sources = [{"PrefixListId": each["PrefixListId"]} for each in lists]
        rule = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "PrefixListIds": sources}
        ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[rule])

    def statuses(self) -> list[str]:
        """Of all targets but those that drain."""
        aws = self.operator.aws
        (service,) = aws.client("ecs").describe_services(services=[self.name])["services"]
        attached = [
            entry["targetGroupArn"]
            for deployment in service["deployments"]
            if deployment["status"] == "PRIMARY"
            for entry in deployment.get("vpcLatticeConfigurations", [])
        ]
        listed = [aws.client("vpc-lattice").list_targets(targetGroupIdentifier=arn)["items"] for arn in attached]
        return [one["status"] for targets in listed for one in targets if one["status"] != "DRAINING"]

    def answers(self) -> bool:
        """Whether a request through VPC Lattice is answered by the container."""
        services = self.operator.aws.client("vpc-lattice").list_services()["items"]
        domains = [item.get("dnsEntry", {}).get("domainName") for item in services if item["name"] == self.name]
        domain = next(iter(domains), None)
        return domain is not None and traffic.get(self.operator.aws.lattice_url, domain, f"/{self.name}")[0] == 200

    def rules(self) -> list[dict]:
        """The inbound rules of its group."""
        of_the_group = [{"Name": "group-id", "Values": [self.group]}]
        found = self.operator.aws.client("ec2").describe_security_group_rules(Filters=of_the_group)
        return [rule for rule in found["SecurityGroupRules"] if not rule["IsEgress"]]

    def mails(self) -> list[tuple[str, str]]:
        """Subject and text of the mails on its route, oldest first."""
        return [
            (each["subject"], each["body"])
            for each in self.operator.inspect("messages")
            if each["protocol"] == "email" and f"default/{self.name}" in each["subject"]
        ]


def _definition(name: str, labels: dict[str, str]) -> dict:
    return {
        "family": name,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [
            {
                "name": "app",
                "image": f"example.com/{name}:1",
                "portMappings": [{"name": "web", "containerPort": 8080}],
                "dockerLabels": {
                    "lattice.service": name,
                    "lattice.port": "web",
                    "lattice.listener": "HTTP:80",
                    "lattice.path.prefix": f"/{name}",
                    "lattice.health.path": "/healthz",
                    **labels,
                },
            }
        ],
    }


@pytest.fixture(scope="module")
def both(operator) -> tuple[Deployed, Deployed]:
    """``payments``, whose labels say that its group is somebody else's business, and ``orders``, which leaves it to us."""
    return Deployed(operator, "payments", **{"lattice.ingress": "off"}), Deployed(operator, "orders")


@pytest.fixture
def left_closed(both) -> Deployed:
    return both[0]


@pytest.fixture
def opened(both) -> Deployed:
    return both[1]


def test_a_closed_group_is_opened_and_the_target_becomes_healthy_with_nobody_touching_it(operator, opened):
    operator.until(lambda: opened.statuses() == ["HEALTHY"], "a healthy target of orders")
    rules = opened.rules()
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in rules} == {("tcp", 8080, 8080)}
    assert all(rule["PrefixListId"].startswith("pl-") for rule in rules)
    assert all({"Key": "ecs-lattice:owner", "Value": "ecs-lattice"} in rule["Tags"] for rule in rules)
    assert any("EcsServiceFunction" in caller for caller in openers(operator))
    operator.until(opened.answers, "an answer of orders")


def test_a_group_left_closed_is_reported_with_the_command_that_fixes_it_and_then_its_recovery(
    operator, left_closed, opened
):
    operator.until(left_closed.answers, "an answer of payments")
    close_group(operator.aws.client("ec2"), left_closed.group)
    operator.until(left_closed.mails, "the message that payments is unhealthy")
    ((subject, mail),) = left_closed.mails()
    assert subject == "ALARM payments/default (default/payments): the security group does not allow VPC Lattice (IPv4)"
    assert causes(mail)[0] == "PREFIX_LIST_RULE_MISSING"
    operator.until(
        lambda: left_closed.statuses() == ["UNHEALTHY"], "an unhealthy target of payments"
    )  # or its successor
    assert left_closed.rules() == []
    command = pasted(mail)
    (listed,) = operator.aws.client("ec2").describe_managed_prefix_lists(Filters=LATTICE_LIST)["PrefixLists"]
    assert f"--group-id {left_closed.group}" in command
    assert f"FromPort=8080,ToPort=8080,PrefixListIds=[{{PrefixListId={listed['PrefixListId']}}}]" in command

    assert openers(operator).count("client") == 1  # its owner, before it was deployed
    operator.paste(command)
    operator.until(lambda: len(left_closed.mails()) > 1, "the message that payments has recovered")
    first, (subject, mail) = left_closed.mails()
    assert " ".join(first[1].split()).startswith("Route default of Lattice service payments has been unhealthy since ")
    assert subject.startswith("OK payments/default (default/payments): recovered after ")
    assert "The most likely cause was PREFIX_LIST_RULE_MISSING." in " ".join(mail.split())
    operator.until(lambda: left_closed.statuses() == ["HEALTHY"], "a healthy target of payments")
    operator.until(left_closed.answers, "an answer of payments")
    assert opened.mails() == []  # it was deployed beside, and as closed


def openers(operator) -> list[str]:
    """Who added inbound rules so far: functions by their names, anybody else as ``client``."""
    calls = operator.inspect("calls")
    return [call["caller"] for call in calls if call["operation"] == "AuthorizeSecurityGroupIngress"]


def pasted(mail: str) -> str:
    """The lines of the command that fixes it, as they are in the mail."""
    lines = mail.splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip().startswith(FIX))
    end = next(number for number, line in enumerate(lines[start:], start) if not line.endswith("\\"))
    return "\n".join(lines[start : end + 1])
