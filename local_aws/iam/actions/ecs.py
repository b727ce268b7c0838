"""Amazon ECS (Service Authorization Reference, Amazon Elastic Container Service)."""

import functools
from collections.abc import Iterator, Mapping

from local_aws.iam.needs import Need, Params, Rule, arn, as_arn, on, tags_in_request
from local_aws.iam.variables import Value


def _cluster(params: Params) -> str:
    return as_arn("ecs", params.get("cluster") or "default", "cluster/")


def _in_cluster(params: Params) -> dict[str, Value]:
    return {"ecs:cluster": _cluster(params)}


def _inside(kind: str, identifier: str, params: Params) -> str:
    """A service or task: an ARN, or a name within the cluster. ARNs have the long format, with the cluster's name."""
    if identifier.startswith("arn:"):
        return identifier
    return arn("ecs", f"{kind}/{_cluster(params).rpartition('/')[2]}/{identifier}")


def _services(action: str, params: Params) -> Iterator[Need]:
    for name in params.get("services") or ():
        yield Need(action, _inside("service", name, params), _in_cluster(params))


def _tasks(action: str, params: Params) -> Iterator[Need]:
    for name in params.get("tasks") or ():
        yield Need(action, _inside("task", name, params), _in_cluster(params))


def _list_tasks(params: Params) -> Iterator[Need]:
    """On the container instance, if the request names one; otherwise only the cluster restricts it."""
    instance = params.get("containerInstance")
    resource = _inside("container-instance", instance, params) if instance else "*"
    yield Need("ecs:ListTasks", resource, _in_cluster(params))


def _list_services(params: Params) -> Iterator[Need]:
    yield Need("ecs:ListServices", "*", _in_cluster(params))


def _one_service(action: str, member: str, params: Params) -> Iterator[Need]:
    more: dict[str, Value] = {}
    if params.get("taskDefinition"):
        more["ecs:task-definition"] = as_arn("ecs", params["taskDefinition"], "task-definition/")
    if (configurations := params.get("vpcLatticeConfigurations")) is not None:
        # assumption: absent without a list, and false for an empty one (ECS Developer Guide: "true" or "false")
        more["ecs:enable-vpc-lattice"] = "true" if configurations else "false"
    context = {**_in_cluster(params), **tags_in_request(params.get("tags")), **more}
    yield Need(action, _inside("service", params[member], params), context)


def _service_of(resource: str) -> tuple[str, str]:
    """ARNs of the cluster and the service that a deployment or revision belongs to: its ARN has both names."""
    _, cluster, service = resource.split(":", 5)[5].split("/")[:3]
    return arn("ecs", f"cluster/{cluster}"), arn("ecs", f"service/{cluster}/{service}")


def _of_service(action: str, member: str, params: Params) -> Iterator[Need]:
    """Operations on service deployments or revisions are authorized on them and on their service."""
    for resource in params.get(member) or ():
        cluster, service = _service_of(resource)
        yield Need(action, service, {"ecs:cluster": cluster})
        yield Need(action, resource, {"ecs:cluster": cluster, "ecs:service": service})


def _clusters(params: Params) -> list[Need]:
    names = params.get("clusters") or ["default"]
    return on("ecs:DescribeClusters", *(as_arn("ecs", name, "cluster/") for name in names))


def _tagging(action: str, params: Params) -> list[Need]:
    return on(action, params["resourceArn"], context=tags_in_request(params.get("tags")))


RULES: Mapping[str, Rule] = {
    "CreateService": functools.partial(_one_service, "ecs:CreateService", "serviceName"),
    "DeleteService": functools.partial(_one_service, "ecs:DeleteService", "service"),
    "DescribeClusters": _clusters,
    "DescribeServiceDeployments": functools.partial(
        _of_service, "ecs:DescribeServiceDeployments", "serviceDeploymentArns"
    ),
    "DescribeServiceRevisions": functools.partial(_of_service, "ecs:DescribeServiceRevisions", "serviceRevisionArns"),
    "DescribeServices": functools.partial(_services, "ecs:DescribeServices"),
    "DescribeTasks": functools.partial(_tasks, "ecs:DescribeTasks"),
    "ListServiceDeployments": functools.partial(_one_service, "ecs:ListServiceDeployments", "service"),
    "ListServices": _list_services,
    "ListTagsForResource": functools.partial(_tagging, "ecs:ListTagsForResource"),
    "ListTasks": _list_tasks,
    "StopTask": lambda p: on("ecs:StopTask", _inside("task", p["task"], p), context=_in_cluster(p)),
    "TagResource": functools.partial(_tagging, "ecs:TagResource"),
    "UpdateService": functools.partial(_one_service, "ecs:UpdateService", "service"),
}

__all__ = ["RULES"]
