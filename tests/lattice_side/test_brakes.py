"""What no waiting ends is a refusal, and what was refused is looked at again with the drift, not each minute."""

import dataclasses
from typing import Any

from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.errors import ConflictError
from ecs_lattice.outcome import Done, NotYet, Refused
from tests.lattice_side.stage import SETTINGS, TLS, Stage, service

WEB = service("web")
DOMAIN = "shop.example.com"
DRIFT = SETTINGS.drift_hours * 3600


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
