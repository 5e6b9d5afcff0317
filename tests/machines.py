"""The state machines as template.yaml deploys them: each with the numbers that the template gives it."""

from dataclasses import replace

from local import stack
from local.template import StateMachineSpec, Template


def attribute(name: str, what: str) -> str:
    """Return the value of a resource's attribute that only AWS would know, in the form of a queue's address."""
    return f"https://sqs.{stack.REGION}.amazonaws.com/{name}/{what}"


TEMPLATE = Template(stack.ROOT / "template.yaml", {"DataBucketName": stack.BUCKET}, stack.REGION, attribute)
# By their logical ids, as the template may leave a name to CloudFormation.
MACHINES: list[StateMachineSpec] = [
    replace(machine, name=name)
    for name, machine in zip(
        TEMPLATE.resources("AWS::Serverless::StateMachine"), TEMPLATE.state_machines(), strict=True
    )
]
