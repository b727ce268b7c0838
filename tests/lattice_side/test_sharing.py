"""Several ECS services on one Lattice service: who gets what, and what is refused."""

import dataclasses
from collections import Counter
from typing import Any

import pytest

from ecs_lattice import ownership
from ecs_lattice.outcome import Done, Refused
from local_aws.lattice.quotas import Quotas
from tests.lattice_side.stage import GRACE, HTTP, HTTPS, NAME, SETTINGS, SETTLE, Stage, path, service

WEB, API, OTHER = service("web"), service("api"), service("web", cluster="test")


def code(stage: Stage, who: object, name: str = "default") -> str:
    return stage.record(who, name).answer.code  # type: ignore[arg-type]


def test_the_older_ecs_service_gets_a_match_that_nobody_has_yet(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")), created_at=2.0)
    stage.claim(API, stage.route("r", path("/r")), created_at=1.0)
    stage.settle()
    assert stage.ask("/r") == "prod/api:http"
    assert code(stage, WEB, "r") == "MATCH_TAKEN"


def test_who_has_a_match_keeps_it_against_an_older_ecs_service(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")), created_at=2.0)
    stage.settle()
    with stage.writes() as made:
        stage.claim(API, stage.route("r", path("/r")), created_at=1.0)
        assert isinstance(stage.settle(), Refused)
    assert made == []
    assert stage.ask("/r") == "prod/web:http"
    assert (stage.state(WEB, "r"), stage.state(API, "r")) == ("Live", "Conflicted")


def test_a_conflict_stops_one_route_only(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    stage.claim(API, stage.route("r", path("/r")), created_at=2.0)
    stage.claim(API, stage.route("s", path("/s")), created_at=2.0)
    stage.settle()
    assert code(stage, API, "r") == "MATCH_TAKEN"
    assert stage.state(API, "s") == "Live"


def test_routes_with_weights_share_a_match_and_a_third_joins_at_weight_0(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r"), weight=90))
    stage.settle()
    stage.attaches = False
    stage.claim(API, stage.route("r", path("/r"), weight=10))
    stage.settle()
    assert {group["weight"] for group in stage.rules()[0]["action"]["forward"]["targetGroups"]} == {90, 0}
    stage.attaches = True
    stage.settle()
    assert Counter(stage.ask("/r") for _ in range(100)) == {"prod/web:http": 90, "prod/api:http": 10}


def test_a_share_without_a_weight_is_in_conflict(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r"), weight=90))
    stage.claim(API, stage.route("r", path("/r")), created_at=2.0)
    stage.settle()
    assert code(stage, API, "r") == "MATCH_TAKEN"


def test_weights_that_are_all_0_are_refused(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r"), weight=0))
    stage.settle()
    assert code(stage, WEB, "r") == "WEIGHTS_ZERO"


@pytest.mark.parametrize(("sharing", "joins"), [("none", set()), ("cluster", {API}), ("account", {API, OTHER})])
def test_the_holder_tag_decides_who_may_claim(stage: Stage, sharing: str, joins: set[object]) -> None:
    stage.use(dataclasses.replace(SETTINGS, sharing=sharing))  # type: ignore[arg-type]
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    stage.use(dataclasses.replace(SETTINGS, sharing="account"))  # who holds it is written on it, whatever is set now
    for who in (API, OTHER):
        stage.claim(who, stage.route("s", path(f"/{who.cluster}/{who.name}")), created_at=2.0)
    stage.settle()
    live = {r.claim.service for r in stage.records() if r.answer.state == "Live"}
    held = {r.claim.service for r in stage.records() if r.answer.code == "HELD_BY_OTHER"}
    assert live == {WEB, *joins}
    assert held == {API, OTHER} - joins
    arn = stage.registry.lattice(NAME).service_arn
    command = f"aws vpc-lattice untag-resource --resource-arn {arn} --tag-keys ecs-lattice:holder"
    assert all(command in r.answer.message for r in stage.records() if r.claim.service in held)


def test_the_holder_survives_a_lost_table(stage: Stage) -> None:
    stage.use(dataclasses.replace(SETTINGS, sharing="none"))
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    for record in stage.records():
        stage.registry.delete_claim(record)
    stage.registry.delete_lattice(NAME)
    with stage.writes() as made:
        stage.claim(API, stage.route("r", path("/r")), created_at=0.5)
        stage.work(GRACE * 2)
    assert stage.ask("/r") == "prod/web:http"
    assert code(stage, API, "r") == "HELD_BY_OTHER"
    assert set(made) <= {"CreateTargetGroup", "CreateService", "DeleteTargetGroup"}


def test_a_lost_table_is_found_again_by_name_without_a_change_of_the_rules(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    before = [(rule["id"], rule["lastUpdatedAt"]) for rule in stage.rules()]
    stage.registry.delete_lattice(NAME)
    assert stage.settle() == Done()
    assert [(rule["id"], rule["lastUpdatedAt"]) for rule in stage.rules()] == before
    assert len(stage.groups()) == 1
    assert stage.state(WEB, "r") == "Live"


def test_a_service_of_somebody_else_is_left_alone(stage: Stage) -> None:
    stage.lattice.create_service(name=NAME, tags={ownership.OWNER: "another-stack"})
    stage.clock.advance(10)
    stage.claim(WEB, stage.route("r", path("/r")))
    outcome = stage.settle()
    assert isinstance(outcome, Refused)
    assert code(stage, WEB, "r") == "FOREIGN_SERVICE"
    assert stage.lattice.list_listeners(serviceIdentifier=stage.service_id())["items"] == []


def test_a_rule_of_somebody_else_is_left_alone_and_priorities_step_around_it(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    taken = {"httpMatch": {"pathMatch": {"match": {"prefix": "/mine"}}}}
    action = stage.rules()[0]["action"]
    stage.lattice.create_rule(**stage.listener(), name="by-hand", priority=10, match=taken, action=action)
    stage.claim(WEB, stage.route("first", path("/first"), priority=10))
    stage.claim(WEB, stage.route("mine", path("/mine")))
    stage.claim(WEB, stage.route("free", path("/free")))
    stage.settle()
    assert code(stage, WEB, "first") == "PRIORITY_TAKEN"
    assert code(stage, WEB, "mine") == "FOREIGN_RULE"
    assert stage.ask("/free") == "prod/web:http"
    assert [rule["priority"] for rule in stage.rules() if rule["name"] == "by-hand"] == [10]


def test_equal_priorities_of_two_authors_stop_the_later_one(stage: Stage) -> None:
    stage.claim(WEB, stage.route("a", path("/a"), priority=7))
    stage.settle()
    stage.claim(API, stage.route("b", path("/b"), priority=7), created_at=0.5)
    stage.settle()
    assert code(stage, API, "b") == "PRIORITY_TAKEN"
    assert [rule["priority"] for rule in stage.rules()] == [7]


def test_two_authors_can_exchange_their_priorities(stage: Stage) -> None:
    stage.claim(WEB, stage.route("a", path("/a"), priority=7))
    stage.claim(WEB, stage.route("b", path("/a/b"), priority=8))
    stage.settle()
    seen: set[str] = set()
    stage.claim(WEB, stage.route("a", path("/a"), priority=8))
    stage.claim(WEB, stage.route("b", path("/a/b"), priority=7))
    stage.settle(each=lambda: seen.add(stage.ask("/a/b")))
    found = {rule["match"]["httpMatch"]["pathMatch"]["match"]["prefix"]: rule["priority"] for rule in stage.rules()}
    assert found == {"/a": 8, "/a/b": 7}
    assert seen == {"prod/web:http"}


def test_an_added_route_moves_no_other(stage: Stage) -> None:
    for name in ("a", "b", "c"):
        stage.claim(WEB, stage.route(name, path(f"/{name}" + "x" * ord(name))))
    stage.settle()
    with stage.writes() as made:
        stage.claim(WEB, stage.route("d", path("/dd")))
        stage.settle()
    assert made == ["CreateRule", "UpdateRule"]


def test_service_wide_keys_are_the_first_claims(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r"), idle_timeout=60))
    stage.settle()
    with stage.writes() as made:
        stage.claim(API, stage.route("s", path("/s"), idle_timeout=600), created_at=0.5)
        stage.settle()
    assert code(stage, API, "s") == "SERVICE_KEY_DIFFERS"
    assert made == []


def test_the_domain_of_a_service_that_is_there_cannot_change(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    stage.claim(WEB, stage.route("s", path("/s"), domain="shop.example.com"))
    stage.settle()
    assert code(stage, WEB, "s") == "DOMAIN_FIXED"


def test_the_protocol_of_a_listener_that_is_there_cannot_change(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    stage.claim(WEB, stage.route("s", path("/s"), listeners=(dataclasses.replace(HTTPS, port=80),)))
    stage.settle()
    assert code(stage, WEB, "s") == "LISTENER_FIXED"


def test_networks_are_the_union_and_one_that_nobody_asks_for_goes_after_the_grace(stage: Stage) -> None:
    stage.registry.put_document("stack", "marker", "{}")  # the registry has seen a whole resync
    stage.lattice.create_service_network(name="second")
    stage.claim(WEB, stage.route("r", path("/r"), networks=("platform", "second")))
    stage.settle()

    def associated() -> set[str]:
        found = stage.lattice.list_service_network_service_associations(serviceIdentifier=stage.service_id())["items"]
        return {one["serviceNetworkName"] for one in found}

    assert associated() == {"platform", "second"}
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.work(GRACE - 60)
    assert associated() == {"platform", "second"}
    stage.settle()
    stage.clock.advance(30)
    assert associated() == {"platform"}


def test_an_association_made_by_hand_is_left_alone(stage: Stage) -> None:
    other = stage.lattice.create_service_network(name="second")["arn"]
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    stage.lattice.create_service_network_service_association(
        serviceIdentifier=stage.service_id(), serviceNetworkIdentifier=other
    )
    stage.clock.advance(60)
    with stage.writes() as made:
        stage.work(2 * GRACE)
    assert made == []


def test_iam_is_switched_on_after_its_policy_is_there(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r"), auth="AWS_IAM"))
    with stage.writes() as made:
        stage.settle()
    assert made.index("PutAuthPolicy") < made.index("UpdateService")
    policy = stage.lattice.get_auth_policy(resourceIdentifier=stage.service_id())["policy"]
    assert "\n" not in policy
    assert "123456789012" in policy
    assert stage.lattice.get_service(serviceIdentifier=stage.service_id())["authType"] == "AWS_IAM"


def test_a_full_listener_refuses_the_eleventh_route_with_the_quota_and_leaves_the_ten_alone(stage: Stage) -> None:
    for number in range(10):
        stage.claim(WEB, stage.route(f"r{number}", path(f"/{number}")))
    stage.settle()
    stage.claim(WEB, stage.route("r10", path("/10")))
    outcome = stage.settle()
    assert isinstance(outcome, Refused)
    answer = stage.record(WEB, "r10").answer
    assert answer.code == "QUOTA"
    assert "L-CF78395E" in answer.message
    assert all(stage.ask(f"/{number}") == "prod/web:http" for number in range(10))


def test_on_a_full_listener_a_path_still_changes_and_the_default_route_comes_and_goes(stage: Stage) -> None:
    for number in range(10):
        stage.claim(WEB, stage.route(f"r{number}", path(f"/{number}")))
    stage.settle()
    with stage.writes() as made:
        stage.claim(WEB, stage.route("r0", path("/new")))
        stage.settle()
    assert made == ["UpdateRule"]
    stage.claim(API, stage.route())
    stage.settle()
    assert stage.ask("/") == "prod/api:http"
    assert all(len(rule["action"]["forward"]["targetGroups"]) == 1 for rule in stage.rules())
    stage.vanish(API)
    stage.settle()
    assert stage.ask("/") == "404"
    assert all(len(rule["action"]["forward"]["targetGroups"]) == 1 for rule in stage.rules())
    assert len(stage.groups()) == 1


def test_a_full_account_refuses_a_route_before_anything_is_half_made(stage: Stage) -> None:
    stage.backend.quotas = dataclasses.replace(Quotas(), target_groups=0)
    stage.claim(WEB, stage.route("r", path("/r")))
    outcome = stage.reconcile()
    assert isinstance(outcome, Refused)
    assert outcome.problems[0].code == "QUOTA"
    assert stage.lattice.list_services()["items"] == []


def test_calls_do_not_grow_with_the_account(stage: Stage) -> None:
    """Converged: GetService, its tags, ListListeners, GetListener and ListRules for each listener, GetRule for each rule,
    GetTargetGroup for each group (ListTargets only for what takes no traffic), ListServiceNetworkServiceAssociations."""
    for name in ("a", "b"):
        stage.claim(WEB, stage.route(name, path(f"/{name}")))
    stage.settle()
    alone = stage.calls(stage.reconcile)
    for number in range(200):
        stage.lattice.create_service(name=f"foreign-{number}")
        stage.lattice.create_target_group(
            name=f"foreign-{number}", type="IP", config={"port": 80, "protocol": "HTTP", "vpcIdentifier": stage.vpc}
        )
    stage.clock.advance(SETTLE)
    assert stage.calls(stage.reconcile) == alone
    assert len(alone) <= 4 + 2 * 1 + 2 + 1
    assert not {"ListServices", "ListTargetGroups", "ListServiceNetworks"} & set(alone)


def test_a_new_route_is_made_without_a_listing_of_the_account(stage: Stage) -> None:
    stage.registry.put_document("stack", "marker", "{}")  # the registry has seen a whole resync: what it lacks is new
    calls = stage.calls(
        lambda: (stage.claim(WEB, stage.route("r", path("/r"), networks=(stage.network,))), stage.settle())
    )
    assert not {"ListServices", "ListTargetGroups", "ListServiceNetworks"} & set(calls)


def test_a_plan_tells_all_steps_and_writes_nothing(stage: Stage) -> None:
    record = stage.claim(WEB, stage.route("r", path("/r"), listeners=(HTTP, HTTPS)))
    before = stage.records(), stage.registry.lattice(NAME)
    with stage.writes() as made:
        report = stage.side.plan(NAME)
    assert made == []
    assert (stage.records(), stage.registry.lattice(NAME)) == before
    assert [step["step"] for step in report.steps] == [
        "CreateGroup", "CreateLatticeService", "CreateListener", "CreateListener", "CreateRule", "CreateRule", "Associate",
    ]  # fmt: skip
    assert report.answers[record.key].state == "Pending"


def test_a_plan_says_what_each_step_waits_for_and_a_reconcile_does_the_others(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r"), auth="AWS_IAM"))

    def awaited() -> dict[str, str]:
        return {step["step"]: step["awaits"] for step in stage.side.plan(NAME).steps}

    plan = awaited()
    assert plan == {
        "CreateGroup": "", "CreateLatticeService": "", "PutPolicy": "the Lattice service",
        "UpdateLatticeService": "the Lattice service", "CreateListener": "the Lattice service",
        "CreateRule": "listener HTTP:80", "Associate": "the Lattice service",
    }  # fmt: skip
    with stage.writes() as made:
        stage.reconcile()
    assert made == ["CreateTargetGroup", "CreateService"]
    stage.clock.advance(5)
    assert set(awaited().values()) == {""}
    with stage.writes() as made:
        stage.reconcile()
    assert made[:5] == [
        "PutAuthPolicy", "UpdateService", "CreateListener", "CreateRule", "CreateServiceNetworkServiceAssociation"
    ]  # fmt: skip


def test_a_plan_says_which_target_group_a_rule_waits_for(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    stage.claim(WEB, stage.route("s", path("/s"), port_name="other"))
    steps = {step["step"]: step for step in stage.side.plan(NAME).steps}
    assert list(steps) == ["CreateGroup", "CreateRule"]
    assert steps["CreateRule"]["awaits"] == f"target group {steps['CreateGroup']['spec']['name']}"
    assert steps["CreateRule"]["text"].endswith(f"(waits for {steps['CreateRule']['awaits']})")


def test_messages_name_labels_with_the_prefix_of_the_stack(stage: Stage) -> None:
    stage.use(dataclasses.replace(SETTINGS, label_prefix="mesh"))
    stage.lattice.create_service(name=NAME, tags={ownership.OWNER: "stack"})
    stage.clock.advance(10)
    health = dataclasses.replace(stage.route().health, path="/other")
    for name, more in {
        "A": {"idle_timeout": 60, "priority": 7},
        "MATCH_TAKEN": {"match": path("/A")},
        "SERVICE_KEY_DIFFERS": {"idle_timeout": 600},
        "PRIORITY_TAKEN": {"priority": 7},
        "HEALTH_DIFFERS": {"health": health},
        "WEIGHTS_ZERO": {"weight": 0},
        "DOMAIN_FIXED": {"domain": "shop.example.com"},
        "PAUSED": {"pause": True},
    }.items():
        given: dict[str, Any] = {"match": path(f"/{name}"), **more}
        stage.claim(WEB, stage.route(name, **given))
    answers = {key.rpartition("#")[2]: answer for key, answer in stage.side.plan(NAME).answers.items()}
    assert answers.pop("A").code == "CREATING"
    assert {name: answer.code for name, answer in answers.items()} == {name: name for name in answers}
    stage.lattice.tag_resource(
        resourceArn=stage.lattice.list_services()["items"][0]["arn"], tags={ownership.OWNER: "no"}
    )
    foreign = next(iter(stage.side.plan(NAME).answers.values()))
    assert foreign.code == "FOREIGN_SERVICE"
    for answer in (foreign, *answers.values()):
        assert "mesh." in answer.message
        assert "lattice." not in answer.message.replace("vpc-lattice", "")


def test_a_plan_over_other_records_shows_what_they_would_do(stage: Stage) -> None:
    record = stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    changed = dataclasses.replace(record.claim, route=stage.route("r", path("/other")), named=True, serving=True)
    (step,) = stage.side.plan(NAME, (dataclasses.replace(stage.record(WEB, "r"), claim=changed),)).steps
    assert step["step"] == "UpdateRule"
    assert "/other" in str(step["text"])
