"""A pass of the resync over all ECS services of our clusters, in parts, over as many runs as it takes.

A run may end before any part; the cursor of that part is where the next run goes on. Clusters and services are read in the
order of their ARNs, so that the cursor needs no more than the last one.
"""

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import batched, chain

from ecs_lattice import codec
from ecs_lattice.facts import EcsService
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Ecs, Sleep
from ecs_lattice.settings import Settings

_DESCRIBE_SERVICES, _LIST_SERVICES = 10, 100  # ECS API, DescribeServices and ListServices
_END = "~"  # a cursor's cluster behind all ARNs


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a pass over all services has come: to ``after`` (ARN) in ``cluster`` (ARN). ``clusters``: the parameter of that
    name when it began; with another one, the pass begins anew."""

    cluster: str = ""
    after: str = ""
    clusters: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str | None, settings: Settings) -> "Cursor":
        """The stored cursor; the beginning of a pass for no text or another one (earlier versions stored a cluster)."""
        try:
            stored = codec.loads(cls, text or "")
        except (ValueError, TypeError, AttributeError):
            return cls()
        return stored if stored.clusters == settings.clusters else cls()


@dataclass(frozen=True, slots=True)
class Part:
    """What a pass does at ``cursor``: read the services ``arns``, and look at those that are known and ``unlisted``."""

    cursor: Cursor
    arns: tuple[str, ...]
    unlisted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServicePass:
    """Reads at most ``ecs_reads_per_second``."""

    settings: Settings
    ecs: Ecs
    sleep: Sleep

    def parts(self, begun: Cursor, known: Collection[str]) -> Iterator[Part]:
        """What is left of the pass; ``known`` was read before any cluster is listed."""
        clusters = sorted(filter(self._is_ours, self.ecs.clusters()))
        of: dict[str, set[str]] = {}
        for arn in filter(self._is_ours, known):
            of.setdefault(_cluster(arn), set()).add(arn)
        for cluster in clusters:
            unlisted = of.pop(_name(cluster), set())
            if cluster >= begun.cluster:
                yield from self._parts(cluster, begun, unlisted)
        if of:
            yield Part(Cursor(_END, "", self.settings.clusters), (), tuple(sorted(chain(*of.values()))))

    def _parts(self, cluster: str, begun: Cursor, known: set[str]) -> Iterator[Part]:
        """Those of one cluster, which is listed as a whole whenever one of its services is read: the listing shows which of the
        ``known`` are gone."""
        cursor = begun if cluster == begun.cluster else Cursor(cluster, "", self.settings.clusters)
        listed = self._listed(cluster)
        unlisted = tuple(sorted(known.difference(listed)))
        left = [arn for arn in listed if arn > cursor.after]
        for arns in [*batched(left, _DESCRIBE_SERVICES, strict=False)] or [()]:
            yield Part(cursor, arns, unlisted)
            cursor, unlisted = dataclasses.replace(cursor, after=max(arns, default=cursor.after)), ()

    def read(self, part: Part) -> tuple[EcsService, ...]:
        """The services of a part as ECS describes them."""
        if not part.arns:
            return ()
        self.sleep(1 / self.settings.ecs_reads_per_second)
        return self.ecs.services([ServiceId(arn) for arn in part.arns])

    def _is_ours(self, arn: str) -> bool:
        """Whether the cluster, or that of the service, is one of the parameter ``Clusters``."""
        name = _cluster(arn) if ":service/" in arn else _name(arn)
        return not self.settings.clusters or any(fnmatchcase(name, glob) for glob in self.settings.clusters)

    def _listed(self, cluster: str) -> list[str]:
        """The ARNs of the services of a cluster in order, listed at the pace of the reads."""
        found: list[str] = []
        for ids in batched(self.ecs.service_ids(cluster), _LIST_SERVICES, strict=False):
            self.sleep(1 / self.settings.ecs_reads_per_second)
            found += [service.arn for service in ids]
        return sorted(found)


def _name(cluster_arn: str) -> str:
    return cluster_arn.rsplit("/", 1)[-1]


def _cluster(service_arn: str) -> str:
    return ServiceId(service_arn).cluster
