"""SNS of the local AWS: what is refused, what each subscriber gets, and that nothing leaves the machine."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws import inprocess, stack
from local_aws.delivery.topics import deliveries
from local_aws.monitoring import dashboards

ALLOW = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
    ]
}


@pytest.fixture
def machine():
    with inprocess.started() as started:
        stack.install()
        yield started


@pytest.fixture
def sns(machine):
    return boto3.client("sns")


@pytest.fixture
def topic(sns):
    return sns.create_topic(Name="notify")["TopicArn"]


class Receiver:
    """A real HTTP server on loopback that keeps what it gets and answers as it is told."""

    def __init__(self):
        self.requests = []
        self.answers = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body.decode()))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook?a=b"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def outcomes():
    return [(d.protocol, d.body if d.protocol == "email" else None, d.outcome) for d in deliveries()]


def test_each_protocol_gets_its_own_text_and_the_others_the_default(sns, topic):
    for protocol, endpoint in (
        ("email", "on-call@example.com"),
        ("email-json", "robot@example.com"),
        ("https", "https://hooks.example.com/chat"),
    ):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    texts = {"default": "anything", "email": "Dear reader,\nthe route is down.", "https": '{"version":"1.0"}'}
    sent = sns.publish(TopicArn=topic, Message=json.dumps(texts), MessageStructure="json", Subject="A route is down")
    mail, robot, chat = deliveries()
    assert (mail.protocol, mail.endpoint, mail.subject) == ("email", "on-call@example.com", "A route is down")
    assert mail.body == texts["email"]
    assert json.loads(robot.body)["Message"] == "anything"
    assert json.loads(chat.body)["Message"] == texts["https"]
    assert {one.message_id for one in deliveries()} == {sent["MessageId"]}
    assert {one.outcome for one in deliveries()} == {"recorded"}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"Subject": "two\nlines"}, "Subject"),
        ({"Subject": "x" * 101}, "Subject"),
        ({"Subject": "bell \x07"}, "Subject"),
        ({"Message": "x" * 262_145}, "Message too long"),
        ({"Message": "é" * 131_073}, "Message too long"),
        ({"Message": "x" * 262_100, "MessageAttributes": {"a" * 100: {"DataType": "String", "StringValue": "b"}}}, "too long"),
        ({"Message": "no json", "MessageStructure": "json"}, "JSON message body failed to parse"),
        ({"Message": '["default"]', "MessageStructure": "json"}, "JSON message body failed to parse"),
        ({"Message": '{"email": "x"}', "MessageStructure": "json"}, "No default entry in JSON message body"),
        ({"Message": '{"default": 1}', "MessageStructure": "json"}, "No default entry in JSON message body"),
        ({"MessageStructure": "xml"}, "MessageStructure"),
    ],
)  # fmt: skip
def test_a_message_that_sns_refuses_is_refused_and_reaches_nobody(sns, topic, message, words):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    with pytest.raises(ClientError, match=words) as refused:
        sns.publish(TopicArn=topic, **{"Message": "text", **message})
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    assert deliveries() == ()


def test_what_is_just_allowed_is_delivered(sns, topic):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    sns.publish(TopicArn=topic, Message="x" * 262_144, Subject="y" * 100)
    assert (len(deliveries()[0].body), len(deliveries()[0].subject)) == (262_144, 100)


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("https", "http://example.com"),
        ("email", "nobody"),
        ("email", "@example.com"),
        ("lambda", "worker"),
        ("pigeon", "a"),
    ],
)
def test_an_endpoint_that_does_not_fit_its_protocol_is_refused(sns, topic, protocol, endpoint):
    with pytest.raises(ClientError, match="InvalidParameter"):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)


def test_an_endpoint_on_loopback_is_really_posted_to(sns, topic, receiver):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    sns.publish(TopicArn=topic, Message="hello", Subject="hi")
    [(path, headers, body)] = receiver.requests
    assert path == "/hook?a=b"
    assert headers["x-amz-sns-message-type"] == "Notification"
    assert headers["x-amz-sns-topic-arn"] == topic
    document = json.loads(body)
    assert (document["Type"], document["Message"], document["Subject"]) == ("Notification", "hello", "hi")
    assert document["Timestamp"] == "2026-11-23T09:00:00.000Z"
    assert [one.outcome for one in deliveries()] == ["delivered"]


def test_raw_delivery_posts_the_text_alone(sns, topic, receiver):
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes=raw)
    sns.publish(TopicArn=topic, Message='{"version": "1.0"}')
    [(_, headers, body)] = receiver.requests
    assert (body, headers["x-amz-sns-rawdelivery"]) == ('{"version": "1.0"}', "true")


def test_an_endpoint_that_fails_for_a_while_is_tried_again_on_the_clock(machine, sns, topic, receiver):
    receiver.answers = [503, 500, 200]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    sns.publish(TopicArn=topic, Message="hello")
    assert (len(receiver.requests), deliveries()) == (1, ())
    machine.clock.advance(40)
    assert (len(receiver.requests), outcomes()) == (3, [("http", None, "delivered")])


@pytest.mark.parametrize(("answers", "tries"), [([503] * 9, 4), ([404] * 9, 1), ([429, 200], 2)])
def test_tries_end_and_a_client_error_is_not_tried_again(machine, sns, topic, receiver, answers, tries):
    receiver.answers = list(answers)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    sns.publish(TopicArn=topic, Message="hello")
    machine.clock.advance(600)
    assert len(receiver.requests) == tries
    [one] = deliveries()
    assert one.outcome == ("delivered" if answers[-1] == 200 else f"failed: the endpoint answered {answers[-1]}")


def test_an_endpoint_where_nobody_listens_does_not_fail_the_publisher(machine, sns, topic):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/")
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    machine.clock.advance(600)
    assert deliveries()[0].outcome.startswith("failed: ConnectionRefusedError")


def test_a_queue_gets_messages_if_its_policy_lets_sns_in(sns, topic):
    sqs = boto3.client("sqs")
    arns = {}
    for name in ("open", "closed"):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arns[name] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns[name])
    sqs.set_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName="open")["QueueUrl"], Attributes={"Policy": json.dumps(ALLOW)}
    )
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["open"].replace("open", "gone"))
    sns.publish(TopicArn=topic, Message='{"default": "d", "sqs": "for queues"}', MessageStructure="json", Subject="s")
    got = sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName="open")["QueueUrl"])["Messages"]
    assert [json.loads(message["Body"])["Message"] for message in got] == ["for queues"]
    assert "Messages" not in sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName="closed")["QueueUrl"])
    assert [one.outcome.partition(":")[0] for one in deliveries()] == ["delivered", "failed", "failed"]


def test_a_filter_policy_keeps_a_message_from_a_subscriber(sns, topic):
    policy = {"FilterPolicy": json.dumps({"kind": ["alarm"]})}
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com", Attributes=policy)
    for kind in ("alarm", "news"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=kind, MessageAttributes=attributes)
    assert [one.body for one in deliveries()] == ["alarm"]


ALARM = {
    "AlarmName": "dead-letters",
    "AlarmDescription": "Something lies in the dead-letter queue",
    "Namespace": "AWS/SQS",
    "MetricName": "ApproximateNumberOfMessagesVisible",
    "Dimensions": [{"Name": "QueueName", "Value": "dead"}],
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def alarmed(topic, name="dead-letters"):
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_metric_alarm(**{**ALARM, "AlarmName": name, "AlarmActions": [topic]})
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    items = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
    return [item["HistorySummary"] for item in items]


def test_an_alarm_tells_its_topic_in_the_form_of_notifications(sns, topic):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    assert alarmed(topic) == [f"Successfully executed action {topic}"]
    [mail] = deliveries()
    assert mail.subject == 'ALARM: "dead-letters" in US East (N. Virginia)'
    message = json.loads(mail.body)
    assert message["Trigger"] == {
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Namespace": "AWS/SQS",
        "StatisticType": "Statistic",
        "Statistic": "MAXIMUM",
        "Unit": None,
        "Dimensions": [{"value": "dead", "name": "QueueName"}],
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0.0,
        "TreatMissingData": "missing",
        "EvaluateLowSampleCountPercentile": "",
    }
    assert list(message) == [
        "AlarmName", "AlarmDescription", "AWSAccountId", "AlarmConfigurationUpdatedTimestamp", "NewStateValue",
        "NewStateReason", "StateChangeTime", "Region", "AlarmArn", "OldStateValue", "OKActions", "AlarmActions",
        "InsufficientDataActions", "Trigger",
    ]  # fmt: skip
    assert (message["OldStateValue"], message["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert message["StateChangeTime"] == "2026-11-23T09:00:00.000+0000"


def test_a_long_alarm_name_is_cut_in_the_subject_only(sns, topic):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    alarmed(topic, "n" * 255)
    [mail] = deliveries()
    assert len(mail.subject) == 100
    assert re.fullmatch(r'ALARM: "n+\.\.\." in US East \(N\. Virginia\)', mail.subject)
    assert json.loads(mail.body)["AlarmName"] == "n" * 255


def test_cloudwatch_cannot_use_the_aws_managed_key_of_sns_and_a_client_can(sns):
    topic = sns.create_topic(Name="sealed", Attributes={"KmsMasterKeyId": "alias/aws/sns"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    assert "does not have authorization to access the SNS topic encryption key" in alarmed(topic)[0]
    assert deliveries() == ()
    sns.publish(TopicArn=topic, Message="from a function")
    assert [one.body for one in deliveries()] == ["from a function"]


def test_disabled_actions_tell_nobody_and_a_topic_that_is_gone_stands_in_the_history(sns, topic):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    boto3.client("cloudwatch").put_metric_alarm(**{**ALARM, "AlarmActions": [topic], "ActionsEnabled": False})
    boto3.client("cloudwatch").set_alarm_state(AlarmName="dead-letters", StateValue="ALARM", StateReason="test")
    assert deliveries() == ()
    sns.delete_topic(TopicArn=topic)
    assert alarmed(topic, "another")[0].startswith(f"Failed to execute action {topic}")


DASHBOARD = {
    "widgets": [
        {"type": "text", "x": 0, "y": 0, "width": 24, "height": 1, "properties": {"markdown": "# Routes"}},
        {
            "type": "metric",
            "width": 12,
            "height": 6,
            "properties": {
                "region": "us-east-1",
                "metrics": [
                    ["EcsLattice", "Healthy", "LatticeService", "shop", {"stat": "Minimum"}],
                    ["AWS/Lambda", "Errors"],
                    [{"expression": "SEARCH('{EcsLattice} Healthy', 'Minimum')"}],
                ],
            },
        },
        {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"]}},
        {"type": "log", "properties": {"region": "us-east-1", "query": "SOURCE 'a' | fields @message"}},
    ]
}


def test_a_dashboard_that_cloudwatch_takes_is_taken():
    assert list(dashboards.problems(json.dumps(DASHBOARD))) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "it is not JSON"),
        ("[]", "widgets must be a list"),
        ('{"widgets": {}}', "widgets must be a list"),
        (json.dumps({"widgets": [DASHBOARD["widgets"][0]] * 501}), "501 widgets; at most 500 are allowed"),
    ],
)
def test_a_body_that_is_no_dashboard_says_why(body, words):
    assert [problem for problem in dashboards.problems(body) if words in problem]


@pytest.mark.parametrize(
    ("widget", "words"),
    [
        ({"type": "graph", "properties": {}}, "type must be one of"),
        ({"type": "text", "properties": {}}, "properties.markdown is needed"),
        ({"type": "text"}, "properties must be an object"),
        ({"type": "text", "width": 25, "properties": {"markdown": "a"}}, "width must be a whole number from 1 to 24"),
        ({"type": "text", "x": -1, "properties": {"markdown": "a"}}, "x must be"),
        ({"type": "metric", "properties": {"region": "us-east-1"}}, "properties.metrics or"),
        ({"type": "metric", "properties": {"metrics": [["A", "B"]]}}, "properties.region is needed"),
        ({"type": "metric", "properties": {"region": "r", "metrics": [["A", "B", "C"]]}}, "pairs of dimension and value"),
        ({"type": "metric", "properties": {"region": "r", "metrics": [[]]}}, "a list that is not empty"),
        ({"type": "metric", "properties": {"region": "r", "metrics": [[{"label": "a"}]]}}, "must be an expression"),
    ],
)  # fmt: skip
def test_a_widget_that_cannot_be_is_named_with_its_place(machine, widget, words):
    cloudwatch = boto3.client("cloudwatch")
    with pytest.raises(ClientError, match=re.escape(words)) as refused:
        cloudwatch.put_dashboard(
            DashboardName="d", DashboardBody=json.dumps({"widgets": [DASHBOARD["widgets"][0], widget]})
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterInput"
    assert "/widgets/1: " in str(refused.value)


TEMPLATE = {
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "alias/aws/sns", "DisplayName": "Notes"}},
        "Mail": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "on-call@example.com"},
        },
        "Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Statement": []}},
        },
        "Dashboard": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardName": "routes", "DashboardBody": json.dumps(DASHBOARD)},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "EvaluationPeriods": "1",
                "Threshold": "0",
                "ComparisonOperator": "GreaterThanThreshold",
                "AlarmActions": [{"Ref": "Topic"}],
                "Metrics": [
                    {
                        "Id": "m",
                        "ReturnData": "true",
                        "MetricStat": {
                            "Metric": {"Namespace": "N", "MetricName": "M"}, "Period": "60", "Stat": "Sum",
                        },
                    }
                ],
            },
        },
    },
    "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}, "Name": {"Value": {"Fn::GetAtt": ["Topic", "TopicName"]}}},
}  # fmt: skip


def outputs(name):
    described = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in described}


def test_a_template_makes_topics_subscriptions_dashboards_and_alarms(machine, sns):
    service, cloudwatch = boto3.client("cloudformation"), boto3.client("cloudwatch")
    service.create_stack(StackName="notes", TemplateBody=json.dumps(TEMPLATE))
    topic, name = outputs("notes")["Topic"], outputs("notes")["Name"]
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["KmsMasterKeyId"], attributes["DisplayName"]) == ("alias/aws/sns", "Notes")
    assert topic.endswith(f":{name}")
    assert [s["Endpoint"] for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == [
        "on-call@example.com"
    ]
    assert json.loads(cloudwatch.get_dashboard(DashboardName="routes")["DashboardBody"]) == DASHBOARD
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["AlarmActions"] == [topic]
    changed = json.loads(json.dumps(TEMPLATE))
    changed["Resources"]["Topic"]["Properties"] = {"DisplayName": "Other notes"}
    changed["Resources"]["Dashboard"]["Properties"]["DashboardBody"] = json.dumps({"widgets": []})
    service.update_stack(StackName="notes", TemplateBody=json.dumps(changed))
    assert outputs("notes")["Topic"] == topic
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert ("KmsMasterKeyId" in attributes, attributes["DisplayName"]) == (False, "Other notes")
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1
    assert json.loads(cloudwatch.get_dashboard(DashboardName="routes")["DashboardBody"]) == {"widgets": []}
    service.delete_stack(StackName="notes")
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
    assert (sns.list_topics()["Topics"], cloudwatch.describe_alarms()["MetricAlarms"]) == ([], [])


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{"}}, "Body is invalid JSON"),
        ({"Type": "AWS::SNS::Topic", "Properties": {"KmsKey": "a"}}, "does not support the properties KmsKey"),
    ],
)
def test_a_template_that_is_wrong_is_refused_with_the_resource_named(machine, resource, words):
    stacks = boto3.client("cloudformation")
    stacks.create_stack(StackName="wrong", TemplateBody=json.dumps({"Resources": {"Wrong": resource}}))
    events = stacks.describe_stack_events(StackName="wrong")["StackEvents"]
    assert (events[0]["ResourceStatus"], events[0]["LogicalResourceId"]) == ("ROLLBACK_COMPLETE", "wrong")
    assert any(
        words in event.get("ResourceStatusReason", "") for event in events if event["LogicalResourceId"] == "Wrong"
    )
