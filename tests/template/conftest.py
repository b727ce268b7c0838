"""The stack's template as CloudFormation gets it: translated by SAM's own translator, without a network."""

from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.template import translation

type Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def source() -> dict[str, Any]:
    """template.yaml as written."""
    return yaml_parse((translation.ROOT / "template.yaml").read_text())


@pytest.fixture(scope="session")
def translated() -> dict[str, Any]:
    """template.yaml after the transform, parameters left open."""
    return translation.translated_with({})


@pytest.fixture(scope="session")
def resources(translated: dict[str, Any]) -> Resources:
    """The resources by logical id."""
    return translated["Resources"]


class Of:
    """Resources of one type, and where intrinsic functions point to."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def type(self, name: str) -> dict[str, dict[str, Any]]:
        """Properties by logical id; an empty answer is a test that asks for the wrong thing."""
        found = {key: r.get("Properties", {}) for key, r in self._resources.items() if r["Type"] == name}
        assert found, f"no {name} in the template"
        return found

    target = staticmethod(translation.target)


@pytest.fixture(scope="session")
def of(resources: Resources) -> Of:
    return Of(resources)
