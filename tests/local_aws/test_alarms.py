"""Alarms of the local AWS: the rule for missing data against CloudWatch's published tables, and what they tell."""

import json
import re
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from local_aws import inprocess, monitoring
from local_aws.delivery import permissions
from local_aws.monitoring.alarms import TREATMENTS, judge
from local_aws.monitoring.shapes import REGION_NAME
from local_aws.monitoring.store import Metric, Statistics, Store
from local_aws.services import events

ALARM, OK, UNKNOWN, KEPT = "ALARM", "OK", "INSUFFICIENT_DATA", None
ROUTE = {"Route": "orders"}


@pytest.fixture
def machine():
    with inprocess.started() as started:
        yield started


@pytest.fixture
def cloudwatch(machine):
    return boto3.client("cloudwatch")


def put(cloudwatch, name="ecs-lattice/one/orders", **more):
    settings = {
        "Namespace": "EcsLattice",
        "MetricName": "Impaired",
        "Dimensions": [{"Name": k, "Value": v} for k, v in ROUTE.items()],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "ignore",
        "AlarmDescription": "The route orders answers nobody",
    }
    settings |= more
    cloudwatch.put_metric_alarm(AlarmName=name, **{key: value for key, value in settings.items() if value is not None})
    return name


def minutes(machine, *values, name="Impaired"):
    """A minute for each value: the value is recorded in it, None is not. The last one is evaluated, too."""
    for value in values:
        if value is not None:
            monitoring.record("EcsLattice", name, ROUTE, value)
        machine.clock.advance(60)


def settle(machine):
    """To shortly after the evaluation of the minute that ended last."""
    machine.clock.advance(10)


def state(cloudwatch, name="ecs-lattice/one/orders"):
    return cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def changes():
    return [event for event in events().history if event["source"] == "aws.cloudwatch"]


# The tables of the CloudWatch User Guide, "How alarm state is evaluated when data is missing": N is 3, the range 5.
# Columns: missing, ignore, breaching, notBreaching.
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "0 - - - -": (OK, OK, OK, OK),
    "- - - - -": (UNKNOWN, KEPT, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, KEPT, ALARM, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, KEPT, ALARM, OK),
}
ROWS = [
    (row, datapoints, treatment, expected)
    for table, datapoints in ((THREE_OF_THREE, 3), (TWO_OF_THREE, 2))
    for row, columns in table.items()
    for treatment, expected in zip(TREATMENTS, columns, strict=True)
]


def seen(row):
    return [{"0": False, "X": True, "-": None}[point] for point in row.split()]


@pytest.mark.parametrize(("row", "datapoints", "treatment", "expected"), ROWS)
def test_the_tables_of_the_guide_hold(row, datapoints, treatment, expected):
    assert judge(seen(row), 3, datapoints, treatment).state == expected


@pytest.mark.parametrize("row", ["- - - - X", "- - - X -"])
def test_a_first_breaching_datapoint_does_not_alarm_before_it_is_old_enough(row):
    assert judge(seen(row), 3, 3, "missing").state != ALARM
    assert judge(seen(row), 3, 3, "ignore").state == KEPT


@given(
    st.lists(st.sampled_from([True, False, None]), min_size=7, max_size=7),
    st.integers(1, 5),
    st.sampled_from(TREATMENTS),
)
def test_enough_breaching_datapoints_alarm_however_missing_ones_are_treated(points, datapoints, treatment):
    real = [point for point in points if point is not None][-5:]
    if sum(real) >= datapoints:
        assert judge(points, 5, datapoints, treatment).state == ALARM


@given(
    st.lists(st.sampled_from([True, False, None]), min_size=7, max_size=7),
    st.integers(1, 5),
    st.sampled_from(TREATMENTS),
)
def test_treatment_is_no_matter_where_enough_datapoints_are_there(points, datapoints, treatment):
    real = [point for point in points if point is not None]
    if len(real) >= 5:
        assert judge(points, 5, datapoints, treatment) == judge(real[-5:], 5, datapoints, "missing")


@given(st.lists(st.sampled_from([True, False, None]), min_size=7, max_size=7), st.integers(1, 5))
def test_not_breaching_never_alarms_where_breaching_does_not(points, datapoints):
    if judge(points, 5, datapoints, "notBreaching").state == ALARM:
        assert judge(points, 5, datapoints, "breaching").state == ALARM


@given(st.lists(st.sampled_from([True, False, None]), min_size=7, max_size=7), st.integers(1, 5))
def test_only_missing_data_makes_a_state_that_is_kept_or_unknown(points, datapoints):
    for treatment in TREATMENTS:
        verdict = judge(points, 5, datapoints, treatment)
        if verdict.state in (KEPT, UNKNOWN):
            assert treatment in ("ignore", "missing")
            assert verdict.filled > 0
            assert False not in points


def test_recorded_values_become_an_alarm_an_event_and_a_recovery(machine, cloudwatch):
    name = put(cloudwatch)
    assert state(cloudwatch) == UNKNOWN
    minutes(machine, 0)
    settle(machine)
    assert state(cloudwatch) == OK
    minutes(machine, 1, 1)
    assert state(cloudwatch) == OK
    minutes(machine, 1)
    assert state(cloudwatch) == ALARM
    minutes(machine, 0, 0)
    assert state(cloudwatch) == ALARM
    minutes(machine, 0)
    assert state(cloudwatch) == OK
    assert [(e["detail"]["previousState"]["value"], e["detail"]["state"]["value"]) for e in changes()] == [
        (UNKNOWN, OK),
        (OK, ALARM),
        (ALARM, OK),
    ]
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"
    assert all(event["resources"] == [arn] for event in changes())


# The sample of the CloudWatch User Guide, "Alarm events and EventBridge", state change of a single-metric alarm.
SAMPLE = {
    "alarmName": "ServerCpuTooHigh",
    "configuration": {
        "description": "Goes into alarm when server CPU utilization is too high!",
        "metrics": [
            {
                "id": "30b6c6b2-a864-43a2-4877-c09a1afc3b87",
                "metricStat": {
                    "metric": {
                        "dimensions": {"InstanceId": "i-12345678901234567"},
                        "name": "CPUUtilization",
                        "namespace": "AWS/EC2",
                    },
                    "period": 300,
                    "stat": "Average",
                },
                "returnData": True,
            }
        ],
    },
    "previousState": {
        "reason": "Threshold Crossed: 1 out of the last 1 datapoints [0.0666851903306472 (01/10/19 13:46:00)] was not "
        "greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
        "reasonData": '{"version":"1.0","queryDate":"2019-10-01T13:56:40.985+0000","startDate":'
        '"2019-10-01T13:46:00.000+0000","statistic":"Average","period":300,"recentDatapoints":[0.0666851903306472],'
        '"threshold":50.0}',
        "timestamp": "2019-10-01T13:56:40.987+0000",
        "value": "OK",
    },
    "state": {
        "reason": "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 16:59:00)] was "
        "greater than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition).",
        "reasonData": '{"version":"1.0","queryDate":"2019-10-02T17:04:40.985+0000","startDate":'
        '"2019-10-02T16:59:00.000+0000","statistic":"Average","period":300,"recentDatapoints":[99.50160229693434],'
        '"threshold":50.0}',
        "timestamp": "2019-10-02T17:04:40.989+0000",
        "value": "ALARM",
    },
}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


def shape(value):
    """Names and types, with the two words that tell a state and its times told apart."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items() if key != "dimensions"}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str) and STAMP.fullmatch(value):
        return "time"
    return type(value).__name__


def test_the_event_has_the_form_of_the_guides_sample(machine, cloudwatch):
    put(
        cloudwatch,
        "ServerCpuTooHigh",
        Period=300,
        EvaluationPeriods=1,
        DatapointsToAlarm=1,
        Statistic="Average",
        Threshold=50.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData=None,
    )
    minutes(machine, 0.0666851903306472)
    machine.clock.advance(300)
    minutes(machine, 99.50160229693434)
    settle(machine)
    event = changes()[-1]
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert shape(event["detail"]) == shape(SAMPLE)
    detail, data = event["detail"], json.loads(event["detail"]["state"]["reasonData"])
    numbers = re.compile(r"\[.*?\]")
    assert numbers.sub("", detail["state"]["reason"]) == numbers.sub("", SAMPLE["state"]["reason"])
    assert numbers.sub("", detail["previousState"]["reason"]) == numbers.sub("", SAMPLE["previousState"]["reason"])
    assert detail["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"] == ROUTE
    documented = json.loads(SAMPLE["state"]["reasonData"])
    assert {key: type(value) for key, value in data.items() if key in documented} == {
        key: type(value) for key, value in documented.items()
    }
    assert data["recentDatapoints"] == [99.50160229693434]
    assert data["evaluatedDatapoints"][0]["value"] == 99.50160229693434


REASONS = [
    # Settings, values by minute, and the reason as published notifications word it.
    (
        {"DatapointsToAlarm": None, "EvaluationPeriods": 1, "TreatMissingData": None},
        [3.0],
        "Threshold Crossed: 1 datapoint [3.0 (23/11/26 09:00:00)] was greater than or equal to the threshold (1.0).",
    ),
    (
        {"DatapointsToAlarm": None, "EvaluationPeriods": 2, "TreatMissingData": None},
        [3.0, 4.0],
        (
            "Threshold Crossed: 2 datapoints [4.0 (23/11/26 09:01:00), 3.0 (23/11/26 09:00:00)] were greater than or equal "
            "to the threshold (1.0)."
        ),
    ),
    (
        {"DatapointsToAlarm": None, "EvaluationPeriods": 3, "TreatMissingData": "breaching"},
        [None],
        (
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as "
            "[Breaching]."
        ),
    ),
    (
        {"DatapointsToAlarm": 1, "EvaluationPeriods": 20, "TreatMissingData": "notBreaching"},
        [613.0],
        (
            "Threshold Crossed: 1 out of the last 20 datapoints [613.0 (23/11/26 09:00:00)] was greater than or equal to "
            "the threshold (1.0) and 19 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> "
            "ALARM transition)."
        ),
    ),
    (
        {"DatapointsToAlarm": 5, "EvaluationPeriods": 5},
        [1.0, 2.0, 3.0, 4.0, 5.0],
        (
            "Threshold Crossed: 5 out of the last 5 datapoints were greater than or equal to the threshold (1.0). The most "
            "recent datapoints which crossed the threshold: [5.0 (23/11/26 09:04:00), 4.0 (23/11/26 09:03:00), 3.0 "
            "(23/11/26 09:02:00), 2.0 (23/11/26 09:01:00), 1.0 (23/11/26 09:00:00)] (minimum 5 datapoints for OK -> ALARM "
            "transition)."
        ),
    ),
]


@pytest.mark.parametrize(("settings", "values", "words"), REASONS)
def test_the_reason_is_worded_as_cloudwatch_words_it(machine, cloudwatch, settings, values, words):
    put(cloudwatch, **settings)
    minutes(machine, *values)
    settle(machine)
    assert changes()[-1]["detail"]["state"]["reason"] == words


def test_an_alarm_without_data_says_how_much_is_unknown(machine, cloudwatch):
    put(cloudwatch, DatapointsToAlarm=None, EvaluationPeriods=1, TreatMissingData=None)
    minutes(machine, 0)
    settle(machine)
    assert state(cloudwatch) == OK
    machine.clock.advance(180)
    last = changes()[-1]["detail"]["state"]
    assert (last["value"], last["reason"]) == (UNKNOWN, "Insufficient Data: 1 datapoint was unknown.")
    data = json.loads(last["reasonData"])
    assert "startDate" not in data
    assert (data["recentDatapoints"], list(data["evaluatedDatapoints"][0])) == ([], ["timestamp"])


def test_missing_data_that_is_ignored_keeps_the_alarm_on(machine, cloudwatch):
    put(cloudwatch)
    minutes(machine, 1, 1, 1, *[None] * 20)
    assert state(cloudwatch) == ALARM
    assert len(changes()) == 1


BREACHING = {"TreatMissingData": "breaching", "EvaluationPeriods": 3, "DatapointsToAlarm": 3}


def test_a_new_alarm_that_warms_up_is_judged_when_its_window_is_full_or_its_time_is_over(machine, cloudwatch):
    warm_up = {"WarmUpPeriodDurationInMinutes": 10}
    put(cloudwatch, "early", WarmUpConfiguration=warm_up, **BREACHING)
    put(cloudwatch, "late", WarmUpConfiguration=warm_up, MetricName="Other", **BREACHING)
    put(cloudwatch, "cold", MetricName="Other", **BREACHING)
    settle(machine)
    minutes(machine, None, 0, 0)
    assert [state(cloudwatch, name) for name in ("early", "late", "cold")] == [UNKNOWN, UNKNOWN, ALARM]
    minutes(machine, 0)
    assert [state(cloudwatch, name) for name in ("early", "late")] == [OK, UNKNOWN]
    assert {event["detail"]["alarmName"] for event in changes()} == {"cold", "early"}
    minutes(machine, *[None] * 6)
    assert state(cloudwatch, "late") == ALARM
    described = cloudwatch.describe_alarms(AlarmNames=["late"])["MetricAlarms"][0]
    assert described["WarmUpConfiguration"] == warm_up


def test_a_warm_up_may_be_waited_for_whole_and_an_update_does_not_begin_it_anew(machine, cloudwatch):
    whole = {"WarmUpPeriodDurationInMinutes": 6, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": True}
    put(cloudwatch, WarmUpConfiguration=whole, **BREACHING)
    settle(machine)
    minutes(machine, 1, 1, 1, 1)
    assert state(cloudwatch) == UNKNOWN
    put(cloudwatch, WarmUpConfiguration=whole, **BREACHING)
    minutes(machine, 1, 1)
    assert state(cloudwatch) == ALARM


def test_a_warm_up_that_cannot_be_is_refused(cloudwatch):
    with pytest.raises(ClientError, match="from 1 to 2880"):
        put(cloudwatch, WarmUpConfiguration={"WarmUpPeriodDurationInMinutes": 2881})
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_an_update_keeps_the_state_and_a_new_alarm_has_none(machine, cloudwatch):
    put(cloudwatch)
    minutes(machine, 1, 1, 1)
    settle(machine)
    put(cloudwatch, AlarmDescription="other words", EvaluationPeriods=4)
    described = cloudwatch.describe_alarms()["MetricAlarms"][0]
    assert (described["StateValue"], described["AlarmDescription"]) == (ALARM, "other words")
    cloudwatch.delete_alarms(AlarmNames=["ecs-lattice/one/orders", "there-is-none"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    put(cloudwatch)
    assert state(cloudwatch) == UNKNOWN


def test_a_state_set_by_hand_is_told_without_data_and_does_not_last(machine, cloudwatch):
    name = put(cloudwatch)
    minutes(machine, 0)
    settle(machine)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=ALARM, StateReason="test")
    told = changes()[-1]["detail"]["state"]
    assert {key: told[key] for key in told if key != "timestamp"} == {"value": ALARM, "reason": "test"}
    minutes(machine, 0)
    assert state(cloudwatch) == OK
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=OK, StateReason="nothing new")
    assert len(changes()) == 3


def test_the_history_tells_changes_newest_first_in_pages(machine, cloudwatch):
    name = put(cloudwatch)
    minutes(machine, 0, 1, 1, 1)
    settle(machine)
    cloudwatch.delete_alarms(AlarmNames=[name])
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName=name, PaginationConfig={"PageSize": 2}
    )
    items = [page["AlarmHistoryItems"] for page in pages]
    assert [len(page) for page in items] == [2, 2]
    assert [item["HistorySummary"] for page in items for item in page] == [
        f'Alarm "{name}" deleted',
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
        f'Alarm "{name}" created',
    ]
    oldest = cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending", MaxRecords=1)
    assert oldest["AlarmHistoryItems"][0]["HistoryItemType"] == "ConfigurationUpdate"


def test_alarms_are_listed_by_prefix_in_pages_of_a_hundred(cloudwatch):
    for number in range(205):
        put(cloudwatch, f"ecs-lattice/one/{number:03d}")
    put(cloudwatch, "another")
    first = cloudwatch.describe_alarms(AlarmNamePrefix="ecs-lattice/one/")
    assert len(first["MetricAlarms"]) == 100
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix="ecs-lattice/one/")
    names = [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]
    assert names == [f"ecs-lattice/one/{number:03d}" for number in range(205)]
    with pytest.raises(ClientError, match="InvalidNextToken"):
        cloudwatch.describe_alarms(NextToken="made up")
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        cloudwatch.describe_alarms(AlarmNames=["a"], AlarmNamePrefix="b")


METRIC = {"Namespace": "N", "MetricName": "Errors", "Dimensions": [{"Name": "FunctionName", "Value": "f"}]}
ALONE = dict.fromkeys(["Namespace", "MetricName", "Dimensions", "Statistic", "Period"])


def test_an_alarm_can_watch_one_metric_of_a_list(machine, cloudwatch):
    entries = [
        {"Id": "watched", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Sum"}, "ReturnData": True},
        {
            "Id": "other",
            "MetricStat": {"Metric": {**METRIC, "MetricName": "Invocations"}, "Period": 60, "Stat": "Sum"},
            "ReturnData": False,
        },
    ]
    name = put(cloudwatch, **ALONE, Metrics=entries, EvaluationPeriods=1, DatapointsToAlarm=None)
    monitoring.record("N", "Errors", {"FunctionName": "f"}, 1)
    machine.clock.advance(70)
    assert state(cloudwatch, name) == ALARM
    metrics = changes()[-1]["detail"]["configuration"]["metrics"]
    assert [(metric["id"], metric["returnData"]) for metric in metrics] == [("watched", True), ("other", False)]
    assert metrics[0]["metricStat"]["metric"]["dimensions"] == {"FunctionName": "f"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"Period": 45}, "Period is 45; valid are 10, 20, 30 and any multiple of 60"),
        ({"Period": 3600, "EvaluationPeriods": 169, "DatapointsToAlarm": 1}, "must not exceed 604800"),
        ({"Period": 300, "EvaluationPeriods": 289, "DatapointsToAlarm": 1}, "must not exceed 86400"),
        ({"DatapointsToAlarm": 6}, "DatapointsToAlarm is 6"),
        ({"TreatMissingData": "NonBreaching"}, "TreatMissingData is 'NonBreaching'"),
        ({"Threshold": None}, "Threshold is needed"),
        ({"Statistic": None, "ExtendedStatistic": "p99"}, "percentiles"),
        ({"ComparisonOperator": "LessThanLowerThreshold", "ThresholdMetricId": "a"}, "anomaly detection"),
        ({"EvaluationPeriods": None}, "EvaluationPeriods is needed"),
        ({"MetricName": None}, "MetricName, Namespace, Statistic and Period are needed"),
        ({**ALONE, "Metrics": [{"Id": "e", "Expression": "SUM(METRICS())"}]}, "metric math"),
        ({"Metrics": [{"Id": "m", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Sum"}}]}, "cannot stand beside"),
        (
            {
                **ALONE,
                "Metrics": [
                    {"Id": i, "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Sum"}} for i in ("a", "b")
                ],
            },
            "Exactly one entry",
        ),
        (
            {
                **ALONE,
                "Metrics": [
                    {"Id": "m", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Sum"}, "ReturnData": False}
                ],
            },
            "Exactly one entry",
        ),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "Invalid arn"),
    ],
)  # fmt: skip
def test_an_alarm_that_cannot_be_evaluated_is_refused_with_what_is_allowed(cloudwatch, settings, words):
    with pytest.raises(ClientError, match=re.escape(words)):
        put(cloudwatch, **settings)
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_statistics_periods_and_units_are_what_the_alarm_says(machine, cloudwatch):
    put(
        cloudwatch,
        Statistic="Sum",
        Period=120,
        EvaluationPeriods=1,
        DatapointsToAlarm=1,
        Threshold=5.0,
        Unit="Count",
    )
    for value, unit in ((3, "Count"), (100, "Seconds")):
        monitoring.record("EcsLattice", "Impaired", ROUTE, value, unit=unit)
    machine.clock.advance(70)
    assert state(cloudwatch) == OK
    monitoring.record("EcsLattice", "Impaired", ROUTE, 2, unit="Count")
    machine.clock.advance(60)
    assert state(cloudwatch) == ALARM


def test_another_set_of_dimensions_is_another_metric(machine, cloudwatch):
    put(cloudwatch, EvaluationPeriods=1, DatapointsToAlarm=1)
    monitoring.record("EcsLattice", "Impaired", {**ROUTE, "EcsService": "shop/orders"}, 1)
    monitoring.record("EcsLattice", "Impaired", {}, 1)
    machine.clock.advance(70)
    assert state(cloudwatch) == UNKNOWN


def test_no_timer_is_left_when_no_alarm_is(machine, cloudwatch):
    assert machine.clock.next_due() is None
    name = put(cloudwatch)
    assert machine.clock.next_due() is not None
    cloudwatch.delete_alarms(AlarmNames=[name])
    machine.clock.advance(120)
    assert machine.clock.next_due() is None


def test_every_second_is_in_one_period_and_no_value_is_lost():
    store, metric = Store(), Metric.of("N", "M", {"a": "b"})
    for at in range(0, 600, 7):
        store.add(metric, at, Statistics.one(1), resolution=1)
    for period in (10, 30, 60, 300):
        points = store.datapoints(metric, 0, 600, period)
        assert sum(point.statistics.count for point in points) == len(range(0, 600, 7))
        assert all(point.start % period == 0 for point in points)
    assert [p.start for p in store.datapoints(metric, 60, 120, 60)] == [60]


def test_clients_put_and_read_metrics_by_exact_dimensions(machine, cloudwatch):
    now = datetime.fromtimestamp(machine.clock.time(), UTC)
    data = {"Dimensions": [{"Name": "a", "Value": "b"}], "Timestamp": now, "Unit": "Count"}
    cloudwatch.put_metric_data(
        Namespace="N",
        MetricData=[
            {"MetricName": "M", "Values": [1.0, 5.0], "Counts": [3.0, 1.0], **data},
            {
                "MetricName": "M",
                "StatisticValues": {"SampleCount": 2.0, "Sum": 4.0, "Minimum": 1.0, "Maximum": 3.0},
                **data,
            },
            {"MetricName": "M", "Value": 1000.0},
        ],
    )
    machine.clock.advance(60)
    window = {"StartTime": now, "EndTime": datetime.fromtimestamp(machine.clock.time(), UTC)}
    read = cloudwatch.get_metric_statistics(
        Namespace="N", MetricName="M", Dimensions=data["Dimensions"], Period=60, **window,
        Statistics=["SampleCount", "Sum", "Minimum", "Maximum", "Average"],
    )["Datapoints"]  # fmt: skip
    assert [{k: p[k] for k in p if k != "Timestamp"} for p in read] == [
        {"SampleCount": 6.0, "Sum": 12.0, "Minimum": 1.0, "Maximum": 5.0, "Average": 2.0, "Unit": "Count"}
    ]
    metric = {"Namespace": "N", "MetricName": "M", "Dimensions": data["Dimensions"]}
    queries = [{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}]
    monitoring.record("N", "M", {"a": "b"}, 7)
    window["EndTime"] += timedelta(seconds=60)
    assert cloudwatch.get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"][0]["Values"] == [
        7.0,
        12.0,
    ]
    turned = cloudwatch.get_metric_data(MetricDataQueries=queries, **window, ScanBy="TimestampAscending")
    assert turned["MetricDataResults"][0]["Values"] == [12.0, 7.0]
    listed = cloudwatch.list_metrics(Namespace="N")["Metrics"]
    assert [metric["Dimensions"] for metric in listed] == [data["Dimensions"], []]
    with pytest.raises(ClientError, match="does not support expressions"):
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "1+m"}], **window)


def test_the_region_is_named_as_botocore_names_it():
    from botocore.loaders import Loader

    partitions = Loader().load_data("endpoints")["partitions"]
    assert partitions[0]["regions"]["us-east-1"]["description"] == REGION_NAME


def test_the_policy_that_the_guide_gives_for_alarm_actions_is_understood():
    arn, alarm = "arn:aws:lambda:us-east-1:123456789012:function:f", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.alarms.cloudwatch.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012", "AWS:SourceArn": alarm}},
    }
    asked = ("lambda.alarms.cloudwatch.amazonaws.com", "lambda:InvokeFunction", arn)
    assert permissions.allows({"Statement": [statement]}, *asked, alarm)
    assert not permissions.allows({"Statement": [statement]}, *asked, alarm + "-other")
