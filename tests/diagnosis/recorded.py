"""The messages as they are recorded in ``messages/``: ``python -m tests.diagnosis.recorded`` rewrites them, to be read."""

import dataclasses
import json
from pathlib import Path

from ecs_lattice.diagnosis import message, refusal_messages, route_messages, stack_messages
from ecs_lattice.diagnosis.causes import diagnose
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.message import Message
from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample
from ecs_lattice.diagnosis.refusal_messages import Findings
from ecs_lattice.diagnosis.refusals import Refusal, Refusals, Report, Reported
from ecs_lattice.diagnosis.subjects import StackSubject
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules
from ecs_lattice.ingress.model import AllowedPorts, PortRange
from ecs_lattice.messages.alarms import AlarmChange
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


def a_refusal(*present: tuple[Refusal, str], held: int = 0, hold_reopened: bool = False, sent: int = 0) -> Message:
    """What is refused, each with its reason in words."""
    state = Refusals(SERVICE.arn, opened_at=OPENED, reopened=hold_reopened, sent=(OPENED,) * sent)
    report = Report(state, tuple(Reported(refusal, OPENED) for refusal, _ in present), (), held)
    return refusal_messages.refused(report, Findings(dict(present), {}, exists=True), "registry", NOW)


def an_end(*ended: Refusal, states: dict[tuple[str, str], str]) -> Message:
    report = Report(
        Refusals(SERVICE.arn, opened_at=OPENED), (), tuple(Reported(one, OPENED, OPENED + 7500) for one in ended), 0
    )
    return refusal_messages.accepted(report, Findings({}, states, exists=True), OPENED + 8100)


def left_closed(prefix: str = "lattice") -> Evidence:
    """A group that is not opened, and the status that says why."""
    gate = SecurityGroupRules(SECURITY_GROUP.id, (), PREFIX_LISTS, "ecs-lattice")
    notice = problems.off(gate, [AllowedPorts("IPV4", PortRange(8080, 8080))], prefix)
    status = RouteStatus("default", "orders", "Live", notice.code, notice.message, command=notice.command)
    return dataclasses.replace(CASES["PREFIX_LIST_RULE_MISSING"], status=status)


def _stack(part, name, sample=None, unread="", **more) -> Message:
    alarm = an_alarm(f"stack/{part}", **more)
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
    letters = (
        DeadLetter((("at", "2026-11-23T06:41:00+00:00"), ("function", "ecs_events"), ("reason", "A message that is not JSON.")), "garbled", NOW - 370),
        DeadLetter((("ERROR_CODE", "NO_PERMISSIONS"), ("ERROR_MESSAGE", "Not authorized to send"), ("RULE_ARN", "arn:aws:events:us-east-1:123456789012:rule/x")), '{"version":"0"}', NOW - 300),
    )  # fmt: skip
    unknown = Refusal("orders", "default", "Refused", "NETWORK_UNKNOWN")
    taken = Refusal("orders", "cart", "Conflicted", "MATCH_TAKEN")
    whole = Refusal("", "", "Refused", "UNKNOWN_KEY")
    words = {
        unknown: f"{prefix}.network = 'nowhere' (docker label of container app in orders:7): no service network of that name; "
        "there are platform and shared.",
        taken: "/orders* on HTTP:80 has belonged to shop/cart for 3 days.",
        whole: f"UNKNOWN_KEY: {prefix}.sevice = 'orders' (docker label of container app in orders:8): there is no such key; did "
        f"you mean {prefix}.service?",
    }
    notice = (
        Refusal("orders", "default", "Notice", "SHADOWED"),
        "Requests for /orders/a* go to route a of shop/cart first.",
    )
    return {
        **found,
        "flapping": route_messages.alarm_message(flapping, an_alarm(), cases["TASK_RESTARTING"], diagnose(cases["TASK_RESTARTING"])),
        "flapping-after-its-recovery": route_messages.alarm_message(back, an_alarm(), closed, diagnose(closed)),
        "ingress-is-off": route_messages.alarm_message(an_incident(), an_alarm(), closed_group, diagnose(closed_group)),
        "recovery-of-flapping": route_messages.recovery_message(flapping, SUBJECT),
        "recovery": route_messages.recovery_message(notified, SUBJECT),
        "no-longer-watched": route_messages.unwatched_message(notified, SUBJECT, "It is no longer declared.", OPENED + 7500),
        "refusal": a_refusal((unknown, words[unknown])),
        "refusal-again": a_refusal((unknown, words[unknown]), hold_reopened=True),
        "refusal-conflict": a_refusal((taken, words[taken])),
        "refusal-declaration": a_refusal((whole, words[whole])),
        "refusal-several": a_refusal(*words.items(), held=48, sent=5),
        "refusal-notice": a_refusal(notice),
        "refusal-over": an_end(unknown, states={unknown.subject: "Live"}),
        "refusal-several-over": an_end(unknown, taken, whole, states={}),
        "stack-dead-letters": _stack("deadLetters", "ecs-lattice-DeadLetterQueue-X", sample=DeadLetterSample(URL, letters)),
        "stack-dead-letters-unread": _stack("deadLetters", "ecs-lattice-DeadLetterQueue-X", unread="ReceiveMessage: AccessDenied: not authorized"),
        "stack-errors": _stack("errors", "ecs-lattice-EcsServiceFunction-X"),
        "stack-throttles": _stack("throttles", "ecs-lattice-EcsServiceFunction-X"),
        "stack-queue-age": _stack("queueAge", "ecs-lattice-ecs-services.fifo"),
        "stack-probe": _stack("probe", "", dimensions=(("Owner", "ecs-lattice"),)),
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
