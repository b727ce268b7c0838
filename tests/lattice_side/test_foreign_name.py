"""A Lattice service of somebody else has the name that a claim asks for: nothing of the claim stays when it goes."""

from ecs_lattice import ownership
from tests.lattice_side.stage import GRACE, SETTINGS, Stage, path, service

WEB = service("web")


def refused(stage: Stage) -> None:
    """A claim whose target group was made before the name turned out to be taken."""
    stage.registry.put_document("stack", "marker", "{}")
    stage.lattice.create_service(name="shop")
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    assert stage.record(WEB, "r").answer.code == "FOREIGN_SERVICE"
    assert len(stage.groups()) == 1


def test_a_withdrawn_claim_takes_its_group_with_it(stage: Stage) -> None:
    refused(stage)
    stage.vanish(WEB, "r")
    stage.work(2 * GRACE)
    assert stage.records() == ()
    assert stage.groups() == []
    assert [each["name"] for each in stage.lattice.list_services()["items"]] == ["shop"]


def test_a_refused_claim_is_looked_at_by_reads_alone_until_the_name_is_free(stage: Stage) -> None:
    refused(stage)
    with stage.writes() as made:
        for _ in range(4):
            stage.work(SETTINGS.drift_hours * 3600)
    assert made == []
    (found,) = stage.lattice.list_services()["items"]
    stage.lattice.delete_service(serviceIdentifier=found["id"])
    stage.clock.advance(60)
    stage.settle()
    assert stage.state(WEB, "r") == "Live"


def test_a_group_that_a_service_of_another_stack_uses_is_left_alone(stage: Stage) -> None:
    """Handed over by its tag, and the registry does not know the Lattice service any more."""
    stage.registry.put_document("stack", "marker", "{}")
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    arn = stage.lattice.list_services()["items"][0]["arn"]
    stage.lattice.tag_resource(resourceArn=arn, tags={ownership.OWNER: "another-stack"})
    remembered = stage.registry.lattice("shop")
    stage.registry.put_lattice(type(remembered)(remembered.name, groups=remembered.groups))
    stage.vanish(WEB, "r")
    with stage.writes() as made:
        stage.work(2 * GRACE)
    assert made == []
    assert stage.ask("/r") == "prod/web:http"
