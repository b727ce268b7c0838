"""A claim begins with a release that completed, and what belongs to the whole Lattice service is decided together."""

import dataclasses

import pytest

from local_aws import lattice
from tests.tenants.tenants import (
    CRASHES,
    ORDERS,
    PLAIN,
    RIVALS,
    SIGNED,
    Effective,
    account,
    at,
    codes,
    declared,
    deleted,
    effective,
    hours,
    keeps,
    labels,
    lose_table,
    release,
    released,
    resynced,
    running,
    scaled,
    state,
    tagged,
    who,
)

OPEN = dataclasses.replace(PLAIN, networks=("platform", "public"))
SLOW = {"START_SECONDS": "120"}


def by_hand(**setting) -> None:
    """An operator changes the Lattice service in the console."""
    backend = lattice.backend()
    service = next(each for each in backend.services.values() if each.name == ORDERS)
    backend.perform("UpdateService", {"serviceIdentifier": service.id, **setting}, "an operator")


# A release that completed.


@pytest.mark.parametrize("wish", [{"auth": "iam"}, {"network": "public"}, {"idle_timeout": "600"}])
@pytest.mark.parametrize("path", ["/new", "/orders"])
def test_a_first_release_that_crashes_changes_nothing_of_anybody(wish, path):
    with account() as world:
        running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        crashed = running(world, "crashed", at(path, **wish), environment=CRASHES)
        assert "WAITING_FOR_DEPLOYMENT" in codes(world, crashed)
        deleted(world, crashed)
        assert world.wrong == []
        assert effective() == PLAIN


def test_a_declaration_of_which_no_release_completed_makes_nothing():
    with account() as world:
        crashed = running(world, "crashed", labels(auth="iam"), environment=CRASHES)
        assert world.graph() == {}
        assert world._all("list_target_groups") == []
        assert world.claims(crashed) == {}
        assert codes(world, crashed) == {"WAITING_FOR_DEPLOYMENT", "FIRST_DEPLOYMENT_FAILING"}


def test_a_declaration_of_which_no_release_completed_is_checked():
    with account() as world:
        crashed = running(world, "crashed", labels(auth="maybe"), environment=CRASHES)
        assert "BAD_VALUE" in codes(world, crashed)


def test_what_waits_for_its_first_release_goes_on_when_that_completes():
    with account() as world:
        arn = declared(world, "slow", labels(auth="iam", idle_timeout="300"), environment=SLOW)
        world.run(60)
        assert effective() is None
        assert codes(world, arn) == {"WAITING_FOR_DEPLOYMENT"}
        hours(world, 1)
        assert state(world, arn) == "Live"
        assert codes(world, arn) == set()
        assert effective() == Effective("AWS_IAM", 300, ("platform",))


def test_a_lattice_service_is_made_with_the_domain_of_the_release_that_completed():
    with account() as world:
        arn = running(world, "first", labels(domain="wrong.example.com"), environment=CRASHES)
        released(world, arn, labels(domain="right.example.com"))
        assert state(world, arn) == "Live"
        service = next(iter(lattice.backend().services.values()))
        assert service.custom_domain == "right.example.com"


def test_the_association_is_active_before_the_tasks_are_attached():
    with account() as world:
        lattice.backend().timing = dataclasses.replace(lattice.backend().timing, associate=200.0)
        found: list[Effective | None] = []
        world.ecs.meta.events.register("provide-client-params.ecs.UpdateService", lambda **_: found.append(effective()))
        arn = running(world, "first", labels())
        assert found == [PLAIN]
        assert state(world, arn) == "Live"


# Joint decisions.


def test_authentication_rises_only_when_every_claim_asks_for_it():
    with account() as world:
        first, second = running(world, "first", at("/a")), running(world, "second", at("/b"))
        keeps(world, {"/a": "first", "/b": "second"})
        released(world, first, at("/a", auth="iam"))
        assert (state(world, first), codes(world, first)) == ("Conflicted", {"SERVICE_KEY_DIFFERS"})
        assert state(world, second) == "Live"
        assert world.wrong == []
        world._questions.clear()
        released(world, second, at("/b", auth="iam"))
        hours(world, 1)
        assert effective() == SIGNED
        assert (state(world, first), state(world, second)) == ("Live", "Live")


def test_authentication_falls_only_when_no_claim_asks_for_it_any_more():
    with account() as world:
        first, second = running(world, "first", at("/a", auth="iam")), running(world, "second", at("/b", auth="iam"))
        keeps(world, {"/a": "403", "/b": "403"})
        released(world, first, at("/a"))
        assert world.wrong == []
        world._questions.clear()
        released(world, second, at("/b"))
        hours(world, 1)
        assert effective() == PLAIN


@pytest.mark.parametrize("auth", [None, "none"])
def test_a_joiner_who_asks_for_less_is_in_conflict_himself(auth):
    with account() as world:
        first = running(world, "first", at("/a", auth="iam"))
        keeps(world, {"/a": "403"})
        joiner = running(world, "joiner", at("/b", auth=auth))
        assert (state(world, joiner), codes(world, joiner)) == ("Conflicted", {"SERVICE_KEY_DIFFERS"})
        assert state(world, first) == "Live"
        assert world.wrong == []


@pytest.mark.parametrize("wish", [{"auth": "iam"}, {"idle_timeout": "600"}])
def test_a_joiner_who_asks_for_more_than_the_default_is_in_conflict_himself(wish):
    with account() as world:
        running(world, "first", at("/a"))
        keeps(world, {"/a": "first"})
        joiner = running(world, "joiner", at("/b", **wish))
        assert (state(world, joiner), codes(world, joiner)) == ("Conflicted", {"SERVICE_KEY_DIFFERS"})
        assert world.wrong == []


def test_a_joiner_without_a_domain_has_no_opinion_about_it():
    with account() as world:
        running(world, "first", at("/a", domain="orders.example.com"))
        joiner = running(world, "joiner", at("/b"))
        assert state(world, joiner) == "Live"


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ({}, {"auth": "iam"}, SIGNED),
        ({"auth": "iam"}, {"auth": "none"}, PLAIN),
        ({"idle_timeout": "120"}, {"idle_timeout": "300"}, dataclasses.replace(PLAIN, idle_timeout=300)),
        ({"network": "platform"}, {"network": "platform public"}, OPEN),
    ],
)
def test_a_change_of_the_only_claims_own_label_takes_effect(before, after, result):
    with account() as world:
        arn = running(world, "first", labels(**before))
        released(world, arn, labels(**after))
        assert effective() == result
        assert state(world, arn) == "Live"


def third_listener(world, victim: str) -> None:
    """The victim's release with one listener more than VPC Lattice allows this Lattice service."""
    backend = lattice.backend()
    backend.quotas = dataclasses.replace(backend.quotas, listeners_per_service=1)
    released(world, victim, at("/a", auth="iam", listener="HTTP:80 HTTP:81"))
    assert state(world, victim) == "Refused"


@pytest.mark.parametrize(
    "trouble",
    [
        third_listener,
        lambda world, victim: (tagged(world, victim, pause="true"), hours(world, 1)),
        lambda world, victim: scaled(world, victim, 0),
        lambda world, victim: released(world, victim, at("/a", auth="iam", network="nowhere")),
    ],
    ids=["refused by a quota", "paused", "scaled to 0", "unknown network"],
)
def test_what_was_granted_stays_the_floor_while_its_claim_is_in_trouble(trouble):
    with account() as world:
        victim = running(world, "victim", at("/a", auth="iam"))
        mate = running(world, "mate", at("/b", auth="none"))
        keeps(world)
        trouble(world, victim)
        hours(world, 1)
        assert world.wrong == []
        assert effective().auth == "AWS_IAM"
        assert state(world, mate) == "Conflicted"


def test_a_crashed_later_release_changes_no_setting():
    with account() as world:
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        arn = running(world, "first", labels(), deploymentConfiguration=breaker)
        keeps(world, {"/orders": "first"})
        released(world, arn, labels(auth="iam", network="public", idle_timeout="600"), environment=CRASHES)
        hours(world, 2)
        assert world.wrong == []


# The default returns.


def test_settings_return_to_their_defaults_within_a_resync_once_no_label_asks():
    with account() as world:
        arn = running(world, "first", labels(auth="iam", idle_timeout="300"))
        assert effective() == Effective("AWS_IAM", 300, ("platform",))
        release(world, arn, labels())
        world.run(120)
        resynced(world)
        assert effective() == PLAIN
        assert who(world, "/orders") == "first"


def test_settings_return_when_the_ecs_service_that_asked_leaves_the_others():
    with account() as world:
        first = running(world, "first", at("/a", auth="iam", idle_timeout="300"))
        second = running(world, "second", at("/b"))
        deleted(world, first)
        hours(world, 1)
        assert effective() == PLAIN
        assert (state(world, second), who(world, "/b")) == ("Live", "second")


def test_a_lowered_minimum_is_followed_within_a_resync():
    with account(minimum_auth="iam") as world:
        running(world, "first", labels())
        assert effective() == SIGNED
        world.build(dataclasses.replace(world.settings, minimum_auth="none"))
        resynced(world)
        resynced(world)
        assert effective() == PLAIN


def test_a_network_that_no_label_names_any_more_is_left_after_the_grace_time():
    with account() as world:
        arn = running(world, "first", labels(network="platform public"))
        released(world, arn, labels(network="platform"))
        assert effective() == PLAIN


@pytest.mark.parametrize("setting", [{"authType": "AWS_IAM"}, {"idleTimeoutSeconds": 300}])
def test_what_was_set_by_hand_stays_and_is_told(setting):
    with account() as world:
        arn = running(world, "first", labels())
        by_hand(**setting)
        keeps(world)
        hours(world, 8)
        release(world, arn, labels())
        hours(world, 1)
        assert world.wrong == []
        assert state(world, arn) == "Live"
        assert codes(world, arn) != set()


def test_what_a_lost_table_does_not_explain_stays_and_is_told():
    """The labels went while nothing was noticed, and the registry with what it knew of them."""
    with account() as world:
        arn = running(world, "first", labels(auth="iam", idle_timeout="300", network="platform public"))
        keeps(world)
        world.chaos.lose = 1.0
        release(world, arn, labels())
        world.run(600)
        world.chaos.lose = 0.0
        lose_table(world)
        hours(world, 8)
        assert world.wrong == []
        assert state(world, arn) == "Live"
        assert codes(world, arn) != set()


def test_labels_that_a_lost_table_finds_again_keep_their_settings_and_let_go_of_them_later():
    with account() as world:
        arn = running(world, "first", labels(auth="iam", idle_timeout="300", network="platform public"))
        keeps(world)
        lose_table(world)
        hours(world, 2)
        assert world.wrong == []
        world._questions.clear()
        released(world, arn, labels())
        hours(world, 1)
        assert effective() == PLAIN


def test_labels_that_go_before_the_registry_is_complete_again_are_followed_by_the_resync_that_completes_it():
    with account() as world:
        arn = running(world, "first", labels(auth="iam", idle_timeout="300"))
        lose_table(world)
        world.sweep()
        world.run(60)
        release(world, arn, labels())
        world.run(600)
        resynced(world)
        resynced(world)
        assert effective() == PLAIN


# Neighbours of a claim that has not begun.


@pytest.mark.parametrize("wanted", [labels(pause="true"), labels(auth="iam", pause="true")])
def test_a_paused_claim_makes_no_holder(wanted):
    with account() as world:
        running(world, "paused", wanted, RIVALS)
        victim = running(world, "victim", labels())
        assert state(world, victim) == "Live"
        assert (effective(), who(world, "/orders")) == (PLAIN, "victim")


def test_a_release_that_never_completed_makes_no_holder():
    with account() as world:
        crashed = running(world, "crashed", labels(), RIVALS, environment=CRASHES)
        victim = running(world, "victim", labels())
        assert state(world, victim) == "Live"
        release(world, crashed, labels())
        hours(world, 1)
        assert "HELD_BY_OTHER" in codes(world, crashed)
        assert who(world, "/orders") == "victim"
