"""SQS and the event source mappings that read it."""

import json

import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import Message

from local_aws.delivery.records import event_of, failed_ids, is_wanted
from local_aws.services import clock


def body(table, key):
    return table.get_item(Key={"pk": key}, ConsistentRead=True).get("Item")


def test_a_message_reaches_the_function_and_is_deleted(aws, table, send, eventually):
    message = send("Bells", {"do": "record", "key": "one message"})
    eventually(lambda: body(table, "one message"))
    run = eventually(
        lambda: next((i for i in aws.journal.invocations if message in i.trigger.get("messageIds", ())), None)
    )
    assert run.source == "sqs"
    assert run.error is None
    eventually(lambda: depth(aws, "Bells") == 0)


def test_messages_within_the_window_make_one_batch(aws, table, eventually):
    entries = [{"Id": str(n), "MessageBody": json.dumps({"do": "record", "key": f"batched {n}"})} for n in range(4)]
    aws.client("sqs").send_message_batch(QueueUrl=aws.outputs["Bells"], Entries=entries)
    eventually(lambda: all(body(table, f"batched {n}") for n in range(4)))
    assert max(int(body(table, f"batched {n}")["batch"]) for n in range(4)) >= 2


def test_of_a_batch_only_what_failed_comes_again(aws, table, send, eventually):
    send("Bells", {"do": "fail", "key": "again"})
    send("Bells", {"do": "append", "key": "not again", "value": 1})
    eventually(lambda: (body(table, "again") or {}).get("failures", 0) >= 3)
    assert body(table, "not again")["seen"] == [1]
    purge(aws, "Bells")


def test_a_group_is_in_order_and_one_at_a_time(aws, table, send, eventually):
    for value in range(6):
        order = {"do": "append", "key": "ordered", "value": value, "sleep": 0.05 if value % 2 == 0 else 0}
        send("Works", order, MessageGroupId="g", MessageDeduplicationId=f"ordered-{value}")
    eventually(lambda: len((body(table, "ordered") or {}).get("seen", ())) == 6)
    assert body(table, "ordered")["seen"] == list(range(6))


def test_what_fails_holds_its_group_and_no_other_and_ends_in_the_dead_letter_queue(aws, table, send, eventually):
    send("Works", {"do": "fail", "key": "poison"}, MessageGroupId="sick", MessageDeduplicationId="poison")
    behind = {"do": "record", "key": "behind the poison"}
    send("Works", behind, MessageGroupId="sick", MessageDeduplicationId="behind")
    send("Works", {"do": "record", "key": "well"}, MessageGroupId="well", MessageDeduplicationId="well")
    eventually(lambda: body(table, "well"))
    eventually(lambda: body(table, "behind the poison"))
    assert body(table, "poison")["failures"] == 2  # maxReceiveCount of the template
    from local_aws.inspection import dead_letters

    letters = [letter for letter in dead_letters() if "poison" in letter["body"]]
    assert [(letter["queue"], letter["messageGroupId"]) for letter in letters] == [("fixture-works-dead.fifo", "sick")]


def test_dead_letters_can_be_moved_back_to_the_queue_that_they_came_from(aws):
    sqs = aws.client("sqs")

    def made(name, **attributes):
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    dead, dead_arn = made("moved-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    source, source_arn = made("moved", RedrivePolicy=redrive)
    sqs.send_message(QueueUrl=dead, MessageBody="once more")
    assert sqs.start_message_move_task(SourceArn=dead_arn)["TaskHandle"]
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=source)["Messages"]] == ["once more"]
    assert "Messages" not in sqs.receive_message(QueueUrl=dead)
    for arn, code in ((source_arn, "InvalidParameterValue"), (f"{dead_arn}-x", "ResourceNotFoundException")):
        with pytest.raises(ClientError) as refused:
            sqs.start_message_move_task(SourceArn=arn)
        assert refused.value.response["Error"]["Code"] == code


def test_a_function_that_times_out_leaves_its_message_to_come_again(aws, send, eventually):
    message = send("Works", {"do": "sleep", "seconds": 60}, MessageGroupId="slow", MessageDeduplicationId="slow")

    def tries():
        return [i for i in aws.journal.invocations if message in i.trigger.get("messageIds", ())]

    eventually(lambda: len(tries()) == 2)
    assert all("Task timed out" in one.error for one in tries())


def test_a_deduplication_id_is_remembered_after_its_message_was_deleted(aws, table, send, eventually):
    first = {"do": "append", "key": "deduplicated", "value": 1}
    send("Works", first, MessageGroupId="d", MessageDeduplicationId="same")
    eventually(lambda: body(table, "deduplicated"))
    send("Works", {**first, "value": 2}, MessageGroupId="d", MessageDeduplicationId="same")
    send("Works", {**first, "value": 3}, MessageGroupId="d", MessageDeduplicationId="other")
    eventually(lambda: 3 in body(table, "deduplicated")["seen"])
    assert body(table, "deduplicated")["seen"] == [1, 3]


def test_a_delay_passes_in_the_local_awss_time(aws, table, send, eventually):
    sent = clock().time()
    send("Bells", {"do": "record", "key": "delayed"}, DelaySeconds=300)
    item = eventually(lambda: body(table, "delayed"))
    assert float(item["at"]) - sent >= 300


def test_a_message_is_not_seen_while_its_function_runs_however_quick_the_clock(aws, table, send, eventually):
    order = {"do": "append", "key": "held", "value": 1, "sleep": 0.6}  # 120 s here; the visibility timeout is 30 s
    send("Works", order, MessageGroupId="held", MessageDeduplicationId="held")
    eventually(lambda: (body(table, "held") or {}).get("seen"))
    eventually(lambda: depth(aws, "Works") == 0)
    assert body(table, "held")["seen"] == [1]


def test_a_disabled_mapping_reads_nothing_until_it_is_enabled(aws, table, send, eventually):
    service = aws.client("lambda")
    mapping = next(
        m["UUID"]
        for m in service.list_event_source_mappings()["EventSourceMappings"]
        if m["EventSourceArn"].endswith("works.fifo")
    )
    service.update_event_source_mapping(UUID=mapping, Enabled=False)
    message = send("Works", {"do": "record", "key": "later"}, MessageGroupId="l", MessageDeduplicationId="later")
    send("Bells", {"do": "record", "key": "meanwhile"})
    eventually(lambda: body(table, "meanwhile"))
    assert not [i for i in aws.journal.invocations if message in i.trigger.get("messageIds", ())]
    service.update_event_source_mapping(UUID=mapping, Enabled=True)
    eventually(lambda: body(table, "later"))


def test_the_event_is_lambdas(aws):
    message = Message("id-1", '{"a": 1}')
    message.mark_sent()
    message.receipt_handle = "handle"
    message.group_id, message.sequence_number = "g", "1"
    message.message_attributes = {"reason": {"DataType": "String", "StringValue": "none"}}
    record = event_of([message], "arn:aws:sqs:us-east-1:123456789012:q", "us-east-1")["Records"][0]
    assert record["messageId"] == "id-1"
    assert record["body"] == '{"a": 1}'
    assert record["eventSource"] == "aws:sqs"
    assert record["attributes"]["MessageGroupId"] == "g"
    assert "MessageDeduplicationId" not in record["attributes"]
    assert record["messageAttributes"]["reason"] == {
        "stringValue": "none",
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "String",
    }


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (b"null", set()),
        (b"", set()),
        (b"{}", set()),
        (b'{"batchItemFailures": null}', set()),
        (b'{"batchItemFailures": [{"itemIdentifier": "a"}]}', {"a"}),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"itemIdentifier": "c"}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"id": "a"}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"itemIdentifier": ["a"]}]}', {"a", "b"}),
        (b'"text"', {"a", "b"}),
        (b"{no", {"a", "b"}),
    ],
)
def test_an_answer_that_is_not_understood_fails_the_whole_batch(answer, failed):
    assert failed_ids(answer, ["a", "b"]) == failed


def test_a_filter_looks_into_the_body():
    criteria = {"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]}
    assert is_wanted(Message("1", '{"kind": "order"}'), criteria)
    assert not is_wanted(Message("2", '{"kind": "bill"}'), criteria)
    assert not is_wanted(Message("3", "text"), criteria)
    assert is_wanted(Message("4", "text"), None)


def depth(aws, queue):
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = aws.client("sqs").get_queue_attributes(QueueUrl=aws.outputs[queue], AttributeNames=wanted)
    return sum(int(value) for value in attributes["Attributes"].values())


def purge(aws, queue):
    aws.client("sqs").purge_queue(QueueUrl=aws.outputs[queue])
