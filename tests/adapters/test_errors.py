"""The border to AWS: which of botocore's errors becomes which of ours."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from ecs_lattice import errors
from ecs_lattice.aws.clients import translating


def a_client_error(code: str, status: int = 400, **more) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "said AWS"},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
            **more,
        },
        "CreateRule",
    )


class Client:
    """Fails each call, and a listing at its second page."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def create_rule(self, **_):
        raise self.error

    def get_paginator(self, method):
        assert method == "list_rules"
        return self

    def paginate(self, **_):
        yield {"items": [1]}
        raise self.error


def create_rule(error: Exception) -> None:
    translating(Client(error)).create_rule(name="x")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (a_client_error("ThrottlingException", 429), errors.ThrottledError),
        (a_client_error("ConflictException", 409), errors.ConflictError),
        (a_client_error("ResourceNotFoundException", 404), errors.NotFoundError),
        (a_client_error("ServiceNotFoundException"), errors.NotFoundError),
        (a_client_error("ServiceQuotaExceededException", 402), errors.QuotaError),
        (a_client_error("AccessDeniedException", 403), errors.DeniedError),
        (a_client_error("ValidationException"), errors.InvalidError),
        (a_client_error("InvalidParameterException"), errors.InvalidError),
        (a_client_error("ConditionalCheckFailedException"), errors.ConditionError),
        (a_client_error("InternalServerException", 500), errors.UnavailableError),
        (a_client_error("NobodyKnows", 400), errors.AwsError),
        (EndpointConnectionError(endpoint_url="http://x"), errors.UnavailableError),
        (ParamValidationError(report="name is missing"), errors.InvalidError),
    ],
)
def test_an_error_is_translated_by_its_code_and_keeps_its_cause(raised, kind):
    with pytest.raises(errors.AwsError) as caught:
        create_rule(raised)
    assert type(caught.value) is kind
    assert caught.value.operation == "CreateRule"
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", errors.StackResourceError),
        ("QueueDoesNotExist", errors.StackResourceError),
        ("ThrottlingException", errors.ThrottledError),
        ("ConditionalCheckFailedException", errors.ConditionError),
    ],
)
def test_a_refusal_of_the_stacks_own_resources_is_never_one_of_the_customers(code, kind):
    with pytest.raises(errors.AwsError) as caught:
        translating(Client(a_client_error(code)), of_stack=True).create_rule(name="x")
    assert type(caught.value) is kind
    assert not isinstance(caught.value, errors.DeniedError | errors.NotFoundError)
    with pytest.raises(kind):
        list(translating(Client(a_client_error(code)), of_stack=True).get_paginator("list_rules").paginate())


def test_what_aws_says_beside_the_code_is_kept():
    with pytest.raises(errors.ThrottledError) as throttled:
        create_rule(a_client_error("ThrottlingException", 429, retryAfterSeconds=17))
    assert throttled.value.retry_after == 17
    with pytest.raises(errors.ConflictError) as conflict:
        create_rule(a_client_error("ConflictException", 409, resourceId="rule-1", resourceType="RULE"))
    assert (conflict.value.resource_id, conflict.value.resource_type) == ("rule-1", "RULE")
    with pytest.raises(errors.QuotaError) as quota:
        create_rule(a_client_error("ServiceQuotaExceededException", 402, quotaCode="L-1"))
    assert quota.value.quota_code == "L-1"


def test_the_retry_after_header_counts_where_the_member_is_missing():
    error = a_client_error("ThrottlingException", 429)
    error.response["ResponseMetadata"]["HTTPHeaders"] = {"retry-after": "4"}
    with pytest.raises(errors.ThrottledError) as throttled:
        create_rule(error)
    assert throttled.value.retry_after == 4


def test_a_listing_that_fails_at_a_later_page_is_an_error_of_the_listing():
    pages = translating(Client(a_client_error("ThrottlingException", 429))).get_paginator("list_rules").paginate()
    assert next(pages) == {"items": [1]}
    with pytest.raises(errors.ThrottledError) as caught:
        next(pages)
    assert caught.value.operation == "ListRules"


@pytest.mark.parametrize("raised", [errors.OutOfTimeError("over"), ValueError("ours")])
def test_what_is_not_an_error_of_aws_passes_as_it_is(raised):
    with pytest.raises(type(raised)) as caught:
        create_rule(raised)
    assert caught.value is raised
