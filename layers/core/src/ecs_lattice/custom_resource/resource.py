"""The life of one custom resource: Create, Update and Delete, in whatever order and overlap they come.

CloudFormation sends one request at a time, but not always: a Delete may come while a cancelled Create still runs, a
rollback's Update while a failed one does, and Lambda may repeat an invocation whose request was overtaken long ago. So
each request first writes down what it wishes, and then what is *written down* is made, again if it changed meanwhile:
whoever works last makes the newest wish true, and a repeated old request wishes nothing new.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ecs_lattice import api_calls, codec
from ecs_lattice.custom_resource import properties
from ecs_lattice.custom_resource.properties import RequiredIngress
from ecs_lattice.custom_resource.protocol import REQUEST_TYPES, Answer, Request
from ecs_lattice.errors import ConflictError, ThrottledError, UnavailableError
from ecs_lattice.ingress.open import Ingress, Opened
from ecs_lattice.outcome import Problem
from ecs_lattice.ports import Documents, Now

TYPES = ("Custom::LatticeIngress", "AWS::CloudFormation::CustomResource")
_KIND = "custom-resource"  # the kind of document that holds a Wish
_DAY_SECONDS = 86400
_REMEMBERED_REQUESTS = 50
_TRIES, _LONGEST_WAIT_SECONDS = 4, 5.0


@dataclass(frozen=True, slots=True)
class DesiredIngress:
    """What the newest request wants (None: nothing any more), every request seen, the newest last, and every group that was
    ever asked for, so that a half-made change is taken back whole."""

    wanted: RequiredIngress | None = None
    requests: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IngressResource:
    """All custom resources of this type; ``sleep`` waits (seconds) before a throttled call is tried again."""

    ingress: Ingress
    documents: Documents
    now: Now
    sleep: Callable[[float], None]

    def apply(self, request: Request) -> Answer:
        """Do what is asked. Raises AwsError and OutOfTimeError, after which the same request may be tried again."""
        if request.type == "Delete":
            return self._delete(request)
        refused = _refusals(request)
        if refused:
            return Answer(False, request.own_id, reason=said(refused))
        return self._make(request)

    def _make(self, request: Request) -> Answer:
        wanted = properties.read(request.properties)
        if isinstance(wanted, tuple):
            return Answer(False, request.own_id, reason=said(wanted))
        self._begin(request, wanted)
        newest, opened = self._converge(request)
        if newest != request.request_id:
            return _overtaken(request)
        if opened.problems:
            return Answer(False, request.own_id, reason=said(opened.problems))
        return Answer(True, request.own_id, data=_data(opened))

    def _delete(self, request: Request) -> Answer:
        if request.physical_id != request.own_id:
            # Made up by CloudFormation because no Create ever answered, or somebody else's: nothing here has that name.
            return Answer(True, request.physical_id or request.own_id)
        self._begin(request, None)
        self._converge(request)
        return Answer(True, request.own_id)

    def _begin(self, request: Request, wanted: RequiredIngress | None) -> None:
        """Write the wish down; one that was written before, and may be overtaken since, is not written again."""
        named = properties.group_ids_in(request.properties, request.old_properties)
        # What is deleted is remembered for as long as an old request may still be repeated.
        expires_at = None if wanted else self.now() + _DAY_SECONDS
        while True:
            before = self.documents.document(_KIND, request.own_id)
            wish = _read(before)
            if request.request_id in wish.requests:
                return
            requests = (*wish.requests, request.request_id)[-_REMEMBERED_REQUESTS:]
            text = codec.dumps(DesiredIngress(wanted, requests, tuple(sorted({*wish.group_ids, *named}))))
            if self.documents.replace_document(_KIND, request.own_id, before, text, expires_at=expires_at):
                return
            api_calls.check_time()  # another request was written between the two: look again

    def _converge(self, request: Request) -> tuple[str, Opened]:
        """Make what is wished, until nobody wishes anything else; the newest request, and what came of it."""
        wish = self._wish(request.own_id)
        while True:
            opened = self._patiently(request, wish)
            newer = self._wish(request.own_id)
            if newer.requests == wish.requests:
                return wish.requests[-1], opened
            wish = newer

    def _fulfil(self, request: Request, wish: DesiredIngress) -> Opened:
        """Add first, remove after: what an update moves is open all the time. With problems nothing is removed."""
        wanted = wish.wanted
        if wanted is None:
            self.ingress.close(request.own_id, wish.group_ids)
            return Opened()
        openings = wanted.openings(self.ingress.families())
        description = wanted.description or f"VPC Lattice, for {request.logical_id} of {request.stack_name}"
        opened = self.ingress.open_each(request.own_id, wanted.group_ids, openings, description)
        if not opened.problems:
            self.ingress.close(request.own_id, wish.group_ids, dict.fromkeys(wanted.group_ids, openings))
        return opened

    def _patiently(self, request: Request, wish: DesiredIngress) -> Opened:
        """Fulfil, tried again where AWS was busy: CloudFormation cannot be told "not yet"."""
        for _ in range(_TRIES - 1):
            try:
                return self._fulfil(request, wish)
            except ThrottledError as error:
                wait = error.retry_after
            except (UnavailableError, ConflictError):
                wait = 1.0
            api_calls.check_time()
            self.sleep(min(wait, _LONGEST_WAIT_SECONDS))
        return self._fulfil(request, wish)

    def _wish(self, key: str) -> DesiredIngress:
        return _read(self.documents.document(_KIND, key))


def _read(text: str | None) -> DesiredIngress:
    return codec.loads(DesiredIngress, text) if text else DesiredIngress()


def said(problems: tuple[Problem, ...]) -> str:
    """Problems as one text for CloudFormation's console, numbered where there are several."""
    texts = [str(problem) if problem.key else f"{problem.code}: {problem.message}" for problem in problems]
    if len(texts) == 1:
        return texts[0]
    numbered = [f"({number}) {text}" for number, text in enumerate(texts, start=1)]
    return f"{len(problems)} problems. " + " ".join(numbered)


def _refusals(request: Request) -> tuple[Problem, ...]:
    problems = []
    if request.type not in REQUEST_TYPES:
        problems.append(
            Problem("UNKNOWN_REQUEST", f"known are {', '.join(REQUEST_TYPES)}.", "RequestType", request.type)
        )
    if request.resource_type not in TYPES:
        message = f"this ServiceToken makes resources of type {TYPES[0]}."
        problems.append(Problem("UNKNOWN_TYPE", message, "Type", request.resource_type))
    identity = {
        "RequestId": request.request_id,
        "StackId": request.stack_id,
        "LogicalResourceId": request.logical_id,
    }
    missing = [name for name, value in identity.items() if not value]
    if missing:
        problems.append(Problem("INCOMPLETE_REQUEST", f"the request lacks {', '.join(missing)}."))
    return tuple(problems)


def _overtaken(request: Request) -> Answer:
    return Answer(False, request.own_id, reason="A newer request for this resource came meanwhile; that one counts.")


def _data(opened: Opened) -> dict[str, str]:
    """What Fn::GetAtt gives. Members are always there, because Fn::GetAtt fails on one that is not."""
    lists = {one.family: one.id for one in opened.prefix_lists}
    rules = sorted({rule.id for rule in opened.rules})
    return {
        "RuleIds": ",".join(rules),
        "RuleCount": str(len(rules)),
        "PrefixListIds": ",".join(lists[family] for family in sorted(lists)),
        "PrefixListIdIPv4": lists.get("IPV4", ""),
        "PrefixListIdIPv6": lists.get("IPV6", ""),
    }
