"""The adapter to CloudWatch's alarms, on the local AWS."""

import boto3
import pytest

from ecs_lattice.aws.cloudwatch import BotoAlarms
from ecs_lattice.errors import DeniedError, InvalidError, QuotaError, ThrottledError
from ecs_lattice.health.alarms import desired, differences
from local_aws import inprocess
from tests.health.making import a_record
from tests.histories.checks import failing

OWNER = "ecs-lattice"


@pytest.fixture
def cloudwatch():
    with inprocess.started():
        yield boto3.client("cloudwatch")


def the_alarm(**more):
    (alarm,) = desired(OWNER, "lattice", [a_record(**more)]).values()
    return alarm


def test_what_was_put_is_read_as_it_was_meant_and_costs_no_second_write(cloudwatch):
    alarms, alarm = BotoAlarms(cloudwatch, OWNER), the_alarm(alarm_minutes=5)
    alarms.put(alarm)
    assert alarms.with_prefix(f"ecs-lattice/{OWNER}/") == (alarm,)
    assert differences(OWNER, {alarm.name: alarm}, alarms.with_prefix("ecs-lattice/")).put == ()


def test_an_alarm_says_whose_it_is_and_does_nothing_by_itself(cloudwatch):
    BotoAlarms(cloudwatch, OWNER).put(the_alarm())
    (found,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert found["OKActions"] == found["AlarmActions"] == found["InsufficientDataActions"] == []
    tags = cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]
    assert tags == [{"Key": "ecs-lattice:owner", "Value": OWNER}]


def test_only_alarms_with_the_prefix_are_read_on_all_pages(cloudwatch):
    alarms = BotoAlarms(cloudwatch, OWNER)
    wanted = desired(OWNER, "lattice", [a_record(name=f"service-{number:03}") for number in range(120)])
    for alarm in wanted.values():
        alarms.put(alarm)
    cloudwatch.put_metric_alarm(
        AlarmName="mine",
        MetricName="Healthy",
        Namespace="EcsLattice",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
    )
    assert {alarm.name: alarm for alarm in alarms.with_prefix(f"ecs-lattice/{OWNER}/")} == wanted
    (mine,) = alarms.with_prefix("mine")
    assert (mine.metric, mine.missing_data, mine.description) == ("Healthy", "missing", "")


def test_an_alarm_with_a_list_of_metrics_or_with_actions_is_different(cloudwatch):
    alarm = the_alarm()
    cloudwatch.put_metric_alarm(
        AlarmName=alarm.name,
        AlarmDescription=alarm.description,
        AlarmActions=["arn:aws:sns:us-east-1:123456789012:mine"],
        EvaluationPeriods=5,
        DatapointsToAlarm=3,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="ignore",
        Metrics=[
            {
                "Id": "m1",
                "MetricStat": {
                    "Metric": {"Namespace": "EcsLattice", "MetricName": "Impaired"},
                    "Period": 60,
                    "Stat": "Maximum",
                },
            }
        ],
    )
    (found,) = BotoAlarms(cloudwatch, OWNER).with_prefix(alarm.name)
    assert found.other == "Metrics"
    assert found.has_actions
    assert differences(OWNER, {alarm.name: alarm}, [found]).put == (alarm,)


def test_deleted_alarms_are_gone_a_hundred_a_call(cloudwatch):
    alarms = BotoAlarms(cloudwatch, OWNER)
    wanted = desired(OWNER, "lattice", [a_record(name=f"service-{number:03}") for number in range(101)])
    for alarm in wanted.values():
        alarms.put(alarm)
    alarms.delete(sorted(wanted))
    assert alarms.with_prefix("ecs-lattice/") == ()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("Throttling", ThrottledError),
        ("AccessDenied", DeniedError),
        ("LimitExceeded", QuotaError),
        ("ValidationError", InvalidError),
    ],
)
def test_what_cloudwatch_rejects_is_the_matching_error(cloudwatch, code, error):
    with failing(cloudwatch, "PutMetricAlarm", code), pytest.raises(error):
        BotoAlarms(cloudwatch, OWNER).put(the_alarm())


def test_an_alarm_that_is_gone_already_counts_as_deleted(cloudwatch):
    with failing(cloudwatch, "DeleteAlarms", "ResourceNotFound") as refused:
        BotoAlarms(cloudwatch, OWNER).delete(["ecs-lattice/ecs-lattice/gone"])
    assert refused == ["DeleteAlarms"]
