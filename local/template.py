"""Read from template.yaml what the local stack runs: functions, state machines, queues and the values between them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor

from local.errors import LocalError

ACCOUNT_ID = "123456789012"
STACK_NAME = "image-classification"
DEFAULT_TIMEOUT_SECONDS = 3
DEFAULT_MEMORY_MB = 128
# What `!Ref AWS::NoValue` resolves to; the list or object that holds it then leaves it out.
NO_VALUE = object()


class TemplateError(LocalError):
    """The template has something that the local stack can't resolve."""


# Where PyYAML was built with it, the parser in C takes an eighth of the time.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # either has the same methods
    """Reads YAML with CloudFormation's short forms such as `!Ref`."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def read_template(path: Path) -> dict[str, Any]:
    """Return the content of a template, with CloudFormation's short forms spelled out."""
    content: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a subclass of the safe loader
    return content


@dataclass(frozen=True)
class FunctionSpec:
    """A Lambda function as the template defines it; `timeout` in seconds, `memory` in MB."""

    name: str
    code: Path
    handler: str
    timeout: float
    memory: int
    environment: Mapping[str, str]
    architecture: str = "x86_64"


@dataclass(frozen=True)
class StateMachineSpec:
    """A state machine as the template defines it, after its substitutions.

    `role` has the statements of its role's policies, None where SAM would create the role.
    """

    name: str
    type: Literal["STANDARD", "EXPRESS"]
    definition: str
    role: Sequence[Mapping[str, Any]] | None = None


def function_arn(name: str, region: str) -> str:
    """Return the ARN of a function of the local account."""
    return f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{name}"


def state_machine_arn(name: str, region: str) -> str:
    """Return the ARN of a state machine of the local account."""
    return f"arn:aws:states:{region}:{ACCOUNT_ID}:stateMachine:{name}"


class Template:
    """A SAM template with its parameters filled in.

    `attributes` gives the values that only the running stack knows: it is called with a resource's name and an
    attribute ("Ref" for the reference itself), and returns None where it has no value.
    """

    def __init__(
        self,
        path: Path,
        parameters: Mapping[str, str],
        region: str,
        attributes: Callable[[str, str], str | None] = lambda _name, _attribute: None,
        *,
        account: str = ACCOUNT_ID,
        partition: str = "aws",
    ) -> None:
        self._path = path
        self._body = read_template(path)
        self._region = region
        self._attributes = attributes
        self._account, self._partition = account, partition
        declared = self._body.get("Parameters", {})
        if unknown := sorted(set(parameters) - set(declared)):
            raise TemplateError(f"{path.name} has no parameter {', '.join(unknown)}; it has {', '.join(declared)}.")
        self.defaults = {name: str(spec["Default"]) for name, spec in declared.items() if "Default" in spec}
        self.parameters = self.defaults | dict(parameters)
        if missing := sorted(set(declared) - set(self.parameters)):
            raise TemplateError(f"{path.name} needs a value for {', '.join(missing)}.")

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of the resources of a type whose conditions hold, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self._body["Resources"].items()
            if resource["Type"] == kind and self._is_made(resource)
        }

    def functions(self) -> list[FunctionSpec]:
        """Return the functions, each with only the variables that the template sets."""
        common = self._body.get("Globals", {}).get("Function", {})
        specs = []
        for name, own in self.resources("AWS::Serverless::Function").items():
            merged = common | own
            variables = self._variables(common) | self._variables(own)
            specs.append(
                FunctionSpec(
                    name=name,
                    code=self._path.parent / merged["CodeUri"],
                    handler=merged["Handler"],
                    timeout=float(self.resolve(merged.get("Timeout", DEFAULT_TIMEOUT_SECONDS))),
                    memory=int(self.resolve(merged.get("MemorySize", DEFAULT_MEMORY_MB))),
                    environment=variables,
                    architecture=str(self.resolve(merged.get("Architectures", ["x86_64"])[0])),
                )
            )
        return specs

    def state_machines(self) -> list[StateMachineSpec]:
        """Return the state machines with the `${Substitutions}` in their definitions replaced."""
        specs = []
        for name, properties in self.resources("AWS::Serverless::StateMachine").items():
            values = {key: self.resolve(value) for key, value in properties["DefinitionSubstitutions"].items()}
            text = (self._path.parent / properties["DefinitionUri"]).read_text()
            specs.append(
                StateMachineSpec(
                    name=self._state_machine_name(name),
                    type=properties.get("Type", "STANDARD"),
                    definition=substitute(text, values),
                    role=self._statements(properties["Role"]) if "Role" in properties else None,
                )
            )
        return specs

    def _state_machine_name(self, name: str) -> str:
        """Return a state machine's name: its logical id where CloudFormation would generate one."""
        return str(self.resolve(self.resources("AWS::Serverless::StateMachine")[name].get("Name", name)))

    def _statements(self, role: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the resolved statements of the policies of a role, by its reference (`!GetAtt Role.Arn`)."""
        target = role["Fn::GetAtt"]
        name = target.split(".", 1)[0] if isinstance(target, str) else target[0]
        policies = self.resources("AWS::IAM::Role")[name]["Policies"]
        return [one for policy in policies for one in self.resolve(policy["PolicyDocument"]["Statement"])]

    def outputs(self) -> dict[str, str]:
        """Return the values of the outputs whose conditions hold, by key."""
        outputs = self._body.get("Outputs", {})
        return {key: str(self.resolve(one["Value"])) for key, one in outputs.items() if self._is_made(one)}

    def rules(self) -> dict[str, dict[str, Any]]:
        """Return the properties of the EventBridge rules, resolved, by logical id."""
        return {name: self.resolve(properties) for name, properties in self.resources("AWS::Events::Rule").items()}

    def endpoint_alarms(self) -> dict[str, dict[str, Any]]:
        """Return the alarms on an endpoint's metrics, resolved, by logical id, without their actions."""
        alarms = self.resources("AWS::CloudWatch::Alarm").items()
        return {
            name: {key: self.resolve(value) for key, value in properties.items() if key != "AlarmActions"}
            | {"Threshold": float(self.resolve(properties["Threshold"]))}
            for name, properties in alarms
            if properties.get("Namespace") == "AWS/SageMaker"
        }

    def resolve(self, node: Any) -> Any:
        """Return a value of the template with its Ref, Fn::GetAtt, Fn::Sub and Fn::If resolved."""
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if "Fn::If" in node:
            condition, *values = node["Fn::If"]
            return self.resolve(values[0 if self._holds({"Condition": condition}) else 1])
        if node == {"Ref": "AWS::NoValue"}:
            return NO_VALUE
        if "Ref" in node:
            return self._reference(node["Ref"])
        if "Fn::GetAtt" in node:
            target = node["Fn::GetAtt"]
            name, attribute = target.split(".", 1) if isinstance(target, str) else target
            return self._attribute(name, attribute)
        if "Fn::Sub" in node:
            text, values = node["Fn::Sub"], {}
            if isinstance(text, list):
                text, values = text
            return re.sub(r"\$\{([^!][^}]*)\}", lambda match: self._substitution(match[1], values), text)
        values = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not NO_VALUE}

    def _is_made(self, resource: Mapping[str, Any]) -> bool:
        return "Condition" not in resource or self._holds({"Condition": resource["Condition"]})

    def _holds(self, condition: Mapping[str, Any]) -> bool:
        """Whether a condition is true: Fn::Equals, Fn::Not, Fn::And, Fn::Or, or another's name under Condition."""
        ((operator, operands),) = condition.items()
        match operator:
            case "Condition":
                named = self._body.get("Conditions", {})
                if operands not in named:
                    raise TemplateError(f"{self._path.name} has no condition {operands}.")
                return self._holds(named[operands])
            case "Fn::Equals":
                # CloudFormation compares text.
                left, right = (str(self.resolve(operand)) for operand in operands)
                return left == right
            case "Fn::Not":
                return not self._holds(operands[0])
            case "Fn::And":
                return all(map(self._holds, operands))
            case "Fn::Or":
                return any(map(self._holds, operands))
        raise TemplateError(f"{self._path.name}: the local stack doesn't support the condition {operator}.")

    def _variables(self, properties: dict[str, Any]) -> dict[str, str]:
        variables = properties.get("Environment", {}).get("Variables", {})
        return {key: str(self.resolve(value)) for key, value in variables.items()}

    def _substitution(self, name: str, values: Mapping[str, Any]) -> str:
        if name in values:
            return str(self.resolve(values[name]))
        if "." in name:
            return self._attribute(*name.split(".", 1))
        return self._reference(name)

    def _reference(self, name: str) -> str:
        pseudo = {
            "AWS::AccountId": self._account,
            "AWS::Region": self._region,
            "AWS::Partition": self._partition,
            "AWS::StackName": STACK_NAME,
        }
        if name in pseudo or name in self.parameters:
            return pseudo.get(name) or self.parameters[name]
        # An extension of SAM: `!Ref Function.Alias` is the ARN of the alias that AutoPublishAlias names.
        name, _, attribute = name.partition(".")
        return self._attribute(name, attribute or "Ref")

    def _attribute(self, name: str, attribute: str) -> str:
        if name in self.resources("AWS::Serverless::Function"):
            return self._function_attribute(name, attribute)
        if name in self.resources("AWS::Serverless::StateMachine"):
            return state_machine_arn(self._state_machine_name(name), self._region)
        value = self._attributes(name, attribute)
        if value is None:
            raise TemplateError(f"{self._path.name}: the local stack has no {attribute} of {name}.")
        return value

    def _function_attribute(self, name: str, attribute: str) -> str:
        if attribute == "Alias":
            common = self._body.get("Globals", {}).get("Function", {})
            merged = common | self.resources("AWS::Serverless::Function")[name]
            return f"{function_arn(name, self._region)}:{merged['AutoPublishAlias']}"
        return function_arn(name, self._region) if attribute == "Arn" else name


def parameter_names(path: Path) -> set[str]:
    """Return the names of the parameters that a template has."""
    return {*read_template(path)["Parameters"]}


def output_keys(path: Path) -> set[str]:
    """Return the keys of the outputs that a template has under every condition."""
    outputs = read_template(path)["Outputs"]
    return {key for key, output in outputs.items() if "Condition" not in output}


def substitute(text: str, values: Mapping[str, Any]) -> str:
    """Return an ASL text with its `${Name}` replaced; a name without a value is an error."""
    if missing := sorted(set(re.findall(r"\$\{(\w+)\}", text)) - set(values)):
        raise TemplateError(f"The state machine's definition needs a value for {', '.join(missing)}.")
    return re.sub(r"\$\{(\w+)\}", lambda match: str(values[match[1]]), text)
