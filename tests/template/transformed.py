"""The templates as CloudFormation gets them: transformed by the translator that AWS itself runs."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from tests.conftest import ROOT

APP = ROOT / "template.yaml"
DATA = ROOT / "training/template.yaml"
BUCKET = "workflow-data"


class NoPolicies:
    """Stands where the translator would ask IAM for AWS's managed policies; the templates use none by name."""

    def load(self) -> dict[str, str]:
        return {}


def transformed(path: Path, **parameters: str) -> dict[str, Any]:
    """Return the template after `sam package` (local paths are S3 keys) and the transform."""
    body = yaml_parse(path.read_text())
    for resource in body["Resources"].values():
        properties = resource["Properties"]
        for name in ("CodeUri", "DefinitionUri"):
            if name in properties:
                properties[name] = f"s3://{BUCKET}/{properties[name].rstrip('/')}"
    return dict(transform(body, {"DataBucketName": BUCKET} | parameters, NoPolicies()))


@cache
def resources(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the transformed template's resources by logical id."""
    return dict(transformed(path)["Resources"])


def of_type(path: Path, kind: str) -> dict[str, Any]:
    """Return the properties of the resources of a type by logical id."""
    return {name: one["Properties"] for name, one in resources(path).items() if one["Type"] == kind}


def under(node: Any, *holding: str) -> Any:
    """Return a value with each Fn::If as its branch; the conditions in *holding* hold, and no others."""
    if isinstance(node, list):
        return [under(item, *holding) for item in node]
    if not isinstance(node, dict):
        return node
    if "Fn::If" in node:
        condition, yes, no = node["Fn::If"]
        return under(yes if condition in holding else no, *holding)
    return {name: under(value, *holding) for name, value in node.items()}


def flat(node: Any) -> Any:
    """Return a value with each intrinsic function as the text that says what it refers to."""
    if isinstance(node, list):
        return [flat(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "Ref" in node:
        return node["Ref"]
    if "Fn::GetAtt" in node:
        return ".".join(node["Fn::GetAtt"])
    if "Fn::Sub" in node:
        return node["Fn::Sub"]
    return {name: flat(value) for name, value in node.items()}
