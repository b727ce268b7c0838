"""What no waiting ends is a refusal, and what was refused is looked at again with the drift, not each minute."""

import dataclasses
from typing import Any

from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.errors import ConflictError, DeniedError
from ecs_lattice.outcome import Done, NotYet, Refused
from tests.lattice_side.stage import SETTINGS, TLS, Stage, path, service

WEB = service("web")
DOMAIN = "shop.example.com"
DRIFT = SETTINGS.drift_hours * 3600
HOUR = 3600


def taken(stage: Stage, network: str | None = None) -> None:
    """Another Lattice service has the domain in the network, the platform's by default."""
    other = stage.lattice.create_service(name="first", customDomainName=DOMAIN)["id"]
    stage.clock.advance(60)
    stage.lattice.create_service_network_service_association(
        serviceIdentifier=other, serviceNetworkIdentifier=network or stage.network
    )
    stage.clock.advance(60)


def refusal(stage: Stage) -> tuple[str, str]:
    answer = stage.record(WEB).answer
    assert answer.state == "Refused"
    return answer.code, answer.message


def fail_associations(stage: Stage) -> list[str]:
    """Let every association of the service fail from now on."""
    made = stage.backend.service_network_service_associations
    for association in made.values():
        association.status, association.failure_code = "CREATE_FAILED", "ACCESS_DENIED"
        association.failure_message = "the network's owner has left"
    return list(made)


def test_a_custom_domain_that_another_service_has_in_the_network_is_a_refusal_that_names_it(stage: Stage) -> None:
    taken(stage)
    stage.claim(WEB, stage.route("default", listeners=(TLS,), protocol="TCP", protocol_version=None, domain=DOMAIN))
    assert isinstance(stage.settle(), Refused)
    code, message = refusal(stage)
    assert code == "DOMAIN_TAKEN"
    assert "Lattice service first (arn:aws:vpc-lattice:" in message
    assert DOMAIN in message


def test_a_domain_that_is_free_again_is_taken_by_the_next_look(stage: Stage) -> None:
    taken(stage)
    stage.claim(WEB, stage.route("default", listeners=(TLS,), protocol="TCP", protocol_version=None, domain=DOMAIN))
    stage.settle()
    for identifier in list(stage.backend.service_network_service_associations):
        stage.lattice.delete_service_network_service_association(serviceNetworkServiceAssociationIdentifier=identifier)
    stage.clock.advance(60)
    stage.settle()
    assert stage.state(WEB) == "Live"


def associated_and_failed(stage: Stage) -> None:
    """The association fails before the route was ever live."""
    stage.attaches = False
    stage.claim(WEB, stage.route())
    for _ in range(3):
        stage.reconcile()
        stage.clock.advance(5)
    assert fail_associations(stage)


def test_an_association_that_failed_is_a_refusal_with_the_failure_code_and_is_left_alone(stage: Stage) -> None:
    associated_and_failed(stage)
    assert isinstance(stage.settle(), Refused)
    code, message = refusal(stage)
    assert code == "ASSOCIATION_FAILED"
    assert "ACCESS_DENIED: the network's owner has left" in message
    with stage.writes() as made:
        for _ in range(10):
            stage.clock.advance(360)
            assert isinstance(stage.reconcile(), Refused)
    assert made == []


def test_an_association_that_failed_is_made_anew_with_the_drift(stage: Stage) -> None:
    associated_and_failed(stage)
    stage.settle()
    stage.clock.advance(DRIFT)
    stage.attaches = True
    assert isinstance(stage.settle(), Done)
    assert stage.state(WEB) == "Live"


def test_an_association_that_failed_takes_nothing_away_from_what_is_live(stage: Stage) -> None:
    stage.claim(WEB, stage.route())
    stage.settle()
    fail_associations(stage)
    with stage.writes() as made:
        stage.work(3600)
    assert (stage.state(WEB), made) == ("Live", [])
    told = {notice.code: notice.message for notice in stage.record(WEB).answer.notices}
    assert "ACCESS_DENIED" in told["ASSOCIATION_MISSING"]


def test_a_live_route_stays_live_where_one_more_network_has_its_domain(stage: Stage) -> None:
    taken(stage, stage.lattice.create_service_network(name="second")["arn"])
    stage.claim(WEB, stage.route(domain=DOMAIN))
    stage.settle()
    stage.claim(WEB, stage.route(domain=DOMAIN, networks=("platform", "second")))
    assert not isinstance(stage.settle(1800), NotYet)
    answer = stage.record(WEB).answer
    assert answer.state == "Live"
    told = {notice.code: notice.message for notice in answer.notices}
    assert "Lattice service first" in told["DOMAIN_TAKEN"]
    stage.claim(WEB, stage.route(domain=DOMAIN))
    stage.settle()
    assert stage.record(WEB).answer.notices == ()


class SilentConflicts(BotoLattice):
    """VPC Lattice, whose conflicts do not say with what."""

    def associate(self, *args: Any, **more: Any) -> None:
        try:
            super().associate(*args, **more)
        except ConflictError as error:
            error.resource_id = error.resource_type = None
            raise


def test_a_conflict_that_does_not_say_with_what_is_looked_up(stage: Stage) -> None:
    taken(stage)
    stage.side = dataclasses.replace(stage.side, lattice=SilentConflicts(stage.lattice))
    stage.claim(WEB, stage.route(domain=DOMAIN))
    assert isinstance(stage.settle(1800), Refused)
    code, message = refusal(stage)
    assert code == "DOMAIN_TAKEN"
    assert "Lattice service first" in message


def test_the_end_of_an_association_of_its_own_is_waited_for(stage: Stage) -> None:
    stage.side = dataclasses.replace(stage.side, lattice=SilentConflicts(stage.lattice))
    stage.claim(WEB, stage.route(domain=DOMAIN))
    stage.settle()
    (found,) = stage.lattice.list_service_network_service_associations(serviceIdentifier=stage.service_id())["items"]
    stage.lattice.delete_service_network_service_association(serviceNetworkServiceAssociationIdentifier=found["arn"])
    assert isinstance(stage.reconcile(), NotYet)
    assert isinstance(stage.settle(), Done)
    assert stage.record(WEB).answer.notices == ()


def test_a_failed_association_for_which_nobody_asks_any_more_is_deleted(stage: Stage) -> None:
    stage.registry.put_document("stack", "marker", "{}")
    stage.lattice.create_service_network(name="second")
    stage.claim(WEB, stage.route(networks=("platform", "second")))
    stage.settle()
    for association in stage.backend.service_network_service_associations.values():
        if association.network.name == "second":
            association.status = "CREATE_FAILED"
    stage.claim(WEB, stage.route())
    stage.settle()
    stage.clock.advance(60)
    found = stage.lattice.list_service_network_service_associations(serviceIdentifier=stage.service_id())["items"]
    assert [one["serviceNetworkName"] for one in found] == ["platform"]


def conflicts(stage: Stage) -> None:
    """From now on VPC Lattice answers every association with a conflict that passes, but does not."""
    stage.side = dataclasses.replace(stage.side, lattice=Conflicts(stage.lattice))


class Conflicts(BotoLattice):
    def associate(self, *_: Any) -> None:
        raise ConflictError(
            "CreateServiceNetworkServiceAssociation", "ConflictException", "the network is being changed"
        )


def distances(stage: Stage, looks: int, between: int = 0) -> list[int]:
    """The seconds between one reconcile and the next that it asks for; ``between`` them events lead to so many others."""
    found = []
    for _ in range(looks):
        outcome = stage.reconcile()
        assert isinstance(outcome, NotYet)
        found.append(outcome.after)
        for _ in range(between):
            stage.clock.advance(outcome.after / (between + 1))
            stage.reconcile()
        stage.clock.advance(outcome.after / (between + 1))
    return found


def waiting(stage: Stage) -> None:
    conflicts(stage)
    stage.attaches = False
    stage.claim(WEB, stage.route())
    for _ in range(4):
        stage.reconcile()
        stage.clock.advance(60)


def test_a_wait_doubles_and_events_do_not_reset_it(stage: Stage) -> None:
    waiting(stage)
    found = distances(stage, 8, between=3)
    assert found[-1] == 900
    assert found == sorted(found)


def test_a_wait_of_a_day_is_a_problem_that_names_it_and_since_when(stage: Stage) -> None:
    stage.claim(WEB, stage.route())
    stage.settle()
    conflicts(stage)
    stage.lattice.create_service_network(name="second")
    stage.clock.advance(60)
    stage.claim(WEB, stage.route("second", path("/second"), networks=("platform", "second")))
    stage.attaches = False
    stage.work(23 * HOUR)
    assert stage.record(WEB, "second").answer.code == "CREATING"
    with stage.writes() as made:
        stage.work(2 * HOUR)
    assert len(made) <= 8  # refused associations: once in a quarter of an hour
    told = stage.record(WEB, "second").answer
    assert (told.state, told.code) == ("Pending", "NO_PROGRESS")
    assert "the network is being changed" in told.message
    assert "UTC" in told.message
    before = stage.registry.lattice("shop").waits
    stage.work(HOUR)
    assert stage.record(WEB, "second").answer == told
    assert stage.registry.lattice("shop").waits == before
    other = stage.record(WEB).answer
    assert (other.state, other.code, other.notices) == ("Live", "", ())


def denied(stage: Stage) -> None:
    """From now on AWS denies every new target group."""
    stage.side = dataclasses.replace(stage.side, lattice=Denied(stage.lattice))


class Denied(BotoLattice):
    tries = 0

    def create_group(self, *_: Any) -> Any:
        type(self).tries += 1
        raise DeniedError("CreateTargetGroup", "AccessDeniedException", "not allowed")


def test_what_aws_refuses_is_tried_ever_more_rarely(stage: Stage) -> None:
    Denied.tries = 0
    denied(stage)
    stage.claim(WEB, stage.route())
    for _ in range(4 * 24):  # a day of resyncs
        assert isinstance(stage.reconcile(), Refused)
        assert refusal(stage)[0] == "DENIED"
        stage.clock.advance(900)
    assert 3 <= Denied.tries <= 16
    stage.side = dataclasses.replace(stage.side, lattice=BotoLattice(stage.lattice))
    stage.clock.advance(DRIFT)
    stage.settle()
    assert stage.state(WEB) == "Live"


def test_a_changed_declaration_is_a_new_try(stage: Stage) -> None:
    denied(stage)
    stage.claim(WEB, stage.route())
    for _ in range(8):
        stage.reconcile()
        stage.clock.advance(900)
    before = Denied.tries
    stage.claim(WEB, stage.route(protocol_version="HTTP2"))
    stage.reconcile()
    assert Denied.tries == before + 1


def test_what_was_refused_is_tried_at_once_where_somebody_asks_for_it(stage: Stage) -> None:
    denied(stage)
    stage.claim(WEB, stage.route())
    for _ in range(7):
        stage.reconcile()
        stage.clock.advance(900)
    before = Denied.tries
    stage.reconcile()
    assert Denied.tries == before
    stage.side.forget_failures("shop")
    stage.reconcile()
    assert Denied.tries == before + 1


def test_a_taken_domain_is_not_asked_for_again_until_the_drift_and_at_once_when_it_is_free(stage: Stage) -> None:
    taken(stage)
    stage.claim(WEB, stage.route(domain=DOMAIN))
    stage.settle()
    with stage.writes() as made:
        for _ in range(8):
            stage.clock.advance(900)
            assert isinstance(stage.reconcile(), Refused)
            assert refusal(stage)[0] == "DOMAIN_TAKEN"
    assert made == []
    for identifier in list(stage.backend.service_network_service_associations):
        stage.lattice.delete_service_network_service_association(serviceNetworkServiceAssociationIdentifier=identifier)
    stage.clock.advance(60)
    stage.settle()
    assert stage.state(WEB) == "Live"


class Unseen(BotoLattice):
    """VPC Lattice, where the other association is of an account that may not be read."""

    def services_with_domain(self, *_: Any) -> tuple[str, ...]:
        return ()


def test_a_domain_taken_by_what_cannot_be_read_is_asked_for_again_with_the_drift(stage: Stage) -> None:
    taken(stage)
    stage.side = dataclasses.replace(stage.side, lattice=Unseen(stage.lattice))
    stage.claim(WEB, stage.route(domain=DOMAIN))
    stage.settle()
    with stage.writes() as made:
        for _ in range(10):
            stage.clock.advance(900)
            stage.reconcile()
    assert made == []
    stage.clock.advance(DRIFT)
    with stage.writes() as made:
        stage.reconcile()
    assert made == ["CreateServiceNetworkServiceAssociation"]
    assert refusal(stage)[0] == "DOMAIN_TAKEN"
