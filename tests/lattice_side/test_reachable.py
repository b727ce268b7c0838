"""Live means that requests arrive: what keeps them from a route that is live is a notice of it."""

import dataclasses
import json

import pytest

from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.errors import DeniedError
from ecs_lattice.lattice_side.auth_policies import has_allow
from tests.lattice_side.stage import SETTINGS, Stage, path, service

WEB, API = service("web"), service("api")


def notices(stage: Stage, name: str = "r", who=WEB) -> dict[str, str]:
    return {notice.code: notice.message for notice in stage.record(who, name).answer.notices}


def test_a_route_that_was_live_with_a_query_in_its_path_stays_with_a_notice(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/orders?page=1")))
    stage.settle()
    assert stage.state(WEB, "r") == "Live"
    assert "/orders?page=1* never matches" in notices(stage)["PATH_WITH_QUERY"]
    stage.claim(WEB, stage.route("r", path("/orders")))
    stage.settle()
    assert notices(stage) == {}


def test_a_deleted_association_that_cannot_be_made_anew_is_told_until_it_is_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise DeniedError("CreateServiceNetworkServiceAssociation", "AccessDeniedException", "no")

    stage.claim(WEB, stage.route("r", path("/orders")))
    stage.settle()
    (association,) = stage.lattice.list_service_network_service_associations(serviceNetworkIdentifier=stage.network)[
        "items"
    ]
    stage.lattice.delete_service_network_service_association(
        serviceNetworkServiceAssociationIdentifier=association["id"]
    )
    stage.clock.advance(60)
    with monkeypatch.context() as patch:
        patch.setattr(BotoLattice, "associate", denied)
        stage.side.reconcile("shop")
        assert stage.network in notices(stage)["ASSOCIATION_MISSING"]
        assert stage.record(WEB, "r").answer.is_cut_off
    stage.settle()
    assert (notices(stage), stage.state(WEB, "r")) == ({}, "Live")


@pytest.mark.parametrize("statements", [[], {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}])
def test_an_auth_policy_without_allow_is_told(stage: Stage, statements: object) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    stage.use(dataclasses.replace(SETTINGS, minimum_auth="iam", service_auth_policy=policy))
    stage.claim(WEB, stage.route("r", path("/orders"), auth="AWS_IAM"))
    stage.settle()
    assert stage.state(WEB, "r") == "Live"
    assert "denies every request" in notices(stage)["AUTH_ALLOWS_NOBODY"]
    stage.use(dataclasses.replace(SETTINGS, minimum_auth="iam"))
    stage.side.reconcile("shop")
    assert notices(stage) == {}


@pytest.mark.parametrize(
    ("policy", "has"),
    [
        (None, False),
        ("", False),
        ("{}", False),
        ('{"Statement": {"Effect": "Allow"}}', True),
        ('{"Statement": [{"Effect": "Deny"}, {"Effect": "Allow"}]}', True),
        ('{"Statement": ["strange"]}', False),
        ("no JSON", True),
        ("[]", True),
    ],
)
def test_which_policies_allow_something(policy: str | None, has: bool) -> None:
    assert has_allow(policy) is has
