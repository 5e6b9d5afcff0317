"""The app stack of template.yaml on this machine: its queues, functions, state machines, rules and alarms."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

from local import stack_outputs
from local.errors import LocalError
from local.lambdas import Function
from local.permissions import check_role
from local.stack import BUCKET, REGION, ROLE_ARN, ROOT
from local.template import ACCOUNT_ID, STACK_NAME, FunctionSpec, StateMachineSpec, Template


class DefinitionRefused(LocalError):
    """Step Functions refuses a state machine's definition."""


class AppStack:
    """What is deployed of template.yaml: `functions` by name, and the stack's `outputs` and `parameters`."""

    def __init__(self, environment: Mapping[str, str], logs: Path, concurrency: int) -> None:
        """`environment` leads functions to the local stack; a function may have `concurrency` workers."""
        self._environment = environment
        self._logs = logs
        self._concurrency = concurrency
        self.functions: dict[str, Function] = {}
        self.outputs: dict[str, str] = {}
        self.parameters: dict[str, str] = {}
        self._defaults: dict[str, str] = {}

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Deploy the template, or update what is deployed, as `sam deploy` does.

        Raises LocalError where a parameter, a permission or a definition is refused.
        """
        queues = boto3.client("sqs")

        def attribute(name: str, what: str) -> str | None:
            if name in template.resources("AWS::IAM::Role"):
                return ROLE_ARN
            if name not in template.resources("AWS::SQS::Queue"):
                return None
            url, arn = (
                f"{self._environment['AWS_ENDPOINT_URL']}/{ACCOUNT_ID}/{name}",
                f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}",
            )
            return {"Ref": url, "Arn": arn, "QueueName": name}.get(what)

        template = Template(ROOT / "template.yaml", {"DataBucketName": BUCKET} | dict(parameters), REGION, attribute)
        for name in template.resources("AWS::SQS::Queue"):
            queues.create_queue(QueueName=name)
        self._deploy_functions(template.functions())
        deploy_state_machines(template.state_machines())
        _deploy_rules(template.rules())
        _deploy_alarms(template.endpoint_alarms())
        self.outputs, self.parameters, self._defaults = template.outputs(), template.parameters, template.defaults
        stack_outputs.publish(STACK_NAME, self.outputs, self.parameters)

    def chosen_parameters(self) -> dict[str, str]:
        """Return the parameters that aren't the template's defaults."""
        return dict(sorted(self.parameters.items() - self._defaults.items()))

    def pids(self) -> dict[str, list[int]]:
        """Return the ids of the running workers by their function's name."""
        return {name: function.pids() for name, function in self.functions.items()}

    def stop(self) -> None:
        """End every worker."""
        for function in self.functions.values():
            function.stop()

    def _deploy_functions(self, specs: Sequence[FunctionSpec]) -> None:
        old, new = self.functions, {}
        for spec in specs:
            # Where the template hasn't changed it, the function keeps its workers.
            if spec.name in old and old[spec.name].spec == spec:
                new[spec.name] = old[spec.name]
            else:
                new[spec.name] = Function(spec, REGION, self._environment, self._logs, self._concurrency)
        self.functions = new
        for name, function in old.items():
            if new.get(name) is not function:
                function.stop()


def deploy_state_machines(specs: Sequence[StateMachineSpec]) -> None:
    """Create or update state machines.

    Raises DefinitionRefused where AWS refuses a definition, and PermissionMissing where its executions would fail.
    """
    states = boto3.client("stepfunctions")
    known = {one["name"]: one["stateMachineArn"] for one in states.list_state_machines()["stateMachines"]}
    for spec in specs:
        check_role(spec, REGION)
        try:
            if spec.name in known:
                states.update_state_machine(stateMachineArn=known[spec.name], definition=spec.definition)
            else:
                states.create_state_machine(
                    name=spec.name, type=spec.type, definition=spec.definition, roleArn=ROLE_ARN
                )
        except states.exceptions.InvalidDefinition as error:
            raise DefinitionRefused(f"{spec.name}: {error}") from error


def _deploy_rules(rules: Mapping[str, Mapping[str, Any]]) -> None:
    events = boto3.client("events")
    for name, properties in rules.items():
        events.put_rule(Name=name, EventPattern=json.dumps(properties["EventPattern"]))
        events.put_targets(Rule=name, Targets=properties["Targets"])


def _deploy_alarms(alarms: Mapping[str, Mapping[str, Any]]) -> None:
    cloudwatch = boto3.client("cloudwatch")
    for name, properties in alarms.items():
        cloudwatch.put_metric_alarm(AlarmName=f"{STACK_NAME}-{name}", **properties)
