"""CreateService, UpdateService and DeleteService: what a request changes, and whether it starts a deployment."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.ecs.exceptions import InvalidParameterException, ServiceNotFoundException
from moto.ecs.models import Cluster, EC2ContainerServiceBackend, TaskDefinition

from local_aws.ec2 import reach
from local_aws.ecs import rollouts, validation
from local_aws.ecs.errors import ServiceNotActiveError
from local_aws.ecs.model import Document, Service
from local_aws.ecs.scheduler import Scheduler
from local_aws.ecs.settings import Settings
from local_aws.services import clock

_ALWAYS_DEPLOYS = ("vpcLatticeConfigurations",)
_DEPLOYS_ON_CHANGE = (
    "taskDefinition", "networkConfiguration", "platformVersion", "loadBalancers", "serviceRegistries",
    "serviceConnectConfiguration", "volumeConfigurations",
)  # fmt: skip
"""Which members of UpdateService start a deployment (botocore, UpdateServiceRequest: "This parameter triggers a new
service deployment"). VPC Lattice configurations do even if they are unchanged (assumption, the conservative one);
the others, and above all ``taskDefinition``, only when they change: for the rest there is ``forceNewDeployment``."""
_NOT_KEPT = ("cluster", "service", "serviceName", "clientToken", "forceNewDeployment", "tags", "desiredCount")


class Operations:
    """The write operations on services. Call with the scheduler's lock held."""

    def __init__(
        self,
        backend: EC2ContainerServiceBackend,
        scheduler: Scheduler,
        settings: Settings,
        group_exists: Callable[[str], bool],
    ) -> None:
        self._backend = backend
        self._scheduler = scheduler
        self._settings = settings
        self._group_exists = group_exists

    def create(self, request: Mapping[str, Any], caller: str) -> Service:
        """CreateService. The same request returns the same service (ECS Developer Guide, idempotency)."""
        cluster = self._cluster(request)
        name = request.get("serviceName") or ""
        validation.service_name(name)
        validation.tags(request.get("tags") or ())
        existing = self._known(f"{cluster.name}:{name}")
        kept = self._normal(request)
        if existing is not None and existing.status != "INACTIVE":
            return _same(existing, request, kept)
        desired = self._first_count(request, cluster)
        self._check(kept)
        self._check_groups(kept)
        service = Service(
            cluster=cluster,
            name=name,
            arn=f"arn:aws:ecs:{self._backend.region_name}:{self._backend.account_id}:service/{cluster.name}/{name}",
            created_at=clock().now(),
            created_by=caller,
            desired_count=desired,
            request=kept,
            task_definition=None,
            launch_type=None,
            scheduling_strategy=request.get("schedulingStrategy") or "REPLICA",
            tags=[dict(tag) for tag in request.get("tags") or ()],
        )
        rollouts.adopt(service)
        self._backend.services[f"{cluster.name}:{name}"] = service  # type: ignore[assignment]
        if service.controller == "ECS":
            self._scheduler.rollouts.start(service)
            self._scheduler.converge(service)
        return service

    def update(self, request: Mapping[str, Any]) -> Service:
        """UpdateService. Omitted members stay unchanged."""
        service = self.find(request)
        if service.status != "ACTIVE":
            raise ServiceNotActiveError
        given = {name: value for name, value in request.items() if value is not None}
        wanted = {**service.request, **self._normal(given, service.request)}
        if "deploymentConfiguration" in given:
            # its omitted members stay unchanged, too (assumption)
            before = service.request.get("deploymentConfiguration") or {}
            wanted["deploymentConfiguration"] = {**before, **given["deploymentConfiguration"]}
        self._check(wanted)
        if "networkConfiguration" in given:
            self._check_groups(wanted)
        deploys = bool(given.get("forceNewDeployment")) or any(
            name in given and (name in _ALWAYS_DEPLOYS or wanted.get(name) != service.request.get(name))
            for name in (*_ALWAYS_DEPLOYS, *_DEPLOYS_ON_CHANGE)
        )
        deploys = deploys and service.controller == "ECS"
        if deploys and len(service.deployments) >= self._settings.max_active_deployments:
            # aws/containers-roadmap #2836
            count = len(service.deployments)
            raise InvalidParameterException(f"{count} active deployments exist, unable to create new deployment.")
        service.request = wanted
        service.desired_count = given.get("desiredCount", service.desired_count)
        rollouts.adopt(service)
        if deploys:
            self._scheduler.rollouts.start(service)
        self._scheduler.converge(service)
        return service

    def delete(self, request: Mapping[str, Any]) -> Service:
        """DeleteService: DRAINING at once, INACTIVE when its tasks have stopped (botocore, DeleteService)."""
        service = self.find(request)
        if service.status != "ACTIVE":
            raise ServiceNotFoundException
        if not request.get("force"):
            if service.desired_count > 0:
                raise InvalidParameterException("The service cannot be stopped while it is scaled above 0.")
            primary = service.primary
            if len(service.deployments) > 1 or (primary is not None and primary.rollout_state == "IN_PROGRESS"):
                # hashicorp/terraform-provider-aws, internal/service/ecs/service.go waits for this message
                message = "The service cannot be stopped while deployments are active."
                raise InvalidParameterException(message)
        service.desired_count = 0
        service.status = "DRAINING" if service.controller == "ECS" else "INACTIVE"
        self._scheduler.end(service)
        return service

    def find(self, request: Mapping[str, Any]) -> Service:
        """The service in the request's cluster, by name or ARN."""
        cluster = self._cluster(request)
        name = str(request.get("service") or "").rpartition("/")[2]
        service = self._known(f"{cluster.name}:{name}")
        if service is None:
            raise ServiceNotFoundException
        return service

    def _cluster(self, request: Mapping[str, Any]) -> Cluster:
        return self._backend._get_cluster(request.get("cluster") or "default")

    def _known(self, key: str) -> Service | None:
        return self._backend.services.get(key)  # type: ignore[return-value]

    def _check(self, request: Mapping[str, Any]) -> None:
        name = request.get("taskDefinition")
        if name is None:
            if (request.get("deploymentController") or {}).get("type") != "EXTERNAL":
                raise InvalidParameterException("TaskDefinition can not be blank.")
            return
        definition = validation.active(self._backend.describe_task_definition(name))
        validation.workload(request, definition, self._settings, self._group_exists)

    def _check_groups(self, request: Mapping[str, Any]) -> None:
        awsvpc = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
        subnets, groups = awsvpc.get("subnets") or (), awsvpc.get("securityGroups") or ()
        problem = reach.problem(subnets, groups, self._backend.account_id, self._backend.region_name)
        if problem is not None:
            raise InvalidParameterException(problem)

    def _normal(self, request: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Document:
        """A request as ECS stores it: full ARNs, explicit defaults, no members that concern only the call."""
        kept = {name: value for name, value in request.items() if name not in _NOT_KEPT and value is not None}
        if "taskDefinition" in kept:
            kept["taskDefinition"] = self._definition(kept["taskDefinition"]).arn
        awsvpc = (kept.get("networkConfiguration") or {}).get("awsvpcConfiguration")
        if awsvpc is not None:
            defaults = {"securityGroups": [], "assignPublicIp": "DISABLED"}
            kept["networkConfiguration"] = {"awsvpcConfiguration": {**defaults, **awsvpc}}
        if before is None and "capacityProviderStrategy" not in kept:
            kept.setdefault("launchType", "EC2")
        return kept

    def _definition(self, name: str) -> TaskDefinition:
        return self._backend.describe_task_definition(name)

    def _first_count(self, request: Mapping[str, Any], cluster: Cluster) -> int:
        """``desiredCount`` is required for REPLICA (botocore); DAEMON has one task per container instance."""
        if request.get("schedulingStrategy") == "DAEMON":
            return len(self._backend.container_instances.get(cluster.name, {}))
        count = request.get("desiredCount")
        if count is None or count < 0:
            message = "desiredCount must be 0 or more when schedulingStrategy is REPLICA or not specified."
            raise InvalidParameterException(message)
        return int(count)


def _same(existing: Service, request: Mapping[str, Any], kept: Document) -> Service:
    """The existing service if it was created with the same request; else ECS's errors."""
    if existing.status == "DRAINING":
        raise InvalidParameterException("Unable to Start a service that is still Draining.")
    same = json.dumps(existing.request, sort_keys=True, default=str) == json.dumps(kept, sort_keys=True, default=str)
    if not same or existing.desired_count != request.get("desiredCount"):
        raise InvalidParameterException("Creation of service was not idempotent.")
    return existing


__all__ = ["Operations"]
