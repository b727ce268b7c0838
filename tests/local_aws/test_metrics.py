"""Metrics of the local AWS: out of log lines, of Lambda and SQS themselves, in the server and in one process."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from local_aws import inprocess, monitoring
from local_aws.delivery import redrive
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.monitoring import emf, service_metrics
from local_aws.monitoring.store import HIGH, Metric
from local_aws.services import clock

AT = 1_795_424_400_000
"""2026-11-23 09:00 UTC in milliseconds."""


def document(**more):
    """The example of the specification, with what a test changes."""
    directive = {
        "Namespace": "EcsLattice",
        "Dimensions": [["LatticeService", "Route"]],
        "Metrics": [{"Name": "Healthy", "Unit": "Count"}],
    }
    body = {"LatticeService": "shop", "Route": "orders", "Healthy": 2, "message": "probed"}
    return {
        "_aws": {"Timestamp": AT, "CloudWatchMetrics": [{**directive, **more.pop("directive", {})}]},
        **body,
        **more,
    }


def parsed(value):
    return emf.parse(json.dumps(value))


def test_a_document_becomes_a_value_at_its_own_time():
    [one] = parsed(document())
    assert one.metric == Metric.of("EcsLattice", "Healthy", {"Route": "orders", "LatticeService": "shop"})
    assert (one.value, one.at, one.unit, one.resolution) == (2.0, AT / 1000, "Count", 60)


def test_each_dimension_set_gives_a_metric_and_each_value_of_an_array_a_value():
    sets = [["LatticeService", "Route"], ["LatticeService"], []]
    found = parsed(document(directive={"Dimensions": sets}, Healthy=[1, 2, 3.5]))
    assert [(len(one.metric.dimensions), one.value) for one in found] == [
        (number, value) for number in (2, 1, 0) for value in (1.0, 2.0, 3.5)
    ]


def test_several_directives_and_metrics_and_no_dimensions_at_all():
    value = document(Unhealthy=1)
    second = {"Namespace": "Other", "Dimensions": [], "Metrics": [{"Name": "Unhealthy", "StorageResolution": 1}]}
    value["_aws"]["CloudWatchMetrics"].append(second)
    first, other = parsed(value)
    assert first.metric.namespace == "EcsLattice"
    assert (other.metric, other.unit, other.resolution) == (Metric.of("Other", "Unhealthy"), "None", HIGH)


@pytest.mark.parametrize(
    "line",
    ["START RequestId: 1", '{"message": "CloudWatchMetrics"}', '"CloudWatchMetrics"', '{"_aws": {"CloudWatchMetrics": [}', '["CloudWatchMetrics"]', '{"_aws": 1, "a": "CloudWatchMetrics"}'],
)  # fmt: skip
def test_other_lines_carry_nothing(line):
    assert emf.parse(line) == ()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (document(Route=None), "dimension 'Route'"),
        (document(Route=7), "dimension 'Route'"),
        (document(Route=""), "dimension 'Route'"),
        (document(Healthy="2"), "metric 'Healthy'"),
        (document(Healthy=True), "metric 'Healthy'"),
        (document(Healthy=[1, "2"]), "metric 'Healthy'"),
        (document(Healthy=[1] * 101), "101 values"),
        (document(directive={"Namespace": None}), "Namespace"),
        (document(directive={"Dimensions": "Route"}), "Dimensions"),
        (document(directive={"Dimensions": ["Route"]}), "Dimensions"),
        (document(directive={"Dimensions": [[f"d{n}" for n in range(31)]]}), "31 names"),
        (document(directive={"Metrics": [{"Name": "m"}] * 101}), "at most 100"),
        (document(directive={"Metrics": [{"Unit": "Count"}]}), "Name"),
        ({**document(), "_aws": {"CloudWatchMetrics": []}}, "Timestamp"),
        ({**document(), "_aws": {"Timestamp": AT, "CloudWatchMetrics": {}}}, "must be a list"),
    ],
)
def test_a_document_that_breaks_the_specification_is_refused_with_what_is_wrong(broken, words):
    with pytest.raises(emf.EmfError, match=words):
        parsed(broken)


def sums(client, namespace, name, dimensions, period=60, statistic="Sum", hours=2):
    """The values of a metric around now, oldest first."""
    now = clock().now()
    read = client.get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=hours),
        EndTime=now + timedelta(hours=hours),
        Period=period,
        Statistics=[statistic],
    )["Datapoints"]
    return [point[statistic] for point in sorted(read, key=lambda point: point["Timestamp"])]


def test_what_put_log_events_brings_becomes_metrics_and_an_alarm(capsys):
    with inprocess.started() as machine:
        logs, cloudwatch = boto3.client("logs"), boto3.client("cloudwatch")
        logs.create_log_group(logGroupName="/probe")
        logs.create_log_stream(logGroupName="/probe", logStreamName="one")
        cloudwatch.put_metric_alarm(
            AlarmName="a", Namespace="EcsLattice", MetricName="Healthy", Statistic="Minimum", Period=60,
            EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="LessThanThreshold",
            Dimensions=[{"Name": "LatticeService", "Value": "shop"}, {"Name": "Route", "Value": "orders"}],
        )  # fmt: skip
        lines = [document(Healthy=0), document(Route=None), {"message": "hello"}]
        logs.put_log_events(
            logGroupName="/probe",
            logStreamName="one",
            logEvents=[{"timestamp": AT, "message": json.dumps(line)} for line in lines],
        )
        machine.clock.advance(70)
        assert cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "ALARM"
        assert sums(cloudwatch, "AWS/Logs", "EMFValidationErrors", {"LogGroupName": "/probe"}) == [1.0]
    assert "/probe: invalid embedded metric: dimension 'Route'" in capsys.readouterr().err


def test_a_moment_can_be_given_as_seconds_as_a_time_or_not_at_all():
    with inprocess.started() as machine:
        now = machine.clock.time()
        for at in (None, now, datetime.fromtimestamp(now, UTC)):
            monitoring.record("N", "M", {"a": "b"}, 1, at)
        assert sums(boto3.client("cloudwatch"), "N", "M", {"a": "b"}) == [3.0]


def test_recording_without_the_local_cloudwatch_says_what_to_do(monkeypatch):
    with inprocess.started():
        monkeypatch.setattr("local_aws.monitoring.metrics.cloudwatch_backends", {ACCOUNT: {REGION: object()}})
        with pytest.raises(RuntimeError, match=r"local_aws\.monitoring\.install"):
            monitoring.record("N", "M", {}, 1)


@pytest.fixture
def queue():
    """A queue with a dead-letter queue, in a process whose SQS is the local AWS's."""
    with inprocess.started() as machine:
        redrive.install()
        sqs = boto3.client("sqs")
        dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 4})
        attributes = {"RedrivePolicy": policy, "VisibilityTimeout": "10"}
        url = sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
        yield machine, sqs, url


def read(name, metric="ApproximateAgeOfOldestMessage"):
    return sums(boto3.client("cloudwatch"), "AWS/SQS", metric, {"QueueName": name}, statistic="Maximum")


def test_queues_tell_how_much_waits_and_since_when(queue):
    machine, sqs, url = queue
    sqs.send_message(QueueUrl=url, MessageBody="old")
    machine.clock.advance(90)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=60)
    machine.clock.advance(10)
    service_metrics.sample_queues(machine.clock.time())
    assert read("work") == [100.0]
    assert read("work", "ApproximateNumberOfMessagesVisible") == [2.0]
    assert read("work", "ApproximateNumberOfMessagesDelayed") == [1.0]
    assert read("dead") == [0.0]


def test_a_poison_pill_no_longer_counts_and_a_dead_letter_counts_from_when_it_was_moved(queue):
    machine, sqs, url = queue
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(3):
        sqs.receive_message(QueueUrl=url)
        machine.clock.advance(20)
    service_metrics.sample_queues(machine.clock.time())
    assert read("work") == [0.0]
    for _ in range(2):
        sqs.receive_message(QueueUrl=url)
        machine.clock.advance(20)
    machine.clock.advance(300)
    service_metrics.sample_queues(machine.clock.time())
    [age] = [value for value in read("dead") if value]
    assert 300 <= age < 345
    assert read("dead", "ApproximateNumberOfMessagesVisible")[-1] == 1.0


def test_the_heartbeat_samples_queues_every_minute_until_it_is_stopped(queue):
    machine, sqs, url = queue
    monitoring.start()
    monitoring.start()
    sqs.send_message(QueueUrl=url, MessageBody="waits")
    machine.clock.advance(185)
    assert read("work", "ApproximateNumberOfMessagesVisible") == [1.0, 1.0, 1.0]
    assert sums(
        boto3.client("cloudwatch"),
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        {"QueueName": "work"},
        statistic="SampleCount",
    ) == [1.0, 1.0, 1.0]
    monitoring.stop()
    assert machine.clock.next_due() is None
    machine.clock.advance(600)
    assert len(read("work")) == 3
