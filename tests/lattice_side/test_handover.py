"""An empty Lattice service whose holder is gone changes hands after a day, and no other does."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from ecs_lattice import codec, ownership
from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.claims import HELD_BY_OTHER, Claim, ClaimRecord, LatticeRecord
from ecs_lattice.errors import AwsError, DeniedError, ThrottledError, UnavailableError
from ecs_lattice.graph import FixedResponse, Group, Listener, Observed, Rule, Service, forward
from ecs_lattice.lattice_side import handover
from ecs_lattice.lattice_side.claim_facts import ClaimFacts, facts_of
from ecs_lattice.lattice_side.observe import Snapshot
from ecs_lattice.lattice_side.seen import parking_match
from ecs_lattice.lattice_side.steps import TagService
from ecs_lattice.model import Match, Placement, Route, ServiceId
from ecs_lattice.naming import listener_name, rule_name
from ecs_lattice.outcome import Done, NotYet
from tests.lattice_side.stage import GRACE, HTTP, NAME, SETTINGS, Holders, Stage, path, service

DAY = 86400.0
BY_SERVICE = "service/old/web"
OLD, NEW = service("web", cluster="old"), service("web", cluster="new")
ARN = "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-1"
OF_CLUSTER, OF_SERVICE = "arn:aws:ecs:us-east-1:123456789012:cluster/old", OLD.arn
ERRORS = [
    DeniedError("DescribeClusters", "AccessDeniedException", "not authorized"),
    ThrottledError("DescribeClusters", "ThrottlingException", "slow down"),
    UnavailableError("DescribeClusters", "ServerException", "no answer"),
]


class Documents:
    """The registry, as far as it says whether it has seen a whole resync."""

    def __init__(self, marker: str | None) -> None:
        self.marker = marker

    def document(self, kind: str, key: str) -> str | None:
        return self.marker if (kind, key) == ("stack", "marker") else None


def claim(who: ServiceId, **more: Any) -> ClaimFacts:
    route = Route("default", NAME, "http", pause=more.pop("pause", False))
    record = ClaimRecord(Claim(who, 1.0, route, Placement("vpc-1", "IPV4", 8080), **more), 1)
    return facts_of(record, SETTINGS)


def group(name: str = "left", **tags: str) -> Group:
    named = tuple((f"ecs-lattice:{key}", value) for key, value in sorted(tags.items()))
    return Group("tg-1", f"{ARN}/tg-1", name, "ACTIVE", "IP", "vpc-1", "HTTP", None, tags=named)


_NOT_FOUND = FixedResponse(404)


def listener(*rules: Rule, name: str = listener_name(HTTP), default: Any = _NOT_FOUND) -> Listener:
    return Listener("l-1", name, HTTP, default, rules)


def rule(match: Match, name: str = rule_name(OLD, "default", HTTP)) -> Rule:
    return Rule("r-1", name, 10, match, _NOT_FOUND)


def snapshot(holder: str = "cluster/old", gone_since: float | None = 0.0, **observed: Any) -> Snapshot:
    tags = ((ownership.HOLDER, holder), (ownership.OWNER, SETTINGS.owner))
    there = Service(ARN, NAME, "ACTIVE", "dns", None, None, "NONE", 60, tags)
    remembered = LatticeRecord(NAME, ARN, holder=holder, holder_gone_since=gone_since)
    return Snapshot(Observed(**{"service": there, **observed}), remembered)


def step(
    found: Snapshot, claims: tuple[ClaimFacts, ...] = (), now: float = DAY, marker: str | None = "{}", **settings: Any
) -> TagService | None:
    used = dataclasses.replace(SETTINGS, **settings)
    return handover.step(found, claims or (claim(NEW),), used, now, Documents(marker))  # type: ignore[arg-type]


PARKED = rule(parking_match(rule_name(OLD, "default", HTTP)))


@pytest.mark.parametrize("holder", ["cluster/old", "service/old/web"])
@pytest.mark.parametrize(
    ("sharing", "heir"), [("cluster", "cluster/new"), ("none", "service/new/web"), ("account", "account")]
)
@pytest.mark.parametrize(
    "left",
    [
        {},
        {"listeners": (listener(PARKED),)},
        {"groups": (group(cluster="third", service="web", owner="stack"),)},
        {"groups": (group(claim(NEW).group_name),)},
    ],
    ids=["nothing", "a parked rule", "somebody else's group", "the group of the one who declares"],
)
def test_an_empty_lattice_service_gets_the_holder_that_sharing_asks_for(
    holder: str, sharing: str, heir: str, left: dict[str, Any]
) -> None:
    wanted = TagService((), ARN, ((ownership.HOLDER, heir),))
    assert step(snapshot(holder, **left), sharing=sharing) == wanted


def test_who_claimed_first_is_the_new_holder() -> None:
    third = claim(service("api", cluster="third"), claimed_at=0.5)
    paused = claim(service("first", cluster="fourth"), claimed_at=0.1, pause=True)
    wanted = TagService((), ARN, ((ownership.HOLDER, "cluster/third"),))
    assert step(snapshot(), (claim(NEW, claimed_at=1.0), third, paused)) == wanted


BROKEN: dict[str, Callable[[], TagService | None]] = {
    "a second less than a day": lambda: step(snapshot(), now=DAY - 1),
    "not gone": lambda: step(snapshot(gone_since=None)),
    "the registry lacks a whole resync": lambda: step(snapshot(), marker=None),
    "a declared claim of the holder": lambda: step(snapshot(), (claim(NEW), claim(OLD))),
    "a vanished claim of the holder": lambda: step(snapshot(), (claim(NEW), claim(OLD, phase="vanished"))),
    "a deleted claim of the holder": lambda: step(snapshot(), (claim(NEW), claim(OLD, phase="deleted"))),
    "a paused claim of the holder": lambda: step(snapshot(), (claim(NEW), claim(OLD, pause=True))),
    "nobody but a paused claim": lambda: step(snapshot(), (claim(NEW, pause=True),)),
    "nobody but a claim that goes": lambda: step(snapshot(), (claim(NEW, phase="vanished"),)),
    "a live rule": lambda: step(snapshot(listeners=(listener(rule(path("/r"))),))),
    "a rule of others": lambda: step(snapshot(listeners=(listener(rule(PARKED.match, "by-hand")),))),
    "a listener of others": lambda: step(snapshot(listeners=(listener(name="by-hand"),))),
    "a default action that forwards": lambda: step(snapshot(listeners=(listener(default=forward({"tg-1": 1})),))),
    "a group of the cluster": lambda: step(snapshot(groups=(group(cluster="old", service="another", owner="stack"),))),
    "a group of the ECS service": lambda: step(snapshot(BY_SERVICE, groups=(group(cluster="old", service="web"),))),
    "a group without tags": lambda: step(snapshot(groups=(group(),))),
    "no Lattice service": lambda: step(snapshot(service=None)),
    "a Lattice service in the making": lambda: step(dataclasses.replace(snapshot(), is_usable=False)),
    "the account": lambda: step(snapshot("account")),
    "a hash": lambda: step(snapshot("sha256/" + "0" * 64)),
    "no name": lambda: step(snapshot("cluster/")),
    "a name too many": lambda: step(snapshot("cluster/old/web")),
    "a name too few": lambda: step(snapshot("service/old")),
    "a name that ECS cannot have": lambda: step(snapshot("cluster/öld")),
    "another Region": lambda: step(snapshot(), (claim(ServiceId(NEW.arn.replace("us-east-1", "eu-west-1"))),)),
    "another account": lambda: step(snapshot(), (claim(ServiceId(NEW.arn.replace("123456789012", "210987654321"))),)),
}


@pytest.mark.parametrize("condition", BROKEN)
def test_one_condition_that_does_not_hold_keeps_it_where_it_is(condition: str) -> None:
    assert step(snapshot()) is not None
    assert BROKEN[condition]() is None


@pytest.mark.parametrize(("holder", "arn"), [("cluster/old", OF_CLUSTER), ("service/old/web", OF_SERVICE)])
def test_ecs_is_asked_once_about_the_holder_and_the_day_begins_when_it_is_first_seen_to_be_gone(
    holder: str, arn: str
) -> None:
    holders = Holders({arn})
    first = handover.looked_after(snapshot(holder, None), (claim(NEW),), holders, 10.0)
    assert first.remembered.holder_gone_since == 10.0
    again = handover.looked_after(first, (claim(NEW),), holders, 20.0)
    assert again.remembered.holder_gone_since == 10.0
    assert holders.asked == [arn, arn]


@pytest.mark.parametrize("error", [None, *ERRORS], ids=str)
def test_a_holder_that_is_seen_again_or_cannot_be_read_is_not_gone(error: AwsError | None) -> None:
    found = handover.looked_after(snapshot(), (claim(NEW),), Holders(error=error), DAY)
    assert found.remembered.holder_gone_since is None


@pytest.mark.parametrize("holder", ["account", "sha256/" + "0" * 64, "cluster/", ""])
def test_ecs_is_not_asked_about_who_cannot_be_gone(holder: str) -> None:
    holders = Holders()
    found = handover.looked_after(snapshot(holder), (claim(NEW),), holders, DAY)
    assert (holders.asked, found.remembered.holder_gone_since) == ([], None)


def test_old_records_load_and_the_day_is_kept() -> None:
    assert codec.loads(LatticeRecord, '{"name": "shop"}').holder_gone_since is None
    kept = LatticeRecord("shop", holder_gone_since=5.0)
    assert codec.loads(LatticeRecord, codec.dumps(kept)) == kept


# With VPC Lattice and the registry.


@pytest.fixture
def moved(stage: Stage) -> Stage:
    """Live in cluster ``old``, then deleted there; declared in cluster ``new``, which Sharing keeps out."""
    stage.registry.put_document("stack", "marker", "{}")
    stage.claim(OLD, stage.route("r", path("/r")))
    stage.settle()
    stage.claim(NEW, stage.route("r", path("/r")), created_at=2.0)
    stage.settle()
    stage.vanish(OLD, "r", "deleted")
    stage.work(2 * GRACE)
    assert [record.claim.service for record in stage.records()] == [NEW]
    assert code(stage) == HELD_BY_OTHER
    return stage


def code(stage: Stage) -> str:
    return stage.record(NEW, "r").answer.code


def message(stage: Stage) -> str:
    return stage.record(NEW, "r").answer.message


def holder(stage: Stage) -> str:
    return str(
        stage.lattice.list_tags_for_resource(resourceArn=stage.registry.lattice(NAME).service_arn)["tags"][
            ownership.HOLDER
        ]
    )


def test_after_a_day_the_one_who_declares_is_live(moved: Stage) -> None:
    moved.holders.gone.add(OF_CLUSTER)
    moved.reconcile()
    since = moved.registry.lattice(NAME).holder_gone_since
    assert since is not None
    assert "changes hands at" in message(moved)
    assert "untag-resource" in message(moved)
    with moved.writes() as made:
        moved.clock.advance(DAY - 1)
        moved.reconcile()
    assert made == []
    moved.clock.advance(1)
    with moved.writes() as made:
        moved.settle()
    assert made[0] == "TagResource"
    assert holder(moved) == "cluster/new"
    assert moved.ask("/r") == "new/web:http"
    assert moved.registry.lattice(NAME).holder_gone_since is None


def test_the_resync_looks_again_when_the_day_is_over_and_then_no_more_often_than_at_drift(moved: Stage) -> None:
    moved.holders.gone.add(OF_CLUSTER)
    outcome = moved.reconcile()
    assert not isinstance(outcome, NotYet)
    record = moved.registry.lattice(NAME)
    assert record.holder_gone_since is not None
    assert record.due_at == record.holder_gone_since + DAY
    moved.registry.delete_document("stack", "marker")
    moved.clock.advance(DAY)
    moved.reconcile()
    assert moved.registry.lattice(NAME).due_at == 0.0
    assert code(moved) == HELD_BY_OTHER


def test_a_day_that_begins_writes_once(moved: Stage) -> None:
    moved.holders.gone.add(OF_CLUSTER)
    moved.settle()
    before = moved.registry.lattice(NAME), moved.records()
    moved.clock.advance(1800)
    moved.reconcile()
    assert (moved.registry.lattice(NAME), moved.records()) == before


def test_a_holder_that_comes_back_for_a_moment_begins_a_new_day(moved: Stage) -> None:
    moved.holders.gone.add(OF_CLUSTER)
    moved.reconcile()
    moved.clock.advance(23 * 3600)
    moved.holders.gone.clear()
    moved.reconcile()
    assert "changes hands" not in message(moved)
    moved.holders.gone.add(OF_CLUSTER)
    moved.reconcile()
    moved.clock.advance(DAY - 1)
    moved.reconcile()
    assert holder(moved) == "cluster/old"
    moved.clock.advance(1)
    moved.settle()
    assert holder(moved) == "cluster/new"


def test_a_claim_of_the_holder_ends_the_day_without_a_question(moved: Stage) -> None:
    moved.holders.gone.add(OF_CLUSTER)
    moved.reconcile()
    moved.holders.asked.clear()
    moved.claim(OLD, moved.route("r", path("/r")))
    moved.settle()
    assert moved.holders.asked == []
    assert moved.registry.lattice(NAME).holder_gone_since is None
    assert moved.state(OLD, "r") == "Live"
    assert "changes hands" not in message(moved)


def test_another_holder_begins_a_new_day(moved: Stage) -> None:
    moved.holders.gone |= {OF_CLUSTER, OF_CLUSTER.replace("old", "older")}
    moved.reconcile()
    moved.clock.advance(DAY)
    arn = moved.registry.lattice(NAME).service_arn
    moved.lattice.tag_resource(resourceArn=arn, tags={ownership.HOLDER: "cluster/older"})
    moved.reconcile()
    assert holder(moved) == "cluster/older"
    assert moved.registry.lattice(NAME).holder_gone_since == moved.clock.time()


def test_a_plan_shows_the_change_and_asks_ecs_nothing(moved: Stage) -> None:
    moved.holders.gone.add(OF_CLUSTER)
    moved.reconcile()
    moved.holders.asked.clear()
    assert moved.side.plan(NAME).steps == ()
    moved.clock.advance(DAY)
    assert [one["text"] for one in moved.side.plan(NAME).steps] == ["tag the service: ecs-lattice:holder=cluster/new"]
    assert moved.holders.asked == []


def test_nobody_is_asked_about_a_holder_who_has_routes(stage: Stage) -> None:
    stage.claim(OLD, stage.route("r", path("/r")))
    stage.claim(NEW, stage.route("s", path("/s")), created_at=2.0)
    stage.settle()
    assert stage.record(NEW, "s").answer.code == HELD_BY_OTHER
    assert stage.holders.asked == []


def test_while_nobody_declares_it_nobody_looks_and_the_day_is_forgotten(moved: Stage) -> None:
    moved.holders.gone.add(OF_CLUSTER)
    moved.reconcile()
    moved.vanish(NEW, "r", "deleted")
    moved.work(GRACE)
    assert moved.records() == ()
    moved.reconcile()
    assert moved.registry.lattice(NAME).holder_gone_since is None
    moved.clock.advance(DAY)
    moved.claim(NEW, moved.route("r", path("/r")))
    moved.settle()
    assert holder(moved) == "cluster/old"


def test_nothing_is_made_for_the_new_holder_before_the_tag_is_written(
    moved: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved.holders.gone.add(OF_CLUSTER)
    moved.reconcile()
    moved.clock.advance(DAY)
    tried: list[object] = []

    def denied(*arguments: object) -> None:
        tried.append(arguments)
        raise DeniedError("TagResource", "AccessDeniedException", "not authorized")

    with monkeypatch.context() as patched, moved.writes() as made:
        patched.setattr(BotoLattice, "tag", denied)
        moved.reconcile()
        moved.clock.advance(60)
        outcome = moved.reconcile()
    assert made == []
    assert len(tried) == 2
    assert outcome != Done()
    assert (code(moved), holder(moved)) == (HELD_BY_OTHER, "cluster/old")
    moved.clock.advance(900)
    moved.settle()
    assert moved.ask("/r") == "new/web:http"
