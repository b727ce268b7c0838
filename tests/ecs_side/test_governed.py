"""Until when ECS governs a service's rules after its list no longer says so."""

import pytest

from ecs_lattice.aws import ecs_shapes
from ecs_lattice.ecs_side.governed import followed
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry, ServiceRevision
from ecs_lattice.model import ServiceId

OURS, REVISION = "arn:ours", "arn:revision"
ADVANCED = LatticeEntry("role", OURS, "web", (("alternateTargetGroupArn", "arn:green"),))
PLAIN = LatticeEntry("role", OURS, "web")


class Revisions:
    """Answers with these revisions, and ``ongoing`` ones, and counts how often it is asked."""

    def __init__(self, *found: ServiceRevision, ongoing: tuple[str, ...] = ()) -> None:
        self.found, self.ongoing, self.asked = found, ongoing, 0

    def ongoing_revisions(self, service):
        return self.ongoing

    def revisions(self, arns):
        self.asked += 1
        return tuple(revision for revision in self.found if revision.arn in arns)


def a_service(*entries, rollout="COMPLETED", strategy="ROLLING", older=()) -> EcsService:
    deployments = (Deployment("d", "PRIMARY", rollout, "td", 2.0, entries=entries), *older)
    return EcsService(
        ServiceId("arn"), "ACTIVE", 1.0, 1, 1, "ECS", strategy, deployments, revisions=(REVISION,)
    )  # fmt: skip


def a_revision(*groups: str, arn: str = REVISION) -> ServiceRevision:
    return ServiceRevision(arn, "td", 1.0, governed_groups=frozenset(groups))


def test_what_a_list_says_is_remembered_without_a_read():
    ecs = Revisions()
    record, governs = followed(EcsRecord("arn"), a_service(ADVANCED), {OURS}, ecs)
    assert (record.governed, governs, ecs.asked) == (True, True, 0)


@pytest.mark.parametrize(
    "service",
    [
        a_service(PLAIN, rollout="IN_PROGRESS"),
        a_service(PLAIN, rollout="FAILED"),
        a_service(PLAIN, older=(Deployment("old", "ACTIVE", "COMPLETED", "td", 1.0),)),
    ],
    ids=["in progress", "failed", "not alone"],
)
def test_a_deployment_that_has_not_completed_alone_ends_nothing(service):
    ecs = Revisions(a_revision())
    record, governs = followed(EcsRecord("arn", governed=True), service, {OURS}, ecs)
    assert (record.governed, governs, ecs.asked) == (True, True, 0)


@pytest.mark.parametrize(
    ("found", "governs"),
    [((a_revision(OURS),), True), ((), True), ((a_revision(),), False), ((a_revision("arn:another"),), False)],
    ids=["resolved to a production rule", "not readable", "resolved to none", "a group of somebody else"],
)
def test_the_resolved_revision_of_a_completed_deployment_says_whether_it_ends(found, governs):
    ecs = Revisions(*found)
    record, said = followed(EcsRecord("arn", governed=True), a_service(PLAIN), {OURS}, ecs)
    assert (record.governed, said, ecs.asked) == (governs, governs, 1)


def test_a_revision_is_read_with_the_groups_whose_production_rule_ecs_shifts():
    resolved = [{"targetGroupArn": OURS, "productionListenerRule": "arn:rule"}, {"targetGroupArn": "arn:plain"}]
    shape = {"serviceRevisionArn": REVISION, "taskDefinition": "td"}
    read = ecs_shapes.service_revision({**shape, "resolvedConfiguration": {"vpcLatticeConfigurations": resolved}})
    assert read.governed_groups == {OURS}
    assert ecs_shapes.service_revision(shape).governed_groups == frozenset()


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
def test_the_name_of_a_strategy_governs_nothing(strategy):
    service = a_service(PLAIN, strategy=strategy)
    record, governs = followed(EcsRecord("arn"), service, {OURS}, Revisions(a_revision()))
    assert (record.governed, governs) == (False, False)


@pytest.mark.parametrize(
    ("begun", "governs"),
    [((a_revision(OURS, arn="arn:new"),), True), ((), True), ((a_revision("arn:x", arn="arn:new"),), False)],
    ids=["shifts ours", "not readable", "shifts somebody else's"],
)
def test_a_deployment_that_has_just_begun_governs_before_it_is_listed(begun, governs):
    ecs = Revisions(a_revision(), *begun, ongoing=("arn:new",))
    record, said = followed(EcsRecord("arn"), a_service(PLAIN, strategy="CANARY"), {OURS}, ecs)
    assert (record.governed, said) == (governs, governs)


def test_governing_does_not_end_while_a_service_deployment_is_ongoing():
    ecs = Revisions(a_revision(), a_revision(arn="arn:new"), ongoing=("arn:new",))
    assert followed(EcsRecord("arn", governed=True), a_service(PLAIN), {OURS}, ecs)[1]


def test_a_group_of_ours_that_is_the_alternate_one_is_governed():
    entry = LatticeEntry("role", "arn:green", "web", (("alternateTargetGroupArn", OURS),))
    assert followed(EcsRecord("arn"), a_service(entry), {OURS}, Revisions())[1]
