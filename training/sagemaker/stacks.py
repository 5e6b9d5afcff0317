"""The outputs of the deployed stacks: bucket, role, state machines and endpoint, read when they are first needed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from training.errors import StackError

DEFAULT_STACK = "image-classification"
# The default of template.yaml; used only while there is no app stack.
DEFAULT_ENDPOINT = "image-classification"


class StackMissing(StackError):
    """There is no stack of that name in this account and Region."""


@dataclass(frozen=True)
class Setting:
    """One of a stack's outputs, and the option and the variable that replace it."""

    output: str
    option: str
    variable: str


BUCKET = Setting("BucketName", "--bucket", "WORKFLOW_BUCKET")
ROLE = Setting("RoleArn", "--role", "WORKFLOW_ROLE_ARN")
STATE_MACHINE = Setting("StateMachineArn", "--state-machine", "WORKFLOW_STATE_MACHINE_ARN")
BATCH_STATE_MACHINE = Setting("BatchStateMachineArn", "--state-machine", "WORKFLOW_BATCH_STATE_MACHINE_ARN")
FAILED_QUEUE = Setting("FailedExecutionsQueueUrl", "--queue", "WORKFLOW_FAILED_EXECUTIONS_QUEUE_URL")
ENDPOINT = Setting("EndpointName", "--endpoint", "WORKFLOW_ENDPOINT")


@dataclass(frozen=True)
class Outputs:
    """The outputs of one stack by their keys, and its parameters by their names."""

    stack: str
    values: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, key: str) -> str:
        """Return an output's value.

        Raises:
            StackError: the stack has no such output.
        """
        if key not in self.values:
            raise StackError(f"The stack {self.stack} has no output {key}; deploy this version of its template.")
        return self.values[key]


@dataclass(frozen=True)
class Stacks:
    """The app stack and the data stack that belongs to it; each is read once, when it is first needed.

    Every property raises StackError where its stack, or the output, is missing or can't be read.
    """

    name: str = DEFAULT_STACK

    @property
    def data_name(self) -> str:
        """The data stack's name, as in training/samconfig.toml."""
        return f"{self.name}-data"

    @cached_property
    def app(self) -> Outputs:
        """The outputs of the app stack (template.yaml)."""
        return read_outputs(self.name)

    @cached_property
    def data(self) -> Outputs:
        """The outputs of the data stack (training/template.yaml)."""
        return read_outputs(self.data_name)

    @property
    def bucket(self) -> str:
        """The bucket of data sets, models, captured data and images."""
        return _value(BUCKET, lambda: self.data)

    @property
    def role_arn(self) -> str:
        """The role that SageMaker works under."""
        return _value(ROLE, lambda: self.data)

    @property
    def state_machine_arn(self) -> str:
        """The state machine that classifies one image."""
        return _value(STATE_MACHINE, lambda: self.app)

    @property
    def batch_state_machine_arn(self) -> str:
        """The state machine that classifies a batch."""
        return _value(BATCH_STATE_MACHINE, lambda: self.app)

    @property
    def failed_executions_queue_url(self) -> str:
        """The queue that holds the inputs of failed executions."""
        return _value(FAILED_QUEUE, lambda: self.app)

    @property
    def review_queue_urls(self) -> tuple[str, str]:
        """The queue of images that wait for a person, and its dead letters."""
        return self.app["ReviewQueueUrl"], self.app["ReviewDeadLettersUrl"]

    @property
    def endpoint(self) -> str:
        """The endpoint that the app stack calls; before there is an app stack, the one that its template names."""
        try:
            return _value(ENDPOINT, lambda: self.app)
        except StackMissing:
            return DEFAULT_ENDPOINT


def read_outputs(stack: str) -> Outputs:
    """Return the outputs and the parameters of a stack; raises as `describe_stack` does."""
    found = describe_stack(stack)
    return Outputs(
        stack,
        {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])},
        {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])},
    )


def describe_stack(stack: str) -> dict[str, Any]:
    """Return a stack as CloudFormation describes it.

    Raises:
        StackMissing: there is none of that name.
        StackError: CloudFormation denies access.
    """
    # The command's help imports this module, and must stay fast.
    import boto3
    from botocore.exceptions import ClientError

    cloudformation: Any = boto3.client("cloudformation")  # boto3-stubs is installed without its types
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        # CloudFormation answers ValidationError where no stack has the name.
        if code == "ValidationError" and "does not exist" in message:
            raise StackMissing(
                f"There is no stack {stack} in this account and Region; deploy it as docs/deploy.md says, or name "
                "another app stack with --stack or WORKFLOW_STACK."
            ) from error
        if re.match(r"AccessDenied|UnauthorizedOperation", code):
            raise StackError(
                f"You may not read the outputs of the stack {stack} ({code}); ask for cloudformation:DescribeStacks."
            ) from error
        raise
    return dict(found)


def _value(setting: Setting, read: Callable[[], Outputs]) -> str:
    try:
        return read()[setting.output]
    except StackError as error:
        raise type(error)(
            f"{error} Or give {setting.option} or {setting.variable}; to work without an account, start `workflow "
            "local` in another terminal and export the variables that it prints."
        ) from error
