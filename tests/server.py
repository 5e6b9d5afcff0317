"""The local stack's process with a patch that only tests need: `python -m tests.server OPTIONS`."""

from collections.abc import Callable
from typing import Any

import boto3
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local import server
from local.moto_patches.patch import Patch
from local.template import substitute


def run_state_machines_of_stacks(_original: Callable[..., StateMachine]) -> Callable[..., StateMachine]:
    """Moto's CloudFormation makes state machines that never run, and can't read a definition from S3."""

    def create(
        _class: type[StateMachine], name: str, resource: dict[str, Any], account_id: str, region: str, /, **_: Any
    ) -> StateMachine:
        properties = resource["Properties"]
        location = properties["DefinitionS3Location"]
        body = boto3.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"]
        return stepfunctions_parser_backends[account_id][region].create_state_machine(
            properties.get("StateMachineName", name),
            substitute(body.read().decode(), properties["DefinitionSubstitutions"]),
            properties["RoleArn"],
            sm_type=properties["StateMachineType"],
        )

    return create


STACKS_PATCH = Patch(StateMachine, "create_from_cloudformation_json", "97e9fc1f9bd3", run_state_machines_of_stacks)

if __name__ == "__main__":
    STACKS_PATCH.apply()
    server.main()
