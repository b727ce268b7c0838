"""CloudFormation's calls where SAM CLI and AWS CLI need more than moto's responses: change sets and templates."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.models import s3_backends

from local_aws.eventbus import ACCOUNT
from local_aws.stack import change_sets
from local_aws.stack.change_sets import ChangeSet, ChangeSetRequest


class LocalCloudFormationResponse(CloudFormationResponse):
    """moto's, with change sets per stack, and original templates."""

    RESPONSE_KEY_PATH_TO_TRANSFORMER = {  # noqa: RUF012  moto declares it so
        path: transformer
        for path, transformer in CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER.items()
        if not path.startswith("DescribeChangeSetOutput")  # change_sets.described has the final form
    }

    @property
    def _backend(self) -> Any:
        return self.cloudformation_backend

    def create_stack(self) -> ActionResult:
        self._refuse("OnFailure", "DisableRollback", "StackPolicyURL")
        stack = self._backend.create_stack(
            name=self._get_param("StackName"),
            template=self._template(""),
            parameters=self._parameters("", "CREATE"),
            notification_arns=self._get_param("NotificationARNs", []),
            tags=self._tags(),
            role_arn=self._get_param("RoleARN"),
            enable_termination_protection=self._get_param("EnableTerminationProtection"),
            timeout_in_mins=self._get_param("TimeoutInMinutes"),
            stack_policy_body=self._get_param("StackPolicyBody"),
            acknowledged=tuple(self._get_param("Capabilities", [])),
        )
        return ActionResult({"StackId": stack.stack_id})

    def update_stack(self) -> ActionResult:
        self._refuse("DisableRollback", "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL")
        name = self._get_param("StackName")
        stack = self._backend.update_stack(
            name=name,
            template=self._template(name),
            role_arn=self._get_param("RoleARN"),
            parameters=self._parameters(name, "UPDATE"),
            tags=self._tags() or None,
            acknowledged=tuple(self._get_param("Capabilities", [])),
        )
        return ActionResult({"StackId": stack.stack_id})

    def create_change_set(self) -> ActionResult:
        self._refuse("OnStackFailure", "ResourcesToImport", "ImportExistingResources", "DeploymentConfig")
        name, kind = self._get_param("StackName"), self._get_param("ChangeSetType", "UPDATE")
        request = ChangeSetRequest(
            self._get_param("ChangeSetName"),
            kind,
            self._template(name),
            self._parameters(name, kind),
            self._tags(),
            tuple(self._get_param("Capabilities", [])),
            self._get_param("Description"),
            tuple(self._get_param("NotificationARNs", [])),
            self._get_param("RoleARN"),
        )
        made: ChangeSet = self._backend.make_change_set(name, request)
        return ActionResult({"Id": made.id, "StackId": made.stack.stack_id})

    def describe_change_set(self) -> ActionResult:
        return ActionResult(change_sets.described(self._change_set()))

    def list_change_sets(self) -> ActionResult:
        found = self._backend.change_sets_of(self._get_param("StackName"))
        return ActionResult({"Summaries": [change_sets.summary(change_set) for change_set in found]})

    def delete_change_set(self) -> EmptyResult:
        change_set = self._change_set()
        del self._backend.change_sets[change_set.id]
        return EmptyResult()

    def execute_change_set(self) -> EmptyResult:
        rolls_back = not self._get_bool_param("DisableRollback", if_none=False)
        self._backend.execute(self._change_set(), rolls_back=rolls_back)
        return EmptyResult()

    def get_template(self) -> ActionResult:
        stage, name = self._get_param("TemplateStage", "Original"), self._get_param("ChangeSetName")
        original, processed = self._backend.templates(self._get_param("StackName"), name)
        body = original if stage == "Original" else processed
        return ActionResult({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]})

    def describe_stack_resource(self) -> ActionResult:
        found = self._backend.describe_stack_resource(
            self._get_param("StackName"), self._get_param("LogicalResourceId")
        )
        return ActionResult({"StackResourceDetail": found})

    def delete_stack(self) -> EmptyResult:
        retained = frozenset(self._get_param("RetainResources", []))
        self._backend.delete_stack(self._get_param("StackName"), retained)
        return EmptyResult()

    def _tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])}

    def _refuse(self, *names: str) -> None:
        given = [name for name in names if self._get_param(name)]
        if given:
            raise ValidationError(message=f"The local AWS does not support {', '.join(given)} for stacks")

    def _change_set(self) -> ChangeSet:
        found: ChangeSet = self._backend.change_set(self._get_param("ChangeSetName"), self._get_param("StackName"))
        return found

    def _template(self, stack_name: str) -> str:
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
        uses_previous = self._get_bool_param("UsePreviousTemplate", if_none=False)
        if sum((bool(body), bool(url), bool(uses_previous))) != 1:
            raise ValidationError(message="Give one of TemplateBody, TemplateURL and UsePreviousTemplate.")
        if uses_previous:
            return str(self._backend.templates(stack_name)[0])
        return str(body or _fetched(url))

    def _parameters(self, stack_name: str, kind: str) -> dict[str, str]:
        """Values by name; UsePreviousValue means the stack's current value."""
        given = self._get_param("Parameters", [])
        previous: dict[str, str] = {}
        if any(parameter.get("UsePreviousValue") for parameter in given) and kind == "UPDATE":
            previous = self._backend.get_stack(stack_name).parameters
        values: dict[str, str] = {}
        for parameter in given:
            name = parameter["ParameterKey"]
            if not parameter.get("UsePreviousValue"):
                values[name] = parameter["ParameterValue"]
            elif name in previous:
                values[name] = previous[name]
            else:
                raise ValidationError(message=f"Invalid input for parameter key {name}. There is no previous value.")
        return values


def _fetched(url: str) -> str:
    """A template from S3: path style, also on the local AWS's own address, or with the bucket in the host name."""
    parts = urlparse(url)
    host = parts.hostname or ""
    path = unquote(parts.path).lstrip("/")
    if host.endswith(".amazonaws.com") and not host.startswith("s3"):
        bucket, key = host.partition(".s3")[0], path
    else:
        bucket, _, key = path.partition("/")
    version = parse_qs(parts.query).get("versionId", [None])[0]
    found = s3_backends[ACCOUNT]["aws"].get_object(bucket, key, version_id=version)
    if found is None:
        raise ValidationError(message=f"S3 error: The specified key does not exist: {url}")
    return str(found.value.decode("utf-8"))
