"""What the ECS side remembers so that it does not repeat it, and what makes it try again: a table whose rows are run."""

import dataclasses

import pytest

from ecs_lattice.ecs_side import record as documents
from ecs_lattice.ecs_side.failed_attach import FailedAttach
from ecs_lattice.ecs_side.record import EcsRecord
from tests.ecs_side.bench import LABELS, ROLE, SERVICE

BROKEN = {"RESPOND": "/=503"}
NO_LATCHES = {
    "service", "created_at", "schema", "effective", "subnets", "timers", "pending_update", "attached", "registered",
    "controlled", "holds_slot", "connectors", "ingress", "statuses", "problems", "refused", "waits",
}  # fmt: skip
"""Members of the record that keep nothing from being tried: facts, clocks, what is in progress, and what was told."""


def failed(bench, **labels):
    """An attachment that has failed, whose list is restored; whatever failed, answers from now on."""
    bench.wired(task_definition=bench.define({**LABELS, **labels}, **BROKEN))
    bench.go()
    again(bench)


def again(bench):
    """The attachment in progress fails, and its list is restored."""
    bench.advance(1900)
    bench.go()
    bench.completed()
    bench.go()
    bench.taken_in()


def is_tried(bench):
    """Whether a reconcile attaches."""
    bench.go()
    bench.taken_in()
    bench.go()
    return bool(bench.attached())


def of_an_earlier_version(bench):
    """The record of the failure as an earlier version has it."""
    documents.write(bench.registry, dataclasses.replace(bench.record(), failed_attach=FailedAttach()))


def tag(bench, key, value):
    bench.ecs.tag_resource(resourceArn=SERVICE.arn, tags=[{"key": key, "value": value}])


def another_revision(bench):
    bench.deploy(bench.define(LABELS, VERSION=2))
    bench.completed()


def another_deployment(bench):
    bench.deploy(forceNewDeployment=True)
    bench.completed()


def other_health_check(bench):
    tag(bench, "lattice.health.path", "/well")


def longer_grace(bench):
    tag(bench, "lattice.health.grace", "900")


def more_time_for_tasks(bench):
    bench.deploy(healthCheckGracePeriodSeconds=700)
    bench.completed()


def more_room(bench):
    bench.deploy(deploymentConfiguration={"maximumPercent": 300, "minimumHealthyPercent": 100})


def asked_for(bench):
    bench.side.forget_failures(SERVICE)


FAILED = [
    another_revision, another_deployment, other_health_check, longer_grace, more_time_for_tasks, more_room, asked_for,
]  # fmt: skip


@pytest.mark.parametrize("opened", FAILED)
def test_a_failed_attachment_is_tried_again_after(bench, opened):
    failed(bench)
    assert not is_tried(bench)
    opened(bench)
    assert is_tried(bench)


@pytest.mark.parametrize("opened", FAILED)
def test_one_that_an_earlier_version_remembered_is_tried_again_after(bench, opened):
    failed(bench)
    of_an_earlier_version(bench)
    assert not is_tried(bench)
    opened(bench)
    assert is_tried(bench)


def test_a_change_between_the_last_reconcile_of_an_earlier_version_and_the_update_counts(bench):
    failed(bench)
    of_an_earlier_version(bench)
    other_health_check(bench)
    assert is_tried(bench)


def test_deployments_alone_make_two_failed_tries_a_day(bench):
    failed(bench)
    for _ in range(2):
        another_deployment(bench)
        assert is_tried(bench)
        again(bench)
    another_deployment(bench)
    assert not is_tried(bench)
    bench.advance(24 * 3600)
    assert is_tried(bench)
    again(bench)
    other_health_check(bench)
    assert is_tried(bench)


def test_what_is_fixed_while_an_attachment_is_in_progress_counts(bench):
    bench.wired(task_definition=bench.define(LABELS, **BROKEN))
    bench.go()
    other_health_check(bench)
    again(bench)
    assert is_tried(bench)


def overwritten(bench):
    bench.live()
    bench.deploy(vpcLatticeConfigurations=[])
    bench.completed()
    bench.advance(90)
    bench.go()
    bench.taken_in()
    assert bench.record().list_overwritten


@pytest.mark.parametrize("opened", [other_health_check, asked_for])
def test_an_overwritten_list_is_written_again_after(bench, opened):
    overwritten(bench)
    assert not is_tried(bench)
    opened(bench)
    assert is_tried(bench)


def test_every_member_of_the_record_is_known_here():
    # That "governed" ends is tested in test_governed.py and in the histories of what ECS governs; "unkept" in
    # test_unkept_targets.py.
    latches = {"failed", "failed_attach", "list_overwritten", "owners", "governed", "unkept"}
    assert {field.name for field in dataclasses.fields(EcsRecord)} == NO_LATCHES | latches


def of_another_stack(bench):
    """Somebody has listed a target group of another stack on the ECS service."""
    bench.wired()
    theirs = bench.group("theirs", tags={"ecs-lattice:owner": "other"})
    entry = {"roleArn": ROLE, "targetGroupArn": theirs, "portName": "web"}
    bench.deploy(vpcLatticeConfigurations=[entry])
    bench.completed()
    bench.go()
    assert "OTHER_STACK" in bench.problems()


def test_a_group_of_another_stack_keeps_the_list_from_being_changed_until_it_is_off_the_list(bench):
    of_another_stack(bench)
    bench.go()
    bench.deploy(vpcLatticeConfigurations=[])
    bench.completed()
    assert is_tried(bench)
    assert bench.problems() == []
