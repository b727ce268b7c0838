"""The read operations on services, deployments, revisions and tasks; they may lag (``Settings.read_lag_seconds``)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.ecs.exceptions import InvalidParameterException, ServiceNotFoundException
from moto.ecs.models import EC2ContainerServiceBackend

from local_aws.ecs import describe, describe_task
from local_aws.ecs.model import Document, Service, ServiceTask
from local_aws.ecs.pages import page
from local_aws.ecs.reads import LaggedReads
from local_aws.ecs.settings import Settings
from local_aws.services import clock

_MOST_SERVICES, _MOST_TASKS, _MOST_DEPLOYMENTS = 10, 100, 20
"""The maximum per call (botocore)."""


class Queries:
    """Answers Describe and List calls. Call with the scheduler's lock held."""

    def __init__(self, backend: EC2ContainerServiceBackend, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings
        self._earlier = LaggedReads()

    def remember(self) -> None:
        """Record the current state, if reads lag."""
        if self._settings.read_lag_seconds > 0:
            self._earlier.record(self._everything())

    def describe_services(self, request: Mapping[str, Any]) -> Document:
        """Up to ten services by name or ARN; ``tags`` only on request, unknown services as failures."""
        cluster = self._backend._get_cluster(request.get("cluster") or "default")
        asked = request.get("services") or []
        if not asked:
            raise InvalidParameterException("Services cannot be empty.")
        if len(asked) > _MOST_SERVICES:
            raise InvalidParameterException(f"Cannot describe more than {_MOST_SERVICES} services in one call.")
        found, failures = [], []
        for name in asked:
            service = self._service(cluster.name, name)
            document = self._shown(service.arn, describe.service(service, tags=True)) if service else None
            if document is None:
                failures.append({"arn": self._service_arn(cluster.name, name), "reason": "MISSING"})
            else:
                found.append(_without_tags(document, request))
        return {"services": found, "failures": failures}

    def list_services(self, request: Mapping[str, Any]) -> Document:
        """The ACTIVE services of a cluster, by default ten per page; DRAINING services are not listed."""
        cluster = self._backend._get_cluster(request.get("cluster") or "default")
        arns = sorted(
            service.arn
            for service in self._services()
            if service.cluster is cluster and self._is_listed(service) and _matches(service, request)
        )
        shown, token = page(arns, request.get("nextToken"), request.get("maxResults"), default=10)
        return _with_token({"serviceArns": shown}, token)

    def describe_tasks(self, request: Mapping[str, Any]) -> Document:
        """Tasks by id or ARN; those of RunTask and StartTask are moto's."""
        cluster = self._backend._get_cluster(request.get("cluster") or "default")
        asked = request.get("tasks") or []
        if not asked:
            raise InvalidParameterException("Tasks cannot be empty.")
        if len(asked) > _MOST_TASKS:
            raise InvalidParameterException(f"Cannot describe more than {_MOST_TASKS} tasks in one call.")
        known = {task.task_arn.rpartition("/")[2]: task for task in self._backend.tasks.get(cluster.name, {}).values()}
        found: list[Any] = []
        failures = []
        for identifier in asked:
            task: Any = known.get(identifier.rpartition("/")[2])
            shown = self._task(task, request) if task is not None else None
            if shown is None:
                arn = (
                    identifier
                    if identifier.startswith("arn:")
                    else f"{cluster.arn.replace(':cluster/', ':task/')}/{identifier}"
                )
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(shown)
        return {"tasks": found, "failures": failures}

    def list_tasks(self, request: Mapping[str, Any]) -> Document:
        """The tasks of a cluster, by default those that should run."""
        cluster = self._backend._get_cluster(request.get("cluster") or "default")
        service = request.get("serviceName")
        if service is not None and self._service(cluster.name, service) is None:
            raise ServiceNotFoundException
        arns = sorted(
            task.task_arn
            for task in self._backend.tasks.get(cluster.name, {}).values()
            if self._is_wanted(task, request)
        )
        shown, token = page(arns, request.get("nextToken"), request.get("maxResults"), default=100)
        return _with_token({"taskArns": shown}, token)

    def list_service_deployments(self, request: Mapping[str, Any]) -> Document:
        """The rollouts of a service, newest first."""
        cluster = self._backend._get_cluster(request.get("cluster") or "default")
        service = self._service(cluster.name, str(request.get("service") or ""))
        if service is None:
            raise ServiceNotFoundException
        created = request.get("createdAt") or {}
        briefs = []
        for record in reversed(service.history):
            full = self._shown(record.arn, describe.service_deployment(service, record))
            if full is None:
                continue
            brief = {**describe.service_deployment_brief(service, record), "status": full["status"]}
            if _is_between(brief, created) and brief["status"] in (request.get("status") or [brief["status"]]):
                briefs.append({name: value for name, value in brief.items() if name in full or name in _OF_BRIEF})
        # newest first, so the pages count down: a sequence number stands for the order in the token
        order = [f"{position:09d}" for position in range(len(briefs))]
        shown, token = page(order, request.get("nextToken"), request.get("maxResults"), default=20)
        return _with_token({"serviceDeployments": [briefs[int(position)] for position in shown]}, token)

    def describe_service_deployments(self, request: Mapping[str, Any]) -> Document:
        """Up to 20 rollouts by ARN."""
        known = {
            record.arn: describe.service_deployment(service, record)
            for service in self._services()
            for record in service.history
            if record.arn in (request.get("serviceDeploymentArns") or ())
        }
        return self._by_arn(request, "serviceDeploymentArns", "serviceDeployments", known)

    def describe_service_revisions(self, request: Mapping[str, Any]) -> Document:
        """Up to 20 service revisions by ARN; they never change."""
        known = {
            revision.arn: describe.revision(service, revision)
            for service in self._services()
            for revision in service.revisions.values()
            if revision.arn in (request.get("serviceRevisionArns") or ())
        }
        return self._by_arn(request, "serviceRevisionArns", "serviceRevisions", known, lags=False)

    def _by_arn(
        self,
        request: Mapping[str, Any],
        asked_as: str,
        answered_as: str,
        known: Mapping[str, Document],
        *,
        lags: bool = True,
    ) -> Document:
        asked = request.get(asked_as) or []
        if not 1 <= len(asked) <= _MOST_DEPLOYMENTS:
            raise InvalidParameterException(f"{asked_as} must have 1 to {_MOST_DEPLOYMENTS} items, not {len(asked)}.")
        shown = {arn: self._shown(arn, known[arn]) if lags else known[arn] for arn in asked if arn in known}
        found = [document for document in shown.values() if document is not None]
        failures = [{"arn": arn, "reason": "MISSING"} for arn in asked if shown.get(arn) is None]
        return {answered_as: found, "failures": failures}

    def _shown(self, arn: str, now: Document) -> Document | None:
        if self._settings.read_lag_seconds <= 0:
            return now
        return self._earlier.at(arn, clock().time() - self._settings.read_lag_seconds)

    def _task(self, task: Any, request: Mapping[str, Any]) -> Any:
        if not isinstance(task, ServiceTask):
            return task
        document = self._shown(task.task_arn, describe_task.task(task, tags=True))
        return None if document is None else _without_tags(document, request)

    def _is_listed(self, service: Service) -> bool:
        if self._settings.read_lag_seconds <= 0:
            return service.status == "ACTIVE"
        document = self._shown(service.arn, {})
        return document is not None and document["status"] == "ACTIVE"

    def _is_wanted(self, task: Any, request: Mapping[str, Any]) -> bool:
        desired = task.desired_status
        family = task.task_definition_arn.rpartition("/")[2].rpartition(":")[0]
        service = ""
        if isinstance(task, ServiceTask):
            service = task.service.name
            document = self._shown(task.task_arn, {"desiredStatus": desired})
            if document is None:
                return False
            desired = document["desiredStatus"]
        instance = str(request.get("containerInstance") or "").rpartition("/")[2]
        return (
            desired == (request.get("desiredStatus") or "RUNNING")
            and request.get("family") in (None, family)
            and request.get("startedBy") in (None, task.started_by)
            and request.get("launchType") in (None, task.launch_type)
            and str(request.get("serviceName") or service).rpartition("/")[2] == service
            and instance in str(task.container_instance_arn or "")
        )

    def _everything(self) -> Iterator[tuple[str, Document]]:
        for service in self._services():
            yield service.arn, describe.service(service, tags=True)
            for record in service.history:
                yield record.arn, describe.service_deployment(service, record)
            for task in service.tasks:
                yield task.task_arn, describe_task.task(task, tags=True)

    def _services(self) -> Iterable[Service]:
        return self._backend.services.values()  # type: ignore[return-value]

    def _service(self, cluster: str, name_or_arn: str) -> Service | None:
        return self._backend.services.get(f"{cluster}:{name_or_arn.rpartition('/')[2]}")  # type: ignore[return-value]

    def _service_arn(self, cluster: str, name_or_arn: str) -> str:
        if name_or_arn.startswith("arn:"):
            return name_or_arn
        region, account = self._backend.region_name, self._backend.account_id
        return f"arn:aws:ecs:{region}:{account}:service/{cluster}/{name_or_arn}"


_OF_BRIEF = {"serviceDeploymentArn", "serviceArn", "clusterArn", "targetServiceRevisionArn", "status"}


def _matches(service: Service, request: Mapping[str, Any]) -> bool:
    return request.get("launchType") in (None, service.launch_type) and request.get("schedulingStrategy") in (
        None,
        service.scheduling_strategy,
    )


def _is_between(brief: Document, created: Mapping[str, Any]) -> bool:
    after, before = _utc(created.get("after")), _utc(created.get("before"))
    at = brief["createdAt"]
    return (after is None or at >= after) and (before is None or at <= before)


def _utc(moment: datetime | None) -> datetime | None:
    """A time in a request; moto parses it without its time zone, which is UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _without_tags(document: Document, request: Mapping[str, Any]) -> Document:
    if "TAGS" in (request.get("include") or ()):
        return document
    return {name: value for name, value in document.items() if name != "tags"}


def _with_token(document: Document, token: str | None) -> Document:
    return document if token is None else {**document, "nextToken": token}


__all__ = ["Queries"]
