"""ECS over HTTP: moto's handlers, with services and tasks replaced, and the operations that moto lacks."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecs.models import Task
from moto.ecs.responses import EC2ContainerServiceResponse

from local_aws.ecs import cloudtrail, describe, describe_task, shapes
from local_aws.ecs.backend import EcsBackend
from local_aws.ecs.faults import Call, lose
from local_aws.ecs.model import Document
from local_aws.services import clock


class EcsResponse(EC2ContainerServiceResponse):
    """Answers ECS requests. Responses about services and their tasks are validated against botocore's shapes."""

    @property
    def ecs_backend(self) -> EcsBackend:
        return super().ecs_backend  # type: ignore[return-value]

    def call_action(self) -> Any:
        """Every call: due faults, the operation, the log of calls, CloudTrail."""
        operation, parameters = self._get_action(), dict(self._get_params() or {})
        backend = self.ecs_backend
        call = Call(operation, parameters, clock().time())
        backend.calls.append(call)
        fault = backend.faults.take(operation)
        if fault is not None and fault.error is not None:
            call.error = fault.error.code
            answer = self._refused(fault.error)
        else:
            with backend.guard.held():
                answer = super().call_action()
        body = json.loads(answer[2]) if answer[2] else {}
        if answer[0] >= 400:
            call.error = str(body.get("__type", "")).rpartition("#")[2]
        if operation in cloudtrail.RECORDED:
            caller = cloudtrail.identity(self.current_account, self.access_key)
            cloudtrail.record(backend.guard, operation, parameters, body, caller, self.region)
        if fault is not None and fault.error is None:
            lose(self.normalized_request)
        return answer

    def create_service(self) -> ActionResult:
        caller = cloudtrail.identity(self.current_account, self.access_key)["arn"]
        service = self.ecs_backend.operations.create(self._get_params(), caller)
        return self._answer({"service": describe.service(service, tags=True)})

    def update_service(self) -> ActionResult:
        service = self.ecs_backend.operations.update(self._get_params())
        return self._answer({"service": describe.service(service)})

    def delete_service(self) -> ActionResult:
        service = self.ecs_backend.operations.delete(self._get_params())
        return self._answer({"service": describe.service(service)})

    def describe_services(self) -> ActionResult:
        return self._queried(self.ecs_backend.queries.describe_services)

    def list_services(self) -> ActionResult:
        return self._queried(self.ecs_backend.queries.list_services)

    def list_tasks(self) -> ActionResult:
        return self._queried(self.ecs_backend.queries.list_tasks)

    def list_service_deployments(self) -> ActionResult:
        return self._queried(self.ecs_backend.queries.list_service_deployments)

    def describe_service_deployments(self) -> ActionResult:
        return self._queried(self.ecs_backend.queries.describe_service_deployments)

    def describe_service_revisions(self) -> ActionResult:
        return self._queried(self.ecs_backend.queries.describe_service_revisions)

    def describe_tasks(self) -> ActionResult:
        result = self.ecs_backend.queries.describe_tasks(self._get_params())
        if any(isinstance(task, Task) for task in result["tasks"]):
            return ActionResult(result)  # moto's own tasks are objects, which its serializer reads
        return self._answer(result)

    def stop_task(self) -> ActionResult:
        parameters = self._get_params()
        cluster = parameters.get("cluster") or "default"
        task = self.ecs_backend.stop_task(cluster, parameters["task"], parameters.get("reason") or "")
        return (
            ActionResult({"task": task}) if isinstance(task, Task) else self._answer({"task": describe_task.task(task)})
        )

    def _queried(self, query: Callable[[Mapping[str, Any]], Document]) -> ActionResult:
        return self._answer(query(self._get_params()))

    def _answer(self, document: Document) -> ActionResult:
        """The document, if botocore's model of the operation allows it: all members known, all types correct."""
        shapes.check_answer(self._get_action(), document)
        return ActionResult(document)

    def _refused(self, error: ServiceException) -> tuple[int, dict[str, Any], Any]:
        """An error in the JSON protocol; it may be an error that all AWS services share and ECS's model does not name."""
        headers: dict[str, Any] = {"content-type": "application/x-amz-json-1.1"}
        body = json.dumps({"__type": error.code, "message": error.message})
        headers, body = self._enrich_response(headers, body)
        return 500 if error.code == "ServerException" else 400, headers, body


__all__ = ["EcsResponse"]
