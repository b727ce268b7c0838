"""Schedules fire on the local AWS's clock."""

from datetime import UTC, datetime

import pytest

from local_aws.delivery import expressions
from local_aws.services import clock


def test_a_rule_with_a_rate_fires_every_period(aws, table, eventually):
    def fired():
        rule = [i for i in aws.journal.invocations if "EveryMinute" in str(i.trigger.get("rule"))]
        return rule if len(rule) >= 3 else None

    runs = eventually(fired)
    assert {run.source for run in runs} == {"schedule"}
    assert "Item" in table.get_item(Key={"pk": "every-minute"})
    assert len(runs) * 60 <= clock().time() - clock().epoch  # never more often than every minute


def test_a_schedule_of_the_scheduler_fires_with_its_context(aws, table, eventually):
    def items():
        return [i["pk"] for i in table.scan()["Items"] if i["pk"].startswith("planned ")]

    planned = eventually(items)
    moment = datetime.fromisoformat(planned[0].removeprefix("planned "))
    assert moment.second == 0


def test_a_schedule_that_is_disabled_or_deleted_stops(aws, eventually):
    events = aws.client("events")
    rule = events.put_rule(Name="stopping", ScheduleExpression="rate(1 minute)")["RuleArn"]
    worker = aws.client("lambda").get_function(FunctionName=aws.outputs["Worker"])["Configuration"]["FunctionArn"]
    aws.client("lambda").add_permission(
        FunctionName=worker,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    target = {"Id": "f", "Arn": worker, "Input": '{"do": "nothing"}'}
    events.put_targets(Rule="stopping", Targets=[target])

    def runs(name):
        return [i for i in aws.journal.invocations if name in str(i.trigger.get("rule"))]

    eventually(lambda: runs("stopping"))
    events.disable_rule(Name="stopping")
    settled = len(runs("EveryMinute")) + 4  # by then one that stood on the clock has fired
    eventually(lambda: len(runs("EveryMinute")) >= settled)
    stopped = len(runs("stopping"))
    eventually(lambda: len(runs("EveryMinute")) >= settled + 3)
    assert len(runs("stopping")) == stopped


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("rate(1 minute)", "2026-11-23T09:00:00", "2026-11-23T09:01:00"),
        ("rate(15 minutes)", "2026-11-23T09:15:00", "2026-11-23T09:30:00"),
        ("rate(15 minutes)", "2026-11-23T09:29:59", "2026-11-23T09:30:00"),
        ("rate(1 day)", "2026-11-23T10:00:00", "2026-11-24T09:00:00"),
        ("cron(0 12 * * ? *)", "2026-11-23T12:00:00", "2026-11-24T12:00:00"),
        ("cron(0/15 8-10 ? * MON-FRI *)", "2026-11-27T10:50:00", "2026-11-30T08:00:00"),
        ("cron(5,35 * 1 JAN ? *)", "2026-11-23T09:00:00", "2027-01-01T00:05:00"),
        ("cron(0 0 ? * 1 2027)", "2026-11-23T09:00:00", "2027-01-03T00:00:00"),
        ("at(2026-12-01T00:00:00)", "2026-11-23T09:00:00", "2026-12-01T00:00:00"),
    ],
)
def test_an_expression_is_due_when_aws_says(expression, after, due):
    schedule = expressions.parse(expression, at("2026-11-23T09:00:00"))
    assert schedule.next_after(at(after)) == at(due)


def test_a_cron_is_in_its_time_zone():
    schedule = expressions.parse("cron(0 9 * * ? *)", 0.0, "Europe/Berlin")
    assert schedule.next_after(at("2026-11-23T09:00:00")) == at("2026-11-24T08:00:00")


@pytest.mark.parametrize("expression", ["at(2020-01-01T00:00:00)", "cron(0 0 1 1 ? 2020)"])
def test_what_lies_behind_is_never_due(expression):
    assert expressions.parse(expression, 0.0).next_after(at("2026-11-23T09:00:00")) is None


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("every minute", "is not rate"),
        ("rate(1 minutes)", "singular"),
        ("rate(2 minute)", "singular"),
        ("rate(0 minutes)", "positive"),
        ("cron(0 12 * * *)", "six fields"),
        ("cron(0 12 * * * *)", "exactly one"),
        ("cron(60 12 * * ? *)", "within 0 and 59"),
        ("cron(0 12 L * ? *)", "'L' is not understood"),
        ("at(tomorrow)", "tomorrow"),
    ],
)
def test_an_expression_that_is_not_understood_is_refused_with_its_reason(expression, reason):
    with pytest.raises(ValueError, match=reason):
        expressions.parse(expression, 0.0)
