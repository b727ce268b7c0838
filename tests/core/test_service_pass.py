"""A pass over all ECS services is cut between any ten of them, reads each once, and goes on where it was cut."""

import dataclasses
from dataclasses import dataclass, field

from ecs_lattice import codec
from ecs_lattice.model import ServiceId
from ecs_lattice.service_pass import Cursor, ServicePass
from tests.world import SETTINGS

ARN = "arn:aws:ecs:us-east-1:123456789012:"


def arns(cluster: str, count: int) -> list[str]:
    return [f"{ARN}service/{cluster}/s{number:02}" for number in range(count)]


@dataclass
class Account:
    """ECS with services by cluster, listed in no order."""

    listed: dict[str, list[str]]
    read: list[str] = field(default_factory=list)

    def clusters(self):
        return iter(f"{ARN}cluster/{name}" for name in reversed(self.listed))

    def service_ids(self, cluster):
        return iter([ServiceId(arn) for arn in reversed(self.listed[cluster.rsplit("/", 1)[-1]])])

    def services(self, ids):
        self.read += [found.arn for found in ids]
        return tuple(ids)


def run(account: Account, text: str | None, known: list[str], parts: int, settings=SETTINGS):
    """A run that has time for so many parts: the text of the cursor behind it (None: the pass has ended), and what is gone."""
    services, gone = ServicePass(settings, account, lambda _seconds: None), []
    for number, part in enumerate(services.parts(Cursor.parse(text, settings), known)):
        if number == parts:
            return codec.dumps(part.cursor), gone
        services.read(part)
        gone += part.unlisted
    return None, gone


def a_pass(account: Account, known: list[str]) -> tuple[int, list[str]]:
    """A pass in runs of one part each: how many runs it took, and what it found to be gone."""
    text, runs, gone = None, 0, []
    while runs == 0 or text is not None:
        text, found = run(account, text, known, 1)
        runs, gone = runs + 1, gone + found
        assert runs < 50
    return runs, gone


def test_a_pass_is_cut_inside_a_cluster_and_reads_every_service_once():
    account = Account({"a": arns("a", 23), "b": [], "c": arns("c", 10)})
    runs, _ = a_pass(account, [])
    assert account.read == arns("a", 23) + arns("c", 10)
    assert runs == 5  # three parts of a, the empty b, one of c


def test_what_is_known_and_no_longer_listed_is_found_in_every_cluster_and_where_the_cluster_is_gone():
    account = Account({"a": arns("a", 12), "b": arns("b", 1), "c": arns("c", 1)})
    lost = [arns("a", 23)[20], arns("c", 2)[1], arns("d", 1)[0]]
    _, gone = a_pass(account, [*arns("a", 12), *arns("c", 1), *lost])
    assert set(gone) == set(lost)


def test_a_service_that_is_made_during_a_pass_is_not_taken_for_gone():
    account = Account({"a": arns("a", 12), "b": arns("b", 1)})
    text, gone = run(account, None, [], 1)
    account.listed["a"] = arns("a", 14)
    account.listed["0"] = arns("0", 1)  # a cluster before the cursor
    while text is not None:
        text, found = run(account, text, [*arns("a", 14), *arns("0", 1)], 1)
        gone += found
    assert gone == []


def test_only_the_clusters_of_the_parameter_are_read_and_another_parameter_begins_anew():
    account = Account({"a": arns("a", 1), "b": arns("b", 12)})
    only = dataclasses.replace(SETTINGS, clusters=("b",))
    text, gone = run(account, None, arns("z", 1), 1, only)
    assert (account.read, gone) == (arns("b", 10), [])
    assert Cursor.parse(text, only).after == arns("b", 10)[-1]
    assert Cursor.parse(text, SETTINGS) == Cursor() == Cursor.parse(f"{ARN}cluster/b", SETTINGS)
