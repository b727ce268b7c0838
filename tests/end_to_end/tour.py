"""One story in which every function does everything it is there for, so that its role is seen to be right in both
directions (decision 32).

What happens seldom is made to happen by an administrator's hand (a rule revoked, a tag stripped, a record lost), never
by calling the application's code: each call is made by the built function, with its role's credentials.
"""

import json

from local_aws import lattice
from tests.end_to_end.administrator import Administrator
from tests.world import close_group

PARAMETERS = {
    "CreateNetwork": "true",
    "Clusters": "default,shop",
    "GraceMinutes": "1",
    "SettleSeconds": "15",
    "DriftHours": "0.25",
    "NetworkAccessLogs": "true",
}
"""Of the stack, beside three VPCs. Clusters are named, so that the condition on them is one."""

_HEALTH = {"health.path": "/healthz", "health.interval": "5", "health.healthy": "2", "health.grace": "0"}
_HTTP = {"port": "web", "listener": "HTTP:80", **_HEALTH}
_WEB = {"web": 8080, "admin": 9090}


def take(admin: Administrator) -> None:
    """The whole story, from the first label to the uninstalled stack."""
    for chapter in (
        _deploys_services_of_every_kind,
        _asks_other_stacks_questions,
        _rings_nonsense,
        _changes_what_is_declared,
        _writes_to_lattice_by_hand,
        _gives_a_lattice_service_to_others,
        _breaks_security_groups,
        _takes_a_route_away,
        _loses_records,
        _reads_why_an_association_failed,
        _asks_what_there_is,
        _throttles_the_probe,
        _hears_alarms_of_every_queue,
        _loses_the_registry,
        _uninstalls,
        _deletes_the_stack,
    ):
        chapter(admin)


def _deploys_services_of_every_kind(admin: Administrator) -> None:
    """HTTP with closed security groups, two listeners with IAM, TLS, tasks registered by the stack, a group left closed."""
    anybody = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
    }
    for name in ("platform", "elsewhere"):
        network = admin.client("vpc-lattice").create_service_network(name=name, authType="AWS_IAM")["id"]
        admin.client("vpc-lattice").put_auth_policy(resourceIdentifier=network, policy=json.dumps(anybody))
    admin.unlink_lattice()  # so that the application makes what counts as the account's first resource of VPC Lattice
    admin.client("ecs").create_cluster(clusterName="shop")
    everybody = admin.group("everybody")
    admin.register("orders", {**_HTTP, "service": "orders", "path.prefix": "/orders"}, _WEB)
    admin.register(
        "payments",
        {**_HTTP, "service": "payments", "listener": "HTTP:80 HTTP:8080", "auth": "iam", "network": "platform"},
        _WEB,
    )
    admin.register(
        "files",
        {"service": "files", "port": "tls", "listener": "TLS_PASSTHROUGH:443", "domain": "files.example.com"},
        {"tls": 8443},
        TLS_PORTS="8443",
    )
    routes = {f"routes.{name}.service": f"worker-{name}" for name in ("a", "b", "c", "d")}
    admin.register("worker", {**_HTTP, "targets": "controller", **routes}, _WEB)
    admin.register("closed", {**_HTTP, "service": "closed", "ingress": "off", "alarm.minutes": "1"}, _WEB)
    admin.register("late", {}, _WEB)
    admin.deploy("orders", admin.group("orders", is_open=False), count=2)
    for name in ("payments", "files", "worker"):
        admin.deploy(name, everybody)
    admin.deploy("closed", admin.group("closed"))
    one_after_the_other = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    admin.deploy("late", everybody, "shop", deploymentConfiguration=one_after_the_other)
    admin.until(lambda: admin.is_live("orders", "payments", "files", "worker", "closed"), "live routes")
    close_group(admin.client("ec2"), admin.groups["closed"])


def _asks_other_stacks_questions(admin: Administrator) -> None:
    """A second installation of the custom resource's users: two resources on one group, and one on that of ``orders``."""
    cloudformation = admin.client("cloudformation")
    shared = admin.group("shared", is_open=False)
    both = {"first": (shared, "8080"), "second": (shared, "8080"), "third": (admin.groups["orders"], "8080")}
    cloudformation.create_stack(StackName="openings", TemplateBody=_openings(both))
    admin.settled("openings")
    moved = {"first": (shared, "8080-8081"), "third": both["third"]}
    cloudformation.update_stack(StackName="openings", TemplateBody=_openings(moved))
    admin.settled("openings")


def _openings(wanted: dict[str, tuple[str, str]]) -> str:
    token = {"Fn::ImportValue": "ecs-lattice-IngressServiceToken"}
    resources = {
        name.capitalize(): {
            "Type": "Custom::LatticeIngress",
            "Properties": {"ServiceToken": token, "SecurityGroupIds": [group], "Ports": ports},
        }
        for name, (group, ports) in wanted.items()
    }
    return json.dumps({"Resources": resources})


def _rings_nonsense(admin: Administrator) -> None:
    """What no retry mends: unknown events, messages that are no requests, requests and modes that do not exist."""
    sqs = admin.client("sqs")
    for queue in ("EcsEventsQueue", "AlarmsQueue"):
        sqs.send_message(QueueUrl=admin.output(queue), MessageBody=json.dumps({"detail-type": "Nobody knows"}))
    for queue in ("EcsServicesQueue", "LatticeServicesQueue"):
        sqs.send_message(
            QueueUrl=admin.output(queue), MessageBody="no bell", MessageGroupId="x", MessageDeduplicationId="x"
        )
    invoke = admin.client("lambda").invoke
    invoke(FunctionName=admin.output("ResyncFunction"), InvocationType="Event", Payload=b'{"mode": "dance"}')
    invoke(FunctionName=admin.output("LatticeIngressFunction"), InvocationType="Event", Payload=b'{"ResponseURL": "?"}')
    garbled = {"pk": {"S": f"incident#alarm#{_an_alarm(admin)}"}, "sk": {"S": "document"}, "text": {"S": "garbled"}}
    admin.client("dynamodb").put_item(TableName=admin.output("RegistryTable"), Item=garbled)
    _ring_alarm(admin, _an_alarm(admin))


def _an_alarm(admin: Administrator) -> str:
    return admin.output("ResyncErrorsAlarm")


def _ring_alarm(admin: Administrator, name: str) -> None:
    admin.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")


def _changes_what_is_declared(admin: Administrator) -> None:
    """Tags and releases: another health check, idle time, listener and network, another port; a service scaled down."""
    lattice_client, ecs = admin.client("vpc-lattice"), admin.client("ecs")
    orders = admin.lattice_service("orders")
    lattice_client.untag_resource(resourceArn=orders, tagKeys=["ecs-lattice:holder"])
    admin.tag("orders", {"health.path": "/livez"})
    admin.tag("payments", {"listener": "HTTP:80", "network": "elsewhere", "idle-timeout": "120"})
    ecs.update_service(service="worker", desiredCount=0)
    admin.register("late", {**_HTTP, "service": "late"}, _WEB, START_SECONDS="100000")
    ecs.update_service(cluster="shop", service="late", taskDefinition="late")
    admin.called("EcsService", "DeregisterTargets", "DescribeServiceRevisions")
    admin.called("LatticeService", "UpdateTargetGroup", "UpdateService", "TagResource")
    admin.called("LatticeService", "DeleteServiceNetworkServiceAssociation")


def _writes_to_lattice_by_hand(admin: Administrator) -> None:
    """Somebody keeps changing a Lattice service: the first change is looked at, the next one has to wait."""
    orders, events_queue = admin.lattice_service("orders"), admin.output("EcsEventsQueue").rpartition("/")[2]

    def waits() -> bool:
        admin.client("vpc-lattice").tag_resource(resourceArn=orders, tags={"by": "hand"})
        return any(
            one.action == "sqs:SendMessage" and one.resource.endswith(f":{events_queue}") and "EcsEvents" in one.role
            for one in list(admin.operator.aws.authorizations)
        )

    admin.until(waits, "a request that waits because one has been made within five minutes")


def _gives_a_lattice_service_to_others(admin: Administrator) -> None:
    """Its holder is a cluster, then an ECS service, of whom no claim is left; then nobody, as before."""
    worker, tag = admin.lattice_service("worker-d"), "ecs-lattice:holder"
    for holder, looked_up in (("cluster/gone", "DescribeClusters"), ("service/default/gone", "DescribeServices")):
        admin.client("vpc-lattice").tag_resource(resourceArn=worker, tags={tag: holder})
        admin.operator.invoke("LatticeService", {"latticeService": "worker-d", "mode": "apply"})
        admin.called("LatticeService", looked_up)
    admin.client("vpc-lattice").untag_resource(resourceArn=worker, tagKeys=[tag])
    admin.operator.invoke("LatticeService", {"latticeService": "worker-d", "mode": "apply"})


def _breaks_security_groups(admin: Administrator) -> None:
    """Rules revoked and tags stripped by hand: the next release of ``orders`` mends its own, the resync all others."""

    def looked_at() -> bool:
        admin.operator.invoke("Resync", {"mode": "sweep"})
        return any(one["pk"]["S"] == "stack#marker" for one in admin.records())

    admin.until(looked_at, "a whole look: before it, the resync takes tags for what the registry has lost")
    admin.mistag("orders")
    labels = {"routes.default.service": "orders", "routes.default.path.prefix": "/orders"}
    labels |= {"routes.admin.port": "admin", "routes.admin.path.prefix": "/admin"}
    admin.register("orders", {**_HTTP, "service": "orders", **labels}, _WEB)
    admin.client("ecs").update_service(service="orders", taskDefinition="orders")

    def released() -> bool:
        admin.mistag("orders")  # once more, lest the resync comes first
        return {"CreateTags", "DeleteTags"} <= admin.calls("EcsService")

    admin.until(released, "the tags mended by the release")
    ec2 = admin.client("ec2")

    def swept() -> bool:
        admin.mistag("shared")
        gone = [rule["SecurityGroupRuleId"] for rule in admin.rules("shared")][:1]
        if gone:
            ec2.revoke_security_group_ingress(GroupId=admin.groups["shared"], SecurityGroupRuleIds=gone)
        admin.operator.invoke("Resync", {"mode": "sweep"})
        return {"AuthorizeSecurityGroupIngress", "CreateTags", "DeleteTags"} <= admin.calls("Resync")

    admin.until(swept, "the rules and tags mended by the resync")


def _takes_a_route_away(admin: Administrator) -> None:
    """A target that somebody registered by hand goes with the group of the route."""
    admin.until(lambda: len(admin.answers("orders")) > 1 and admin.is_live("orders"), "both routes of orders")
    stranger = {"id": "172.31.0.250", "port": 9090}
    group = admin.target_group("orders", "admin")
    made = admin.client("vpc-lattice").register_targets(targetGroupIdentifier=group, targets=[stranger])
    assert made["unsuccessful"] == []
    admin.tag("orders", {"routes.admin.remove": "true"})
    admin.called("LatticeService", "DeregisterTargets", "DeleteRule", "DeleteTargetGroup")


def _loses_records(admin: Administrator) -> None:
    """What the registry knows of Lattice services is gone; plans look for them, and a reconcile finds its own again."""
    admin.operator.invoke("EcsService", {"ecsService": admin.arns["orders"], "mode": "plan"})
    for name, lattice_service, looked_up in (
        ("payments", "payments", "ListServiceNetworks"),
        ("worker", "worker-a", "GetServiceNetwork"),
    ):

        def planned(name: str = name, lattice_service: str = lattice_service, looked_up: str = looked_up) -> bool:
            admin.forget(f"lattice#{lattice_service}", "lattice")
            admin.operator.invoke("EcsService", {"ecsService": admin.arns[name], "mode": "plan"})
            return {"ListServices", looked_up} <= admin.calls("EcsService")

        admin.until(planned, f"{looked_up} for a plan")
        admin.forget(f"lattice#{lattice_service}", "lattice")
        admin.operator.invoke("EcsService", {"ecsService": admin.arns[name], "mode": "apply"})
        admin.operator.invoke("LatticeService", {"latticeService": lattice_service, "mode": "apply"})
    admin.called("LatticeService", "ListTargetGroups", "ListServices")


def _reads_why_an_association_failed(admin: Administrator) -> None:
    """An association in CREATE_FAILED, as VPC Lattice might leave one; then it is as it was."""
    associations = lattice.backend().service_network_service_associations.values()
    failed = next(each for each in associations if each.service.name == "payments")
    failed.status, failed.failure_code = "CREATE_FAILED", "INTERNAL_FAILURE"
    admin.operator.invoke("EcsService", {"ecsService": admin.arns["payments"], "mode": "plan"})
    admin.operator.invoke("LatticeService", {"latticeService": "payments", "mode": "apply"})
    for function in ("EcsService", "LatticeService"):
        admin.called(function, "GetServiceNetworkServiceAssociation")
    failed.status, failed.failure_code = "ACTIVE", None


def _asks_what_there_is(admin: Administrator) -> None:
    """The status of everything and of one ECS service, the history, and what stands in the way."""
    told = admin.operator.invoke("Query", {"mode": "status"})
    assert admin.arns["orders"] in {service["arn"] for service in told["ecsServices"]}
    admin.operator.invoke("Query", {"mode": "status", "ecsService": admin.arns["orders"]})
    assert admin.operator.invoke("Query", {"mode": "history"})["entries"]
    admin.called("Query", "GetItem", "Query", "Scan", "ListTargets")
    explained = admin.operator.invoke("AlarmFunction", {"mode": "explain", "ecsService": admin.arns["orders"]})
    unread = [each for route in explained["routes"] for each in route["unread"]]
    assert explained["isKnown"], explained
    assert explained["routes"], explained
    assert not unread, unread


def _throttles_the_probe(admin: Administrator) -> None:
    """Some targets are not counted in time: their turn comes first in the next minute."""
    lattice.backend().faults.throttle("ListTargets", times=30, retry_after=120)
    admin.called("TargetHealth", "PutItem", "DeleteItem")


def _hears_alarms_of_every_queue(admin: Administrator) -> None:
    for name in ("", "EcsEvents", "EcsServices", "LatticeServices", "Alarms"):
        _ring_alarm(admin, admin.output(f"{name}DeadLettersAlarm"))
    admin.called("AlarmFunction", "GetQueueUrl", "ListTargets")


def _loses_the_registry(admin: Administrator) -> None:
    """A service leaves while the table is empty: the resync takes up what its tags find."""
    admin.forget("")
    admin.client("ecs").delete_service(service="files", force=True)

    def rebuilt() -> bool:
        admin.forget("stack#marker")
        admin.forget("lattice#files")
        for _ in range(2):
            admin.operator.invoke("Resync", {"mode": "sweep"})
        return "UpdateItem" in admin.calls("Resync")

    admin.until(rebuilt, "a claim written by the resync")
    admin.called("LatticeService", "DeleteListener")


def _uninstalls(admin: Administrator) -> None:
    """Everything is given back; at last an alarm that came while nobody looked."""
    admin.operator.invoke("Resync", {"mode": "approve-removals"})
    admin.client("cloudformation").delete_stack(StackName="openings")
    # The route is live again once it has been rebuilt, and only then it has an alarm.
    admin.until(lambda: bool(admin.alarms("orders/default")), "the alarm of the rebuilt route")
    (alarm,) = admin.alarms("orders/default")

    def is_released() -> bool:
        return not any(admin.operator.invoke("Resync", {"mode": "uninstall"})["left"].values())

    def is_deleted() -> bool:
        admin.client("cloudwatch").put_metric_alarm(**alarm)
        return is_released() and "DeleteAlarms" in admin.calls("Resync")

    admin.until(is_released, "nothing to be left")
    admin.until(is_deleted, "the alarm to be deleted by the resync, which the probe may forestall")


def _deletes_the_stack(admin: Administrator) -> None:
    """What the stack retains goes with it after an uninstall."""
    admin.client("cloudformation").delete_stack(StackName="ecs-lattice")
    admin.called("Resync", "DeleteTable")
