"""Target groups that the list of an ECS service names: its author's, ours, another's, gone, or unknown."""

import dataclasses

import pytest

from ecs_lattice import ownership
from ecs_lattice.claims import Answer, ClaimRecord
from ecs_lattice.ecs_side.claims import AttachmentFacts, desired_claims
from ecs_lattice.ecs_side.owners import read_owner
from ecs_lattice.ecs_side.record import OURS, Owner
from ecs_lattice.errors import DeniedError, InvalidError, NotFoundError, ThrottledError
from ecs_lattice.model import Route
from ecs_lattice.outcome import Problem
from tests.ecs_side import bench as benches
from tests.ecs_side.bench import OTHER_ROLE, SERVICE
from tests.ecs_side.test_decisions import a_claim, asked

VICTIM = {ownership.OWNER: "ecs-lattice", ownership.CLUSTER: "shop", ownership.SERVICE: "payments"}
GROUP = "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-0123456789abcdef0"
TWO_ROUTES = {
    "lattice.service": "orders",
    "lattice.listener": "HTTP:80",
    "lattice.port": "web",
    "lattice.routes.first.path.prefix": "/first",
    "lattice.routes.taken.path.prefix": "/orders",
    "lattice.routes.taken.targets": "controller",
}


def entry(group, port="web"):
    return {"roleArn": OTHER_ROLE, "targetGroupArn": group, "portName": port}


class Tagged:
    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def tags(self, group_arn):
        self.asked.append(group_arn)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refusal(kind):
    return kind("ListTagsForResource", "Code", "text")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, Owner("somebody")),
        ({"team": "shop"}, Owner("somebody")),
        ({ownership.OWNER: ""}, Owner("somebody")),
        ({**VICTIM, ownership.SERVICE: "orders"}, OURS),
        (VICTIM, Owner("other_service")),
        ({**VICTIM, ownership.CLUSTER: "other", ownership.SERVICE: "orders"}, Owner("other_service")),
        ({ownership.OWNER: "ecs-lattice"}, Owner("other_service")),
        ({ownership.OWNER: "prod"}, Owner("other_stack", "prod")),
        (refusal(NotFoundError), Owner("gone")),
        (refusal(DeniedError), Owner("unknown")),
        (refusal(InvalidError), Owner("unknown")),
    ],
)
def test_the_owner_of_a_group(answer, expected):
    found = read_owner(Tagged(answer), "ecs-lattice", SERVICE, GROUP)
    assert found == expected
    assert found.is_lasting is (expected.kind not in {"gone", "unknown"})


@pytest.mark.parametrize("arn", [GROUP.replace("123456789012", "210987654321"), GROUP.replace("east", "west"), "x"])
def test_a_group_of_another_account_or_region_is_not_ours_and_not_read(arn):
    targets = Tagged(VICTIM)
    assert read_owner(targets, "ecs-lattice", SERVICE, arn) == Owner("somebody")
    assert targets.asked == []


def test_a_throttled_read_is_no_answer():
    with pytest.raises(ThrottledError):
        read_owner(Tagged(refusal(ThrottledError)), "ecs-lattice", SERVICE, GROUP)


def completed(bench, labels, group, port="web"):
    bench.create(bench.define(labels), vpcLatticeConfigurations=[entry(group, port)])
    bench.completed()
    bench.go()


@pytest.mark.parametrize("tags", [VICTIM, {ownership.OWNER: "prod"}])
def test_an_entry_that_names_anothers_group_makes_no_claim(bench, tags):
    """What used to work: the claim's own_group was the victim's group, and with it the victim's rule was the claimant's."""
    victims = bench.group("victims", tags=tags)
    completed(bench, TWO_ROUTES, victims)
    assert bench.records() == {}
    assert bench.requests.enqueued == []
    assert list(bench.registry.requirements()) == []
    refused = ("Refused", "FOREIGN_LIST_ENTRY")
    assert bench.states() == {"first": refused, "taken": refused}
    assert {(change.route, change.code) for change in bench.announced.changes} == {
        ("first", "FOREIGN_LIST_ENTRY"), ("taken", "FOREIGN_LIST_ENTRY"),
    }  # fmt: skip
    assert victims in bench.side.status(SERVICE).routes[0].message


def test_a_claim_that_the_version_before_made_of_anothers_group_ends_unless_it_is_live(bench):
    victims = bench.group("victims", tags=VICTIM)
    completed(bench, TWO_ROUTES, bench.group("by-hand", tags={}))
    for record in bench.records().values():
        bench.registry.put_claim(dataclasses.replace(record.claim, own_group=victims))
    bench.registry.put_answer(bench.records()["first"], Answer("Conflicted", "MATCH_TAKEN"))
    bench.registry.put_answer(bench.records()["taken"], Answer("Live", group_arn=victims))
    bench.deploy(vpcLatticeConfigurations=[entry(victims)])
    bench.completed()
    bench.go()
    claims = {name: record.claim for name, record in bench.records().items()}
    assert claims["first"].phase == "vanished"
    assert (claims["taken"].phase, claims["taken"].own_group) == ("declared", victims)
    assert bench.states() == {"first": ("Refused", "FOREIGN_LIST_ENTRY"), "taken": ("Live", "")}
    taken = next(status for status in bench.side.status(SERVICE) if status.route == "taken")
    assert [notice.code for notice in taken.notices] == ["FOREIGN_LIST_ENTRY"]


def test_a_pause_of_a_live_route_with_such_an_entry_can_be_taken_back(bench):
    group = bench.live()
    bench.deploy(bench.define(), vpcLatticeConfigurations=[entry(bench.group("victims", tags=VICTIM)), entry(group)])
    bench.completed()
    for paused in ("true", "false"):
        bench.ecs.tag_resource(resourceArn=SERVICE.arn, tags=[{"key": "lattice.pause", "value": paused}])
        bench.go()
        assert bench.records()["default"].claim.route.pause is (paused == "true")


def test_an_entry_on_another_port_is_its_authors_affair(bench):
    labels = {"lattice.service": "orders", "lattice.port": "web", "lattice.listener": "HTTP:80"}
    bench.create(
        bench.define(labels, {"web": 8080, "admin": 9090}),
        vpcLatticeConfigurations=[entry(bench.group("victims", tags=VICTIM), "admin")],
    )
    bench.completed()
    bench.go()
    assert bench.records()["default"].claim.own_group is None
    assert bench.states() == {"default": ("Pending", "CREATING")}


def test_what_cannot_be_read_makes_no_claim_and_is_not_remembered(bench, monkeypatch):
    group = bench.group("by-hand", tags={})
    with monkeypatch.context() as patched:
        patched.setattr(bench.side.targets, "tags", Tagged(refusal(DeniedError)).tags)
        completed(bench, benches.LABELS, group)
        assert bench.states() == {"default": ("Refused", "FOREIGN_LIST_ENTRY")}
    assert bench.record().owners == {}
    bench.go()
    assert bench.records()["default"].claim.own_group == group
    assert bench.record().owners == {group: Owner("somebody")}


def test_a_group_that_is_gone_is_nobodys_own_and_not_remembered(bench, monkeypatch):
    monkeypatch.setattr(bench.side.targets, "tags", Tagged(refusal(NotFoundError)).tags)
    completed(bench, benches.LABELS, bench.group("deleted", tags={}))
    assert bench.records()["default"].claim.own_group is None
    assert bench.record().owners == {}


def test_the_memory_of_the_version_before_is_read_again(bench):
    """It wrote "unowned" for untagged, deleted and unreadable groups alike."""
    victims = bench.group("victims", tags=VICTIM)
    completed(bench, benches.LABELS, victims)
    text = bench.registry.document("ecs", SERVICE.arn).replace('"other_service"', '"unowned"')
    assert "unowned" in text
    bench.registry.put_document("ecs", SERVICE.arn, text)
    bench.go()
    assert bench.records() == {}
    assert bench.record().owners == {victims: Owner("other_service")}


@pytest.mark.parametrize(
    ("state", "pause", "expected"),
    [
        ("Live", False, ("declared", False)),
        ("Wired", False, ("vanished", False)),
        ("Wired", True, ("declared", True)),
        ("Live", True, ("declared", True)),
    ],
)
def test_a_claim_of_a_route_that_may_make_none_stays_if_it_is_live_or_paused(state, pause, expected):
    route = Route("default", "orders", "web", pause=pause)
    key = ("orders", "default")
    known = {key: ClaimRecord(a_claim(), 1, Answer(state), 1, 1, 1)}
    observed = dataclasses.replace(
        asked(routes=(route,), known=known), withheld={key: Problem("FOREIGN_LIST_ENTRY", "text")}
    )
    claim = desired_claims(observed, AttachmentFacts())[key]
    assert (claim.phase, claim.route.pause) == expected
