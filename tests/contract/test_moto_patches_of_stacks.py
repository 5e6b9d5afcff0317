"""The patch that only tests need, by which moto's CloudFormation makes state machines that run."""

from tests.contract.conftest import Outcome

PATCH = """
    from tests.server import STACKS_PATCH
    STACKS_PATCH.apply()
"""
BEGIN = """
    import json
    import boto3
    from moto import mock_aws
    from moto.core.config import default_user_config
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    mock_aws().start()
    states, role = boto3.client("stepfunctions"), "arn:aws:iam::123456789012:role/role"
    definition = json.dumps({"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": "${Word}", "End": True}}})
"""
STACK = """
    boto3.client("s3").create_bucket(Bucket="bucket")
    boto3.client("s3").put_object(Bucket="bucket", Key="machine.json", Body=definition)
    machine = {
        "DefinitionS3Location": {"Bucket": "bucket", "Key": "machine.json"},
        "DefinitionSubstitutions": {"Word": "aloud"},
        "RoleArn": role,
        "StateMachineType": "EXPRESS",
    }
    body = {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}}}
    boto3.client("cloudformation").create_stack(StackName="stack", TemplateBody=json.dumps(body))
    made = [states.describe_state_machine(stateMachineArn=one["stateMachineArn"])
            for one in states.list_state_machines()["stateMachines"]]
    print([(one["type"], json.loads(one["definition"])["States"]["Say"]["Result"]) for one in made])
"""


def test_motos_stacks_have_no_state_machine_that_runs_and_the_patch_makes_it(outcome: Outcome) -> None:
    assert outcome(BEGIN + STACK, patched=False) == "[]"
    assert outcome(PATCH + BEGIN + STACK, patched=True) == "[('EXPRESS', 'aloud')]"
