"""moto's ECS backend with a scheduler. Clusters, task definitions and container instances remain moto's."""

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import Cluster, ClusterFailure, EC2ContainerServiceBackend, TaskDefinition

from local_aws.ecs import validation
from local_aws.ecs.ecs_events import EcsEvents
from local_aws.ecs.faults import Call, Faults
from local_aws.ecs.model import Service, ServiceTask
from local_aws.ecs.operations import Operations
from local_aws.ecs.placement import Placement
from local_aws.ecs.queries import Queries
from local_aws.ecs.registration import Registrar
from local_aws.ecs.scheduler import Scheduler
from local_aws.ecs.settings import Settings
from local_aws.ecs.write_guard import WriteGuard


class EcsBackend(EC2ContainerServiceBackend):
    """ECS of one account in one Region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.settings = Settings()
        """Durations and switches; change its attributes at any time."""
        self.faults = Faults()
        """Errors and lost responses for upcoming calls."""
        self.calls: list[Call] = []
        """All API calls since the start, oldest first."""
        self.guard = WriteGuard()
        registrar = Registrar(account_id, region_name)
        self.scheduler = Scheduler(
            guard=self.guard,
            settings=self.settings,
            events=EcsEvents(self.guard),
            registrar=registrar,
            places=Placement(self),
            definition=self.describe_task_definition,
            remember=self._remember_task,
            forget=self._forget_task,
            forget_service=self._forget_service,
        )
        self.operations = Operations(self, self.scheduler, self.settings, registrar.exists)
        self.queries = Queries(self, self.settings)
        self.guard.before_release = self.queries.remember

    def service(self, name: str, cluster: str = "default") -> Service:
        """A service, without HTTP; ServiceNotFoundException if there is none."""
        return self.operations.find({"cluster": cluster, "service": name})

    def describe_clusters(self, cluster_names: list[str]) -> tuple[list[Cluster], list[ClusterFailure]]:
        """DescribeClusters, with the numbers of ECS services and tasks, which moto does not know."""
        clusters, failures = super().describe_clusters(cluster_names)
        for cluster in clusters:
            services = [each for each in self.services.values() if cast("Any", each).cluster is cluster]
            statuses = Counter(task.last_status for task in self.tasks.get(cluster.name, {}).values())
            cluster.active_services_count = sum(each.status == "ACTIVE" for each in services)
            cluster.running_tasks_count = statuses["RUNNING"]
            cluster.pending_tasks_count = statuses["PROVISIONING"] + statuses["PENDING"] + statuses["ACTIVATING"]
        return clusters, failures

    def stop_task(self, cluster_str: str, task_str: str, reason: str) -> Any:
        """StopTask: a service replaces its stopped task."""
        cluster = self._get_cluster(cluster_str)
        for task in self.tasks.get(cluster.name, {}).values():
            mine = cast("Any", task)
            if isinstance(mine, ServiceTask) and mine.id == task_str.rpartition("/")[2]:
                self.scheduler.stop(mine, "UserInitiated", reason or "Task stopped by user")
                return mine
        return super().stop_task(cluster_str, task_str, reason)

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        """TagResource: a service needs its long ARN (botocore, TagResourceRequest)."""
        self._refuse_short_arn(arn)
        before = {tag["key"]: tag["value"] for tag in self.list_tags_for_resource(arn) or ()}
        validation.tags([{"key": key, "value": value} for key, value in {**before, **tags}.items()])
        super().tag_resource(arn, tags)

    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> None:
        """UntagResource, with the same requirement for the ARN."""
        self._refuse_short_arn(resource_arn)
        super().untag_resource(resource_arn, tag_keys)

    @staticmethod
    def _calculate_task_resource_requirements(task_definition: TaskDefinition) -> dict[str, Any]:
        """The resources that a task needs: 0 instead of None for a container without memory, as Fargate allows."""
        containers = [
            container
            if {"memory", "memoryReservation", "Memory", "MemoryReservation"} & container.keys()
            else {**container, "memory": 0}
            for container in task_definition.container_definitions
        ]
        view = cast("TaskDefinition", SimpleNamespace(container_definitions=containers))
        return EC2ContainerServiceBackend._calculate_task_resource_requirements(view)

    @staticmethod
    def _refuse_short_arn(arn: str) -> None:
        resource = arn.rpartition(":")[2]
        if resource.startswith("service/") and resource.count("/") == 1:
            message = "Long arn format must be used for tagging operations"
            raise InvalidParameterException(message)

    def _remember_task(self, task: ServiceTask) -> None:
        self.tasks.setdefault(task.service.cluster.name, {})[task.task_arn] = cast("Any", task)

    def _forget_task(self, task: ServiceTask) -> None:
        self.tasks.get(task.service.cluster.name, {}).pop(task.task_arn, None)

    def _forget_service(self, service: Service) -> None:
        key = f"{service.cluster.name}:{service.name}"
        if cast("Any", self.services.get(key)) is service:
            del self.services[key]


__all__ = ["EcsBackend"]
