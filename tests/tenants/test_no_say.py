"""Who may not claim a Lattice service has no say in it: in no phase, and not for what a reconcile reads."""

import pytest

from local_aws import lattice
from tests.tenants.tenants import (
    OURS,
    PLAIN,
    RIVALS,
    account,
    at,
    codes,
    declared,
    deleted,
    effective,
    hours,
    keeps,
    labels,
    lattice_calls,
    reconcile,
    released,
    running,
    state,
    tagged,
    who,
)

WISHES = {"auth": "iam", "idle_timeout": "600"}
OUTSIDERS = [("cluster", RIVALS), ("none", RIVALS), ("none", OURS), ("account", RIVALS)]


@pytest.mark.parametrize("pause", [None, "true"])
@pytest.mark.parametrize(("sharing", "cluster"), OUTSIDERS)
def test_a_label_of_an_outsider_changes_nothing_of_the_lattice_service(sharing, cluster, pause):
    with account(sharing=sharing) as world:
        victim = running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        wishes = {"everything": None, "elsewhere": "/other", "same": "/orders"}
        outsiders = [declared(world, name, at(path, pause=pause, **WISHES), cluster) for name, path in wishes.items()]
        hours(world, 2)
        assert world.wrong == []
        assert effective() == PLAIN
        assert state(world, victim) == "Live"
        expected = {"SERVICE_KEY_DIFFERS", "MATCH_TAKEN"} if sharing == "account" else {"HELD_BY_OTHER"}
        for outsider in outsiders:
            assert state(world, outsider) != "Live"
            assert pause or codes(world, outsider) & expected


@pytest.mark.parametrize("goes", [lambda world, arn: released(world, arn, {}), deleted])
@pytest.mark.parametrize(("sharing", "cluster"), OUTSIDERS)
def test_labels_that_an_outsider_declares_and_takes_away_change_nothing_in_their_grace_time(sharing, cluster, goes):
    with account(sharing=sharing) as world:
        running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        outsider = running(world, "outsider", at("/other", **WISHES), cluster)
        goes(world, outsider)
        hours(world, 1)
        assert world.wrong == []
        assert effective() == PLAIN


@pytest.mark.parametrize("pause", [None, "true"])
@pytest.mark.parametrize(("sharing", "cluster"), OUTSIDERS)
def test_an_outsiders_none_opens_nothing_that_was_closed_by_hand(sharing, cluster, pause):
    with account(sharing=sharing) as world:
        running(world, "victim", labels())
        service = next(iter(lattice.backend().services.values()))
        world.lattice.update_service(serviceIdentifier=service.id, authType="AWS_IAM", idleTimeoutSeconds=300)
        hours(world, 1)
        keeps(world, {"/orders": "403"})
        outsider = running(world, "outsider", at("/other", auth="none", idle_timeout="60", pause=pause), cluster)
        released(world, outsider, {})
        assert world.wrong == []
        assert (effective().auth, effective().idle_timeout) == ("AWS_IAM", 300)


@pytest.mark.parametrize("pause", [None, "true"])
def test_an_outsiders_wish_to_fall_leaves_signed_requests_required(pause):
    with account() as world:
        running(world, "victim", labels(auth="iam"))
        keeps(world, {"/orders": "403"})
        running(world, "outsider", at("/other", auth="none", pause=pause), RIVALS)
        assert world.wrong == []


def test_an_outsiders_pause_tag_changes_nothing_either():
    with account() as world:
        running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        outsider = running(world, "outsider", at("/other", **WISHES), RIVALS)
        tagged(world, outsider, pause="true")
        hours(world, 1)
        assert world.wrong == []


@pytest.mark.parametrize("pause", [None, "true"])
def test_a_network_that_only_an_outsider_names_is_left(pause):
    with account() as world:
        victim = running(world, "victim", labels(network="platform public"))
        running(world, "outsider", at("/other", network="public", pause=pause), RIVALS)
        assert effective().networks == ("platform", "public")
        released(world, victim, labels(network="platform"))
        hours(world, 1)
        assert effective().networks == ("platform",)


def _arns(world, count: int) -> str:
    first = next(iter(lattice.backend().service_networks.values())).arn
    stem = first.rpartition("/")[0]
    return " ".join(f"{stem}/sn-{number:017x}" for number in range(count))


@pytest.mark.parametrize("count", [10, 700])
def test_networks_that_an_outsider_names_are_not_looked_up_for_the_victim(count):
    with account() as world:
        running(world, "victim", labels())
        alone = lattice_calls(lambda: reconcile(world))
        running(world, "outsider", at("/other", network=_arns(world, count)), RIVALS)
        for _ in range(2):
            assert len(lattice_calls(lambda: reconcile(world))) <= len(alone) + 2
        assert effective() == PLAIN


def test_an_older_outsiders_paused_claim_does_not_take_a_match_from_a_new_route():
    with account() as world:
        outsider = running(world, "outsider", {}, RIVALS)
        victim = running(world, "victim", at("/orders"))
        released(world, outsider, at("/new", pause="true"))
        more = {"lattice.routes.default.path.prefix": "/orders", "lattice.routes.new.path.prefix": "/new"}
        released(world, victim, {**at(None), **more})
        hours(world, 1)
        assert (state(world, victim), state(world, victim, "new")) == ("Live", "Live")
        assert who(world, "/new") == "victim"
        assert state(world, outsider) != "Live"
