"""What the local AWS remembers for moto is what moto would find."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from moto.core import serialize
from moto.core.utils import get_service_model

from local_aws import remember


@dataclass
class Service:
    name: str = "by the class's prefix"
    status: str = "by the key"
    launch_type: str = "in snake case"


@dataclass
class Titled:
    title: str = "by an alias of its own"

    class Meta:
        serialization_aliases = {"serviceName": "title"}


@dataclass
class Changed:
    values: dict = field(default_factory=lambda: {"serviceName": "a", "service_name": "b", "status": None})

    def __getitem__(self, name):
        return self.values[name]


@pytest.mark.parametrize("transformers", [None, {"services.status": lambda value: f"<{value}>"}])
@pytest.mark.parametrize(
    "value", [Service(), Titled(), Changed(), {"serviceName": "x", "events": []}, {}, None, "text"]
)
def test_every_member_has_the_value_that_moto_finds(value, transformers):
    operation = get_service_model("ecs").operation_model("DescribeServices")
    picker = serialize.XFormedAttributePicker(response_transformers=transformers)
    services = operation.output_shape.members["services"].member
    serializer = SimpleNamespace(_value_picker=picker, operation_model=operation, path=["services"])
    for _ in range(2):
        for key, shape in services.members.items():
            shape.parent = services
            expected = remember._get_value(serializer, value, key, shape)
            assert remember._get_member(serializer, value, key, shape) == expected, key


def test_an_object_is_not_taken_for_another_class_of_the_same_name():
    shape = get_service_model("ecs").operation_model("DescribeServices").output_shape.members["services"]
    aliases = tuple(serialize.DEFAULT_ALIAS_PROVIDERS)
    other = type("Service", (), {"Meta": type("Meta", (), {"serialization_aliases": {"services": "all"}})})
    assert "all" in remember._names(aliases, other, shape, None, "services")
    assert "all" not in remember._names(aliases, Service, shape, None, "services")
