"""The mends by which rules start state machines and CloudFormation makes ones that run; moto still needs both."""

from tests.contract.conftest import Outcome

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
RULE = """
    arn = states.create_state_machine(name="machine", definition=definition, roleArn=role)["stateMachineArn"]
    pattern = {"detail-type": ["Object Created"], "detail": {"object": {"key": [{"prefix": "incoming/"}]}}}
    boto3.client("events").put_rule(Name="rule", EventPattern=json.dumps(pattern))
    boto3.client("events").put_targets(Rule="rule", Targets=[{"Id": "machine", "Arn": arn}])
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_notification_configuration(
        Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    for key in ("incoming/one", "elsewhere/two"):
        s3.put_object(Bucket="bucket", Key=key)
    print(len(states.list_executions(stateMachineArn=arn)["executions"]))
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


def test_moto_passes_over_state_machines_as_targets_and_the_mend_starts_them(outcome: Outcome) -> None:
    assert outcome(BEGIN + RULE, mended=False) == "0"
    assert outcome(BEGIN + RULE, mended=True) == "1"


def test_motos_stacks_have_no_state_machine_that_runs_and_the_mend_makes_it(outcome: Outcome) -> None:
    assert outcome(BEGIN + STACK, mended=False) == "[]"
    assert outcome(BEGIN + STACK, mended=True) == "[('EXPRESS', 'aloud')]"
