"""The messages as they are recorded in ``messages/``: ``python -m tests.diagnosis.recorded`` writes them anew, to be read."""

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


def a_change(**more) -> StateChange:
    given = {
        "ecs_service": SERVICE.arn, "route": "default", "lattice_service": "orders", "state": "Refused",
        "code": "NETWORK_UNKNOWN", "previous_state": "Pending",
        "message": "lattice.network = 'nowhere' (docker label of container app in orders:7): no service network of that "
        "name; there are platform and shared.",
    }  # fmt: skip
    return StateChange(**{**given, **more})


def left_closed() -> Evidence:
    """A group that nobody opens, with the status that says so."""
    gate = SecurityGroupRules(SECURITY_GROUP.id, (), PREFIX_LISTS, "ecs-lattice")
    notice = problems.off(gate, [AllowedPorts("IPV4", PortRange(8080, 8080))])
    status = RouteStatus("default", "orders", "Live", notice.code, notice.message)
    return dataclasses.replace(CASES["PREFIX_LIST_RULE_MISSING"], status=status)


def _stack(part, name, reason, description="", peek=None, unread="") -> Message:
    alarm = an_alarm(f"stack/{part}", reason=reason, description=description)
    return stack_messages.not_well(an_incident(), alarm, StackSubject(part, name), "us-east-1", peek, unread)


def messages() -> dict[str, Message]:
    """Every message, by the name of its files."""
    found = {
        name: route_messages.not_well(an_incident(), an_alarm(), evidence, diagnose(evidence))
        for name, evidence in CASES.items()
    }
    told = an_incident(told=True, cause="PREFIX_LIST_RULE_MISSING")
    flapping = dataclasses.replace(told, changed_at=NOW - 100, times=9)
    back = dataclasses.replace(flapping, reopened=True)
    closed = CASES["PREFIX_LIST_RULE_MISSING"]
    refused = an_incident(told=True, cause="NETWORK_UNKNOWN")
    threshold = "Threshold Crossed: 1 datapoint [1.0 (23/11/26 06:43:00)] was greater than the threshold (0.0)."
    letters = (
        DeadLetter((("at", "2026-11-23T06:41:00+00:00"), ("function", "ecs_events"), ("reason", "A message that is not JSON.")), "garbled", NOW - 370),
        DeadLetter((("ERROR_CODE", "NO_PERMISSIONS"), ("ERROR_MESSAGE", "Not authorized to send"), ("RULE_ARN", "arn:aws:events:us-east-1:123456789012:rule/x")), '{"version":"0"}', NOW - 300),
    )  # fmt: skip
    taken = a_change(
        state="Conflicted", code="MATCH_TAKEN", message="/orders* on HTTP:80 belongs to shop/cart since 3 days."
    )
    whole = a_change(route="", lattice_service="", code="UNKNOWN_KEY", message="lattice.sevice = 'orders' (docker label of container app in orders:8): there is no such key; did you mean lattice.service?")  # fmt: skip
    changed = a_change(code="DOMAIN_FIXED", previous_state="Refused", previous_code="NETWORK_UNKNOWN", message="lattice.domain cannot change on a Lattice service that exists.")  # fmt: skip
    return {
        **found,
        "comes-and-goes": route_messages.not_well(flapping, an_alarm(), CASES["TASK_RESTARTING"], diagnose(CASES["TASK_RESTARTING"])),
        "comes-again": route_messages.not_well(back, an_alarm(), closed, diagnose(closed)),
        "ingress-is-off": route_messages.not_well(an_incident(), an_alarm(), left_closed(), diagnose(left_closed())),
        "recovery-of-what-came-and-went": route_messages.well_again(flapping, SUBJECT, OPENED + 7300),
        "recovery": route_messages.well_again(told, SUBJECT, OPENED + 725),
        "refusal": route_messages.refused(an_incident(), a_change(), "registry", again=False),
        "refusal-changed": route_messages.refused(refused, changed, "registry", again=True),
        "refusal-conflict": route_messages.refused(an_incident(), taken, "registry", again=False),
        "refusal-declaration": route_messages.refused(an_incident(), whole, "registry", again=False),
        "refusal-over": route_messages.accepted(refused, a_change(state="Live", code="", message=""), OPENED + 7500),
        "stack-dead-letters": _stack("deadLetters", "ecs-lattice-DeadLetterQueue-X", threshold, peek=DeadLetterSample(URL, letters)),
        "stack-dead-letters-unread": _stack("deadLetters", "ecs-lattice-DeadLetterQueue-X", threshold, unread="ReceiveMessage: AccessDenied: not authorized"),
        "stack-errors": _stack("errors", "ecs-lattice-EcsServiceFunction-X", threshold),
        "stack-throttles": _stack("throttles", "ecs-lattice-EcsServiceFunction-X", threshold),
        "stack-queue-age": _stack("queueAge", "ecs-lattice-ecs-services.fifo", threshold),
        "stack-probe": _stack("probe", "", "no datapoints were received for 5 periods and 5 missing datapoints were treated as [Breaching]."),
        "stack-recovery": stack_messages.well_again(told, an_alarm(), StackSubject("deadLetters", "ecs-lattice-DeadLetterQueue-X"), OPENED + 3720),
    }  # fmt: skip


def files() -> dict[str, str]:
    """What is recorded, by file name: the mail with its subject, and the chat's JSON laid out to be read."""
    found = {}
    for name, each in messages().items():
        found[f"{name}.txt"] = f"Subject: {each.mail_subject}\n\n{message.text(each)}"
        found[f"{name}.json"] = json.dumps(json.loads(message.chat(each)), indent=2, ensure_ascii=False) + "\n"
    return found


def main() -> None:
    """Record them anew; files of messages that are no more go."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    for name, written in files().items():
        (FOLDER / name).write_text(written)


if __name__ == "__main__":
    main()
