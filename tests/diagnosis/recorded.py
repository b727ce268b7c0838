"""The messages as they are recorded in ``messages/``: ``python -m tests.diagnosis.recorded`` rewrites them, to be read."""

import dataclasses
import json
from pathlib import Path

from ecs_lattice.diagnosis import message, route_messages, stack_messages
from ecs_lattice.diagnosis.causes import diagnose
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.message import Message
from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample
from ecs_lattice.diagnosis.subjects import StackSubject
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules
from ecs_lattice.ingress.model import AllowedPorts, PortRange
from ecs_lattice.messages.alarms import AlarmChange
from ecs_lattice.messages.announcements import StateChange
from tests.diagnosis.making import CASES, NOW, PREFIX_LISTS, SECURITY_GROUP, SERVICE, SUBJECT

FOLDER = Path(__file__).parent / "messages"
OWNER = "ecs-lattice/ecs-lattice/"
OPENED = NOW - 190
URL = "https://sqs.us-east-1.amazonaws.com/123456789012/ecs-lattice-DeadLetterQueue-X"


def an_alarm(name="orders/shop/orders/default", **more) -> AlarmChange:
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{OWNER}{name}"
    return AlarmChange(OWNER + name, arn, "ALARM", "OK", OPENED, **more)


def an_incident(key="alarm#x", **more) -> Incident:
    return Incident(key, state="ALARM", changed_at=OPENED, opened_at=OPENED, **more)


def a_change(prefix="lattice", **more) -> StateChange:
    given = {
        "ecs_service": SERVICE.arn, "route": "default", "lattice_service": "orders", "state": "Refused",
        "code": "NETWORK_UNKNOWN", "previous_state": "Pending",
        "message": f"{prefix}.network = 'nowhere' (docker label of container app in orders:7): no service network of that "
        "name; there are platform and shared.",
    }  # fmt: skip
    return StateChange(**{**given, **more})


def left_closed(prefix: str = "lattice") -> Evidence:
    """A group that is not opened, and the status that says why."""
    gate = SecurityGroupRules(SECURITY_GROUP.id, (), PREFIX_LISTS, "ecs-lattice")
    notice = problems.off(gate, [AllowedPorts("IPV4", PortRange(8080, 8080))], prefix)
    status = RouteStatus("default", "orders", "Live", notice.code, notice.message, command=notice.command)
    return dataclasses.replace(CASES["PREFIX_LIST_RULE_MISSING"], status=status)


def _stack(part, name, reason, description="", sample=None, unread="", **more) -> Message:
    alarm = an_alarm(f"stack/{part}", reason=reason, description=description, **more)
    return stack_messages.alarm_message(an_incident(), alarm, StackSubject(part, name), sample, unread)


def messages(prefix: str = "lattice") -> dict[str, Message]:
    """Every message of a stack with the label prefix ``prefix``, by the name of its files."""
    cases = {name: dataclasses.replace(evidence, label_prefix=prefix) for name, evidence in CASES.items()}
    found = {
        name: route_messages.alarm_message(an_incident(), an_alarm(), evidence, diagnose(evidence))
        for name, evidence in cases.items()
    }
    notified = an_incident(notified=True, cause="PREFIX_LIST_RULE_MISSING", recovered_at=OPENED + 725)
    flapping = dataclasses.replace(notified, changed_at=NOW - 100, recovered_at=OPENED + 7300, occurrences=9)
    back = dataclasses.replace(flapping, reopened=True)
    closed_group = dataclasses.replace(left_closed(prefix), label_prefix=prefix)
    closed = cases["PREFIX_LIST_RULE_MISSING"]
    refused = an_incident(notified=True, cause="NETWORK_UNKNOWN")
    threshold = "Threshold Crossed: 1 datapoint [1.0 (23/11/26 06:43:00)] was greater than the threshold (0.0)."
    letters = (
        DeadLetter((("at", "2026-11-23T06:41:00+00:00"), ("function", "ecs_events"), ("reason", "A message that is not JSON.")), "garbled", NOW - 370),
        DeadLetter((("ERROR_CODE", "NO_PERMISSIONS"), ("ERROR_MESSAGE", "Not authorized to send"), ("RULE_ARN", "arn:aws:events:us-east-1:123456789012:rule/x")), '{"version":"0"}', NOW - 300),
    )  # fmt: skip
    taken = a_change(
        prefix,
        state="Conflicted",
        code="MATCH_TAKEN",
        message="/orders* on HTTP:80 has belonged to shop/cart for 3 days.",
    )
    whole = a_change(prefix, route="", lattice_service="", code="UNKNOWN_KEY", message=f"{prefix}.sevice = 'orders' (docker label of container app in orders:8): there is no such key; did you mean {prefix}.service?")  # fmt: skip
    changed = a_change(prefix, code="DOMAIN_FIXED", previous_state="Refused", previous_code="NETWORK_UNKNOWN", message=f"{prefix}.domain cannot change on a Lattice service that exists.")  # fmt: skip
    return {
        **found,
        "flapping": route_messages.alarm_message(flapping, an_alarm(), cases["TASK_RESTARTING"], diagnose(cases["TASK_RESTARTING"])),
        "flapping-after-its-recovery": route_messages.alarm_message(back, an_alarm(), closed, diagnose(closed)),
        "ingress-is-off": route_messages.alarm_message(an_incident(), an_alarm(), closed_group, diagnose(closed_group)),
        "recovery-of-flapping": route_messages.recovery_message(flapping, SUBJECT),
        "recovery": route_messages.recovery_message(notified, SUBJECT),
        "refusal": route_messages.refused(an_incident(), a_change(prefix), "registry", again=False),
        "refusal-changed": route_messages.refused(refused, changed, "registry", again=True),
        "refusal-conflict": route_messages.refused(an_incident(), taken, "registry", again=False),
        "refusal-declaration": route_messages.refused(an_incident(), whole, "registry", again=False),
        "refusal-over": route_messages.accepted(dataclasses.replace(refused, changed_at=OPENED + 7500), a_change(prefix, state="Live", code="", message="")),
        "stack-dead-letters": _stack("deadLetters", "ecs-lattice-DeadLetterQueue-X", threshold, sample=DeadLetterSample(URL, letters)),
        "stack-dead-letters-unread": _stack("deadLetters", "ecs-lattice-DeadLetterQueue-X", threshold, unread="ReceiveMessage: AccessDenied: not authorized"),
        "stack-errors": _stack("errors", "ecs-lattice-EcsServiceFunction-X", threshold),
        "stack-throttles": _stack("throttles", "ecs-lattice-EcsServiceFunction-X", threshold),
        "stack-queue-age": _stack("queueAge", "ecs-lattice-ecs-services.fifo", threshold),
        "stack-probe": _stack("probe", "", "no datapoints were received for 5 periods and 5 missing datapoints were treated as [Breaching].", dimensions=(("Owner", "ecs-lattice"),)),
        "stack-recovery": stack_messages.recovery_message(dataclasses.replace(notified, recovered_at=OPENED + 3720), an_alarm(), StackSubject("deadLetters", "ecs-lattice-DeadLetterQueue-X")),
    }  # fmt: skip


def files() -> dict[str, str]:
    """What is recorded, by file name: the mail with its subject, and the chat's JSON laid out to be read."""
    found = {}
    for name, recorded in messages().items():
        found[f"{name}.txt"] = f"Subject: {recorded.mail_subject}\n\n{message.text(recorded)}"
        found[f"{name}.json"] = json.dumps(json.loads(message.chat(recorded)), indent=2, ensure_ascii=False) + "\n"
    return found


def main() -> None:
    """Record them again; files of messages that no longer exist are deleted."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    for name, written in files().items():
        (FOLDER / name).write_text(written)


if __name__ == "__main__":
    main()
