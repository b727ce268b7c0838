"""Pages that show what happened in the local AWS, under ``/_local_aws/``: for people, the demo and end-to-end tests.

========================  ==========================================================================================
``health``                ``{"status": "running", "time", "speed", "stacks"}``
``calls``                 write calls of all services, oldest first; ``service=ecs`` filters, ``reads=1`` adds reads
``events``                the events of the default event bus
``invocations``           runs of functions: start, duration, result, trigger
``messages``              deliveries of SNS topics, real or recorded: protocol, endpoint, subject, body, outcome
``mail``                  of these the mails, as text; ``to=address`` filters, ``since=n`` leaves out the first ``n``
``dead-letters``          the messages in all dead-letter queues
``authorizations``        the authorization log of roles (:mod:`local_aws.iam`); ``denied=1`` shows denials only
``sam-local``             writes the files of `sam local` (:mod:`local_aws.sam_local`); their paths, or ``{"error": ...}``
========================  ==========================================================================================

All but ``health``, ``mail``, ``dead-letters`` and ``sam-local`` answer ``{"cursor": n, "<name>": [...]}``; ``since=n`` returns
only what was added after cursor ``n``.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from moto.cloudformation.models import cloudformation_backends
from moto.events.models import events_backends
from moto.sqs.models import Queue, sqs_backends

from local_aws import mailbox
from local_aws.delivery import topics
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam.authorization_log import AuthorizationLog
from local_aws.journal import Call, Journal
from local_aws.services import Services

PREFIX = "/_local_aws/"

StartResponse = Callable[..., Any]
Page = Callable[[int, Mapping[str, str]], Any]
"""From the cursor and the query to the page's content: text as it is, anything else as JSON."""


class Inspection:
    """The WSGI application behind ``/_local_aws/``."""

    def __init__(self, services: Services, journal: Journal, authorization_log: AuthorizationLog) -> None:
        self._services = services
        self._journal = journal
        self._log = authorization_log
        self.sam_local: Callable[[], dict[str, Any]] = _no_application
        """Answers the page ``sam-local``."""
        self._pages: Mapping[str, Page] = {
            "health": lambda _since, _query: self._health(),
            "calls": self._calls,
            "events": lambda since, _query: _after(since, "events", services.events.history),
            "invocations": lambda since, _query: _after(since, "invocations", journal.invocations, asdict),
            "messages": lambda since, _query: _after(since, "messages", topics.deliveries(), asdict),
            "mail": lambda since, query: mailbox.text(topics.deliveries(), since, query.get("to")),
            "dead-letters": lambda _since, _query: {"dead-letters": dead_letters()},
            "authorizations": self._authorizations,
            "sam-local": lambda _since, _query: self.sam_local(),
        }

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        query = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        page = self._pages.get(environ["PATH_INFO"].removeprefix(PREFIX))
        if page is None:
            status, content = "404 Not Found", {"error": "unknown page", "known": list(self._pages)}
        else:
            since = query.get("since", "")
            status, content = "200 OK", page(int(since) if since.isdigit() else 0, query)
        text, kind = _written(content)
        body = text.encode()
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _health(self) -> dict[str, Any]:
        stacks = cloudformation_backends[ACCOUNT][REGION].stacks.values()
        return {
            "status": "running",
            "time": self._services.clock.iso(),
            "speed": self._services.clock.speed,
            "stacks": {stack.name: stack.status for stack in stacks},
        }

    def _calls(self, since: int, query: Mapping[str, str]) -> dict[str, Any]:
        calls = list(self._journal.calls)
        chosen = [asdict(call) for call in calls[since:] if _is_chosen(call, query)]
        return {"cursor": len(calls), "calls": chosen}

    def _authorizations(self, since: int, query: Mapping[str, str]) -> dict[str, Any]:
        cursor, entries = self._log.since(since)
        denials_only = query.get("denied") == "1"
        chosen = [asdict(entry) for entry in entries if not (denials_only and entry.allowed)]
        return {"cursor": cursor, "authorizations": chosen}


def _written(content: Any) -> tuple[str, str]:
    """The text of a page's content and its media type."""
    if isinstance(content, str):
        return content, "text/plain; charset=utf-8"
    return json.dumps(content, default=str), "application/json"


def _no_application() -> dict[str, Any]:
    return {"error": "This local AWS does not serve an application directory: start it with make local."}


def _after(cursor: int, name: str, entries: Iterable[Any], show: Callable[[Any], Any] = lambda entry: entry) -> Any:
    """A page of a list that only grows: the entries after the cursor."""
    listed = list(entries)
    return {"cursor": len(listed), name: [show(entry) for entry in listed[cursor:]]}


def _is_chosen(call: Call, query: Mapping[str, str]) -> bool:
    return (call.write or query.get("reads") == "1") and call.service == query.get("service", call.service)


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
