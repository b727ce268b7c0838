"""botocore's service model of ECS: the shapes of requests, and the validation of responses."""

import functools
from collections.abc import Mapping
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, StructureShape
from botocore.validate import ParamValidator


class BadAnswerError(AssertionError):
    """A response of the local ECS violates botocore's service model."""


@functools.cache
def model() -> ServiceModel:
    """The service model, read once."""
    return ServiceModel(Loader().load_service_model("ecs", "service-2"), "ecs")


def input_of(operation: str) -> StructureShape:
    """The shape of an operation's request."""
    shape = model().operation_model(operation).input_shape
    if shape is None:
        raise ValueError(f"{operation} has no request in its model")
    return shape


def check_answer(operation: str, document: Mapping[str, Any]) -> None:
    """Raise BadAnswerError unless every member is known to the model and of its type."""
    shape = model().operation_model(operation).output_shape
    if shape is None:
        raise BadAnswerError(f"{operation} has no answer in its model")
    report = ParamValidator().validate(document, shape)
    if report.has_errors():
        raise BadAnswerError(f"{operation} answers against its model: {report.generate_report()}")


__all__ = ["BadAnswerError", "check_answer", "input_of", "model"]
