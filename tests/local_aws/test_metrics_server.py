"""Metrics, alarms and messages in the server: real functions, real queues, time that runs."""

import json
import urllib.request
from datetime import timedelta

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.services import clock


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


def test_a_functions_output_becomes_metrics_at_the_local_awss_time(aws, invoke, eventually):
    before = clock().time()
    told, error = invoke(do="measure", kind="big", values=[1, 2])
    assert error is None
    assert before <= told["at"] <= clock().time()
    assert told["is_datetime"] is True
    client = aws.client("cloudwatch")
    eventually(lambda: sums(client, "Fixture", "Orders", {"Kind": "big"}, hours=48) == [3.0])
    assert sums(client, "Fixture", "Orders", {}, hours=48) == [3.0]


def test_invocations_errors_and_durations_are_counted(aws, invoke, eventually):
    client, name = aws.client("cloudwatch"), aws.outputs["Worker"]
    invoke(do="record", key="metrics")
    _, error = invoke(do="fail", key="metrics")
    assert error == "Unhandled"

    def counted(metric, statistic="Sum"):
        return sum(sums(client, "AWS/Lambda", metric, {"FunctionName": name}, 3600, statistic, hours=480))

    def agree():
        """Asynchronous retries of other tests may go on: the journal and the metrics count the same runs."""
        ran = [run for run in page(aws, "invocations")["invocations"] if run["function"] == name]
        failed = [run for run in ran if run["error"]]
        return (counted("Invocations"), counted("Errors")) == (len(ran), len(failed)) and len(ran) > len(failed) > 0

    eventually(agree)
    assert counted("Duration") > 0
    assert counted("Duration", "SampleCount") >= 2


def test_an_invocation_that_is_throttled_counts_as_such(aws):
    client, function, name = aws.client("cloudwatch"), aws.client("lambda"), aws.outputs["Worker"]
    function.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            aws.client("lambda", config=Config(retries={"total_max_attempts": 1})).invoke(FunctionName=name)
    finally:
        function.delete_function_concurrency(FunctionName=name)
    dimensions = {"FunctionName": name}
    # At least: at this speed a schedule of the application may find the function without concurrency, too.
    assert sum(sums(client, "AWS/Lambda", "Throttles", dimensions, period=3600, hours=480)) >= 1.0


def test_an_alarm_of_the_server_fires_by_itself_and_its_message_can_be_read(aws, eventually):
    cloudwatch, sns, sqs = (aws.client(service) for service in ("cloudwatch", "sns", "sqs"))
    topic = sns.create_topic(Name="on-call")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    url = sqs.create_queue(QueueName="filling")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="dead letter")
    cloudwatch.put_metric_alarm(
        AlarmName="filling", Namespace="AWS/SQS", MetricName="ApproximateNumberOfMessagesVisible", Statistic="Maximum",
        Dimensions=[{"Name": "QueueName", "Value": "filling"}], Period=60, EvaluationPeriods=1, Threshold=0.0,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching", AlarmActions=[topic],
    )  # fmt: skip
    told = eventually(lambda: [m for m in page(aws, "messages")["messages"] if m["topic_arn"] == topic])
    assert (told[0]["protocol"], told[0]["endpoint"]) == ("email", "on-call@example.com")
    assert json.loads(told[0]["body"])["NewStateValue"] == "ALARM"
    seen = page(aws, "messages")["cursor"]
    later = page(aws, f"messages?since={seen}")["messages"]
    assert [message for message in later if message["topic_arn"] == topic] == []
    events = [event for event in page(aws, "events")["events"] if event["source"] == "aws.cloudwatch"]
    assert "filling" in {event["detail"]["alarmName"] for event in events}


def page(aws, path):
    with urllib.request.urlopen(f"{aws.endpoint_url}/_local_aws/{path}", timeout=60) as answer:
        return json.load(answer)


def test_an_alarm_invokes_a_function_that_lets_it_and_no_other(aws, table, eventually):
    cloudwatch, function = aws.client("cloudwatch"), aws.client("lambda")
    arn = function.get_function(FunctionName=aws.outputs["Worker"])["Configuration"]["FunctionArn"]
    settings = {
        "Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "ignore", "AlarmActions": [arn],
    }  # fmt: skip

    def fire(name):
        cloudwatch.put_metric_alarm(AlarmName=name, **settings)
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
        items = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
        return items[0]["HistorySummary"]

    assert "does not allow lambda.alarms.cloudwatch.amazonaws.com" in fire("not-allowed")
    function.add_permission(
        FunctionName=arn, StatementId="Alarm", Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com", SourceAccount="123456789012",
    )  # fmt: skip
    assert fire("allowed") == f"Successfully executed action {arn}"
    ran = eventually(lambda: [i for i in page(aws, "invocations")["invocations"] if i["source"] == "alarm"])
    assert ran[0]["trigger"] == {"alarm": "allowed"}


def test_a_topic_invokes_a_function_with_the_event_of_a_notification(aws, eventually):
    sns, function = aws.client("sns"), aws.client("lambda")
    arn = function.get_function(FunctionName=aws.outputs["Worker"])["Configuration"]["FunctionArn"]
    topic = sns.create_topic(Name="to-function")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="refused")
    function.add_permission(
        FunctionName=arn, StatementId="Topic", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com",
        SourceArn=topic,
    )  # fmt: skip
    sns.publish(TopicArn=topic, Message="delivered")
    outcomes = [m["outcome"] for m in page(aws, "messages")["messages"] if m["topic_arn"] == topic]
    assert outcomes[0].startswith("failed: ")
    assert outcomes[1] == "delivered"
    ran = eventually(lambda: [i for i in page(aws, "invocations")["invocations"] if i["source"] == "sns"])
    assert ran[0]["trigger"]["topic"] == topic
