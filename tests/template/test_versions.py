"""A changed parameter reaches the alias that the state machines call, in a new version of what it configures."""

import re
from typing import Any

import pytest

from tests.template.transformed import APP, of_type, transformed

TEMPLATE = transformed(APP)
NAMES: set[str] = set(TEMPLATE["Parameters"])
FUNCTIONS = of_type(APP, "AWS::Lambda::Function")
# https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
LONGEST_DESCRIPTION = 256
# No number needs more digits to be told from its neighbours.
LONGEST_NUMBER = repr(0.1 + 0.2)
# It belongs to the function and applies to all of its versions at once:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
OF_NO_VERSION = {"ReservedConcurrentExecutions"}


def parameters_of(node: Any, *, branches: bool = True) -> set[str]:
    """Return the parameters that a value depends on, also by conditions; those in branches of Fn::If only if asked."""
    if isinstance(node, list):
        return set().union(*(parameters_of(item, branches=branches) for item in node))
    if not isinstance(node, dict):
        return set()
    if "Fn::If" in node:
        condition, *values = node["Fn::If"]
        found = parameters_of({"Condition": condition}, branches=branches)
        return found | (parameters_of(values) if branches else set())
    if isinstance(name := node.get("Condition"), str):
        return parameters_of(TEMPLATE["Conditions"][name], branches=branches)
    if "Ref" in node:
        return {str(node["Ref"])} & NAMES
    if isinstance(text := node.get("Fn::Sub"), str):
        return set(re.findall(r"\$\{(\w+)\}", text)) & NAMES
    return parameters_of([*node.values()], branches=branches)


def description_of(function: str) -> Any:
    """Return the description of a function's version, before its substitutions."""
    versions = of_type(APP, "AWS::Lambda::Version").values()
    (found,) = (one["Description"] for one in versions if one["FunctionName"] == {"Ref": function})
    return found


def longest(name: str) -> str:
    """Return a text as long as the longest value that a parameter may have."""
    parameter = TEMPLATE["Parameters"][name]
    if "AllowedValues" in parameter:
        return max(map(str, parameter["AllowedValues"]), key=len)
    return LONGEST_NUMBER if parameter["Type"] == "Number" else "x" * parameter["MaxLength"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_version_is_described_by_the_parameters_that_configure_its_function_and_no_others(function: str) -> None:
    configuration = [value for name, value in FUNCTIONS[function].items() if name not in OF_NO_VERSION]
    described = parameters_of(description_of(function))
    assert described == parameters_of(configuration)
    # One that counts in some cases only would describe a new version of an unchanged function, which Lambda refuses.
    assert described == parameters_of(configuration, branches=False)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_longest_values_fit_into_a_versions_description(function: str) -> None:
    text = re.sub(r"\$\{(\w+)\}", lambda match: longest(match[1]), description_of(function)["Fn::Sub"])
    assert len(text) <= LONGEST_DESCRIPTION


def test_each_alias_points_to_the_version_of_its_function() -> None:
    versions = {one["FunctionName"]["Ref"]: name for name, one in of_type(APP, "AWS::Lambda::Version").items()}
    aliases = of_type(APP, "AWS::Lambda::Alias").values()
    assert {one["FunctionName"]["Ref"] for one in aliases} == set(FUNCTIONS)
    for alias in aliases:
        assert alias["FunctionVersion"] == {"Fn::GetAtt": [versions[alias["FunctionName"]["Ref"]], "Version"]}
