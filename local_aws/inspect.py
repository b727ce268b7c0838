"""What happened in the local AWS, for people, the demo and end-to-end tests: served under ``/_local_aws/``.

========================  ==========================================================================================
``health``                ``{"status": "running", "time", "speed", "stacks"}``
``calls``                 write calls of all services, oldest first; ``service=ecs`` narrows, ``reads=1`` adds reads
``events``                what was put on the default event bus
``invocations``           runs of functions: when, how long, how they ended, what triggered them
``messages``              what SNS topics delivered, or would have: protocol, endpoint, subject, body, outcome
``dead-letters``          messages in queues that are dead-letter queues of something
``authorizations``        what roles were allowed, and were not (:mod:`local_aws.iam`); ``denied=1`` narrows
``sam-local``             writes what `sam local` needs (:mod:`local_aws.sam_local`); where it is, or ``{"error": ...}``
========================  ==========================================================================================

All but ``health``, ``dead-letters`` and ``sam-local`` answer ``{"cursor": n, "<name>": [...]}``; ``since=n`` gives what
came after.
"""

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from moto.cloudformation.models import cloudformation_backends
from moto.core.responses import BaseResponse
from moto.events.models import events_backends
from moto.sqs.models import Queue, sqs_backends

from local_aws import clock, eventbus
from local_aws.delivery import topics
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam.denials import Refused
from local_aws.iam.ledger import Ledger

PREFIX = "/_local_aws/"
_READS = (
    "BatchGet", "BatchCheck", "Describe", "Discover", "Filter", "Get", "Head", "List", "Lookup",
    "Query", "ReceiveMessage", "Scan", "Search", "Select", "Simulate", "TransactGet", "Validate",
)  # fmt: skip

StartResponse = Callable[..., Any]
Guard = Callable[[BaseResponse], Refused | None]
"""Says whether a request is let through: None, or what is answered instead."""


@dataclass(frozen=True, slots=True)
class Call:
    """One API call: ``caller`` is the function that made it, or ``client``; ``error`` its error code, or None."""

    service: str
    operation: str
    caller: str
    time: float
    write: bool
    status: int
    error: str | None
    request: Any
    """The parameters, where the protocol carries them as JSON or as a query; and the path for REST protocols."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function: ``start`` in seconds of the local AWS's time, ``duration`` in real seconds."""

    function: str
    request_id: str
    start: float
    duration: float
    error: str | None
    source: str
    trigger: Mapping[str, Any]


@dataclass
class Journal:
    """What the local AWS notes down while it runs. Thread-safe."""

    calls: list[Call] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    authorizations: Ledger = field(default_factory=Ledger)
    _callers: dict[str, str] = field(default_factory=dict)
    _numbers: Iterable[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def access_key_of(self, function: str) -> str:
        """A new access key id, 20 characters as AWS's are, whose calls are the function's."""
        with self._lock:
            key = f"ASIALOCAL{next(iter(self._numbers)):011d}"
            self._callers[key] = function
        return key

    def caller_of(self, access_key: str) -> str:
        return self._callers.get(access_key, "client")

    def function_of(self, access_key: str) -> str | None:
        """The function that was given the access key; None if none was."""
        return self._callers.get(access_key)

    def called(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def invoked(self, invocation: Invocation) -> None:
        with self._lock:
            self.invocations.append(invocation)


_journal: Journal | None = None
_guard: Guard | None = None
_moto_call_action = BaseResponse.call_action


def watch(journal: Journal | None, guard: Guard | None = None) -> None:
    """Note every API call of every service in ``journal`` from now on; None stops it.

    ``guard`` is asked before each: what it gives is the answer, and the service never sees the call.
    """
    global _journal, _guard
    _journal, _guard = journal, guard
    BaseResponse.call_action = _moto_call_action if journal is None else _call_action  # type: ignore[method-assign]


def _call_action(self: BaseResponse) -> Any:
    status, error = 500, None
    try:
        refused = None if _guard is None else _guard(self)
        if refused is not None:
            answer = refused.answer
            status, error = answer[0], refused.code
        else:
            answer = _moto_call_action(self)
            status, error = int(answer[0]), _error_code(int(answer[0]), answer[1], answer[2])
    except Exception as raised:
        status = int(getattr(raised, "code", 500) or 500)
        error = str(getattr(raised, "error_type", type(raised).__name__))
        raise
    else:
        return answer
    finally:
        if _journal is not None:
            _journal.called(_call(self, _journal, status, error))


def _call(response: BaseResponse, journal: Journal, status: int, error: str | None) -> Call:
    operation = str(response._get_action() or "")
    return Call(
        service=str(response.boto3_service_name),
        operation=operation,
        caller=journal.caller_of(getattr(response, "access_key", "")),
        time=clock.current().time(),
        write=not operation.startswith(_READS),
        status=status,
        error=error,
        request=_request(response),
    )


def _request(response: BaseResponse) -> Any:
    body = response.body
    parameters: Any = body if isinstance(body, dict) else {}
    try:
        parameters = json.loads(body) if body and isinstance(body, str | bytes) else parameters
    except ValueError:
        parameters = {name: values[0] for name, values in parse_qs(body).items()} if isinstance(body, str) else {}
    path = urlsplit(response.uri).path
    return {"path": path, **parameters} if path != "/" and isinstance(parameters, dict) else parameters


def _error_code(status: int, headers: Mapping[str, Any], body: Any) -> str | None:
    if status < 400:
        return None
    for name, value in headers.items():
        if name.lower() == "x-amzn-errortype":
            return str(value).split(":")[0]
    try:
        parsed = json.loads(body)
        return str(parsed.get("__type") or parsed.get("code") or status).rpartition("#")[2]
    except (ValueError, TypeError, AttributeError):
        return str(status)


class Inspection:
    """The WSGI application behind ``/_local_aws/``."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        query = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        answer = self._answer(environ["PATH_INFO"].removeprefix(PREFIX), query)
        status = "404 Not Found" if answer is None else "200 OK"
        known = ["health", "calls", "events", "invocations", "messages", "dead-letters", "authorizations", "sam-local"]
        body = json.dumps(
            answer if answer is not None else {"error": "unknown page", "known": known}, default=str
        ).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, page: str, query: Mapping[str, str]) -> Any:
        since = int(query.get("since", "0") or "0") if query.get("since", "0").isdigit() else 0
        match page:
            case "health":
                return _health()
            case "calls":
                calls = list(self._journal.calls)
                chosen = [c for c in calls[since:] if _wanted(c, query)]
                return {"cursor": len(calls), "calls": [asdict(call) for call in chosen]}
            case "events":
                events = list(eventbus.history)
                return {"cursor": len(events), "events": events[since:]}
            case "invocations":
                invocations = list(self._journal.invocations)
                return {"cursor": len(invocations), "invocations": [asdict(i) for i in invocations[since:]]}
            case "messages":
                delivered = topics.deliveries()
                return {"cursor": len(delivered), "messages": [asdict(message) for message in delivered[since:]]}
            case "dead-letters":
                return {"dead-letters": dead_letters()}
            case "authorizations":
                return self._authorizations(since, denied=query.get("denied") == "1")
            case "sam-local":
                from local_aws import sam_local  # it knows the functions, which know this journal

                return sam_local.prepare()
        return None

    def _authorizations(self, since: int, *, denied: bool) -> dict[str, Any]:
        cursor, found = self._journal.authorizations.since(since)
        chosen = [asdict(one) for one in found if not (denied and one.allowed)]
        return {"cursor": cursor, "authorizations": chosen}


def _wanted(call: Call, query: Mapping[str, str]) -> bool:
    return (call.write or query.get("reads") == "1") and call.service == query.get("service", call.service)


def _health() -> dict[str, Any]:
    now = clock.current()
    stacks = cloudformation_backends[ACCOUNT][REGION].stacks.values()
    return {
        "status": "running",
        "time": clock.iso(),
        "speed": getattr(now, "speed", 1.0),
        "stacks": {stack.name: stack.status for stack in stacks},
    }


def dead_letters() -> list[dict[str, Any]]:
    """The messages of all dead-letter queues, without receiving them."""
    return [
        {
            "queue": queue.name,
            "messageId": message.id,
            "body": message.body,
            "attributes": {k: v.get("StringValue") for k, v in message.message_attributes.items()},
            "receiveCount": message.approximate_receive_count,
            "messageGroupId": message.group_id,
        }
        for queue in _dead_letter_queues()
        for message in list(queue._messages)
    ]


def _dead_letter_queues() -> list[Queue]:
    queues = sqs_backends[ACCOUNT][REGION].queues
    named = {queue.dead_letter_queue.name for queue in queues.values() if queue.dead_letter_queue}
    for bus in events_backends[ACCOUNT][REGION].event_buses.values():
        for rule in bus.rules.values():
            arns = (target.get("DeadLetterConfig", {}).get("Arn") for target in rule.targets)
            named |= {arn.rpartition(":")[2] for arn in arns if arn}
    return [queue for name, queue in sorted(queues.items()) if name in named]
