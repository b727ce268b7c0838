"""The adapters of the alarm function: announcements, the topic, its queue, dead letters, incidents, and its reads."""

import dataclasses
import json
from datetime import datetime

import boto3
import pytest

from ecs_lattice.aws.announcer import EventBridgeAnnouncer
from ecs_lattice.aws.evidence import BotoSources
from ecs_lattice.aws.queues import SqsDeadLetters, SqsQueue
from ecs_lattice.aws.topic import SnsTopic
from ecs_lattice.errors import DeniedError, NotFoundError, UnavailableError
from ecs_lattice.messages import alarms
from ecs_lattice.messages.alarms import RouteStateChange
from ecs_lattice.messages.announcements import StateChange
from ecs_lattice.model import ServiceId
from local_aws.delivery import topics
from tests.histories.labels import LABELS, hooked_up

ARN = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


def a_change(number=0):
    return StateChange(ARN, f"r{number}", "orders", "Refused", "CODE", "why", "Live", "")


class Events:
    """EventBridge's PutEvents."""

    def __init__(self, failed=0):
        self.calls, self.failed = [], failed

    def put_events(self, **request):
        self.calls.append(request["Entries"])
        entries = [{"ErrorCode": "InternalFailure", "ErrorMessage": "no"}] * self.failed
        return {"FailedEntryCount": self.failed, "Entries": entries}


def test_an_announcement_is_a_request_to_look_and_tells_others_what_has_changed_to_the_millisecond():
    events = Events()
    EventBridgeAnnouncer(events, "stack", lambda: 1795416243.118).announce([a_change()])
    ((entry,),) = events.calls
    event = {
        "detail-type": entry["DetailType"], "source": entry["Source"], "resources": entry["Resources"],
        "detail": json.loads(entry["Detail"]), "time": "2026-11-23T06:44:03Z",
    }  # fmt: skip
    assert alarms.parse_event(event) == RouteStateChange(ServiceId(ARN), "stack")
    assert event["detail"] == {
        "ecsService": ARN, "route": "r0", "latticeService": "orders", "state": "Refused", "code": "CODE", "message": "why",
        "previousState": "Live", "previousCode": "", "owner": "stack", "at": "2026-11-23T06:44:03.118+00:00",
    }  # fmt: skip
    assert entry["Resources"] == [ARN]
    assert isinstance(entry["Time"], datetime)


def test_announcements_go_by_tens_and_one_that_was_not_taken_is_an_error():
    events = Events()
    EventBridgeAnnouncer(events, "stack", lambda: 0.0).announce([a_change(n) for n in range(23)])
    assert [len(call) for call in events.calls] == [10, 10, 3]
    with pytest.raises(UnavailableError, match="InternalFailure: no"):
        EventBridgeAnnouncer(Events(failed=1), "stack", lambda: 0.0).announce([a_change()])


def test_the_default_bus_takes_an_announcement(world):
    EventBridgeAnnouncer(boto3.client("events"), "stack", world.clock.time).announce([a_change()])


def test_mail_gets_the_text_and_chats_the_json(world):
    sns = boto3.client("sns")
    arn = sns.create_topic(Name="notify")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="someone@example.com")
    sns.subscribe(TopicArn=arn, Protocol="https", Endpoint="https://chat.example.com/x")
    SnsTopic(sns, arn).publish("Subject", "text", '{"version":"1.0"}')
    by_protocol = {each.protocol: each for each in topics.deliveries()}
    assert (by_protocol["email"].subject, by_protocol["email"].body) == ("Subject", "text")
    body = json.loads(by_protocol["https"].body)
    assert json.loads(body.get("Message", by_protocol["https"].body)) == {"version": "1.0"}
    with pytest.raises(NotFoundError, match="Publish"):
        SnsTopic(sns, arn + "x").publish("s", "t", "{}")


def test_a_message_to_oneself_is_delayed_by_no_more_than_sqs_allows():
    sent = []

    class Client:
        def send_message(self, **request):
            sent.append(request)

    SqsQueue(Client(), "url").send_later("body", 5000)
    SqsQueue(Client(), "url").send_later("body", -1)
    assert [request["DelaySeconds"] for request in sent] == [900, 0]


@pytest.mark.parametrize("fifo", [False, True])
def test_a_look_into_dead_letters_leaves_them_there(world, fifo):
    sqs = boto3.client("sqs")
    name = "dead.fifo" if fifo else "dead"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]
    if fifo:
        sqs.send_message(QueueUrl=url, MessageBody="body", MessageGroupId="g", MessageDeduplicationId="d")
    else:
        SqsDeadLetters(sqs, url, "ecs_events").put("body", "no sense", 0.0)
    box = SqsDeadLetters(sqs, url, "alarm")
    for _ in range(2):
        sample = box.sample(name)
        assert sample.url == url
        assert [letter.body for letter in sample.messages] == ["body"]
    if not fifo:
        assert dict(sample.messages[0].attributes)["reason"] == "no sense"
    with pytest.raises(NotFoundError):
        box.sample("nowhere")


def test_a_document_is_replaced_only_if_nobody_was_faster(world):
    replace = world.registry.replace_document
    assert replace("incident", "k", None, "1", expires_at=9.0)
    assert not replace("incident", "k", None, "2", expires_at=9.0)
    assert not replace("incident", "k", "0", "2", expires_at=9.0)
    assert replace("incident", "k", "1", "2", expires_at=9.0)
    assert world.registry.document("incident", "k") == "2"
    assert not replace("incident", "other", "1", "2", expires_at=9.0)
    assert world.registry.document("incident", "other") is None


def test_what_a_diagnosis_reads_is_what_there_is(world):
    arn = hooked_up(world)
    sources = BotoSources(world.ecs, world.ec2, world.lattice)
    service = sources.service(ServiceId(arn))
    (entry,) = service.primary.entries
    group = sources.group(entry.group_arn)
    assert (group.port, group.protocol, group.protocol_version, group.family) == (8080, "HTTP", "HTTP1", "IPV4")
    assert group.health.path == "/healthz"
    assert group.vpc_id == sources.vpc_id(service.subnets)
    assert len(group.service_arns) == 1
    targets = sources.targets(entry.group_arn)
    assert {target.status for target in targets if target.status != "DRAINING"} == {"HEALTHY"}
    tasks = sources.tasks(ServiceId(arn))
    running = {task.address for task in tasks if task.is_running}
    assert running == {target.id for target in targets if target.status == "HEALTHY"}
    stopped = [task for task in tasks if task.is_stopped]
    assert {task.stop_code for task in stopped} == {"ServiceSchedulerInitiated"}
    assert all(task.stopped_at for task in stopped)
    definition = sources.task_definition(service.primary.task_definition)
    assert [(c.name, c.ports[0].name) for c in definition.containers] == [("app", "web")]
    assert (definition.memory, definition.containers[0].memory) == (512, 256)
    assert any("has reached a steady state" in message for message in service.messages)


def test_what_is_not_there_is_none(world):
    sources = BotoSources(world.ecs, world.ec2, world.lattice)
    assert sources.service(ServiceId(ARN)) is None
    assert sources.service(ServiceId(ARN.replace("/shop/", "/nowhere/"))) is None
    assert sources.group("arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-0123456789abcdef0") is None


def test_logs_exec_and_health_commands_of_a_task_definition_are_read(world):
    answer = world.ecs.register_task_definition(
        family="x",
        containerDefinitions=[
            {
                "name": "app", "image": "i", "memory": 64,
                "portMappings": [{"containerPort": 80, "name": "web", "appProtocol": "http2"}],
                "healthCheck": {"command": ["CMD-SHELL", "true"]},
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/x"}},
            },
            {"name": "side", "image": "i", "memory": 64, "logConfiguration": {"logDriver": "splunk", "options": {}}},
        ],
    )  # fmt: skip
    app, side = (
        BotoSources(world.ecs, world.ec2, world.lattice)
        .task_definition(answer["taskDefinition"]["taskDefinitionArn"])
        .containers
    )
    assert (app.log_group, side.log_group) == ("/ecs/x", "")
    assert (app.health_command, app.ports[0].app_protocol) == (("CMD-SHELL", "true"), "http2")


def test_a_read_that_fails_is_said_and_the_others_are_made(world):
    from ecs_lattice.aws.security_groups import BotoSecurityGroups
    from ecs_lattice.diagnosis.collect import Collector
    from ecs_lattice.diagnosis.subjects import RouteSubject

    arn = hooked_up(world, LABELS)
    sources = BotoSources(world.ecs, world.ec2, world.lattice)
    collector = Collector(
        sources, BotoSecurityGroups(world.ec2, "ecs-lattice"), world.registry, world.clock.time, "lattice", 30.0
    )
    subject = RouteSubject("orders", ServiceId(arn), "default")
    whole = collector.collect(subject)
    assert (whole.unread, whole.is_live, whole.route.port_name) == ((), True, "web")
    assert whole.security.ids == (world.open_group,)
    assert len(whole.security.inbound.rules) == 2

    class Blind(BotoSources):
        def targets(self, group_arn):
            raise DeniedError("ListTargets", "AccessDeniedException", "not you")

    blind = Blind(world.ecs, world.ec2, world.lattice)
    part = dataclasses.replace(collector, sources=blind).collect(subject)
    assert part.targets is None
    assert [(unread.part, unread.why) for unread in part.unread] == [
        ("targets", "ListTargets: AccessDeniedException: not you")
    ]
    assert part.group == whole.group

    class WithoutSubnets(BotoSources):
        def vpc_id(self, subnet_ids):
            raise DeniedError("DescribeSubnets", "UnauthorizedOperation", "not you")

    sources = WithoutSubnets(world.ecs, world.ec2, world.lattice)
    part = dataclasses.replace(collector, sources=sources).collect(subject)
    assert ([unread.part for unread in part.unread], part.vpc_id) == (["subnets"], "")
    assert (part.service.status, part.security) == ("ACTIVE", whole.security)
    gone = collector.collect(RouteSubject("nowhere", ServiceId(ARN + "x"), "default"))
    assert (gone.unread, gone.route, gone.service, gone.targets) == ((), None, None, None)


def test_the_events_of_one_call_fit_it_whatever_their_messages_are():
    events = Events()
    changes = [dataclasses.replace(a_change(n), message="\x01" * 100_000) for n in range(10)]
    EventBridgeAnnouncer(events, "stack", lambda: 0.0).announce(changes)
    (entries,) = events.calls
    assert sum(len(entry["Detail"]) for entry in entries) < 256_000
