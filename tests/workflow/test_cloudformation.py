"""Both stacks created by moto's CloudFormation, and an upload classified by what it made.

Moto's CloudFormation knows no alarm, metric filter, alias, deployment group or policy of a bucket or queue: they are
left out here, and nothing else. The functions are named as the local stack's, whose workers run them.
"""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local import stack
from tests.conftest import led_to
from tests.images import BICYCLE
from tests.template.transformed import APP, DATA, transformed
from tests.waiting import wait_until
from tests.workflow.conftest import ENDPOINT, Deployed

BUCKET = "workflow-data-of-a-stack"
UNKNOWN_TO_MOTO = {
    "AWS::CloudWatch::Alarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Lambda::Alias",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SQS::QueuePolicy",
}
# It shows the alarms.
DEPENDENT = {"AWS::CloudWatch::Dashboard"}


def known_to_moto(path: Path) -> str:
    """Return the transformed template without what moto's CloudFormation doesn't know, as JSON."""
    template = transformed(path, DataBucketName=BUCKET)
    template["Resources"] = {
        name: one for name, one in template["Resources"].items() if one["Type"] not in UNKNOWN_TO_MOTO | DEPENDENT
    }
    for name, one in template["Resources"].items():
        if one["Type"] == "AWS::Lambda::Function":
            one["Properties"]["FunctionName"] = name
    # An alias is the function that it is of.
    return re.sub(r'\{"Ref": "(\w+Function)Alias\w+"\}', r'{"Fn::GetAtt": ["\1", "Arn"]}', json.dumps(template))


def create(name: str, path: Path) -> dict[str, str]:
    """Create a stack and return its outputs."""
    cloudformation = boto3.client("cloudformation")
    parameters = [{"ParameterKey": "DataBucketName", "ParameterValue": BUCKET}]
    cloudformation.create_stack(StackName=name, TemplateBody=known_to_moto(path), Parameters=parameters)
    (made,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}


@pytest.fixture(scope="module")
def created(deployed: Deployed) -> dict[str, str]:
    """Return the outputs of the data stack and the app stack, created one after the other."""
    with led_to(deployed.stack.environment):
        return create_both(deployed)


def create_both(deployed: Deployed) -> dict[str, str]:
    """Put up what the templates refer to, then create them."""
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.5"})
    s3 = boto3.client("s3")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", "")
    for name in ("serialize", "classify", "threshold"):
        s3.put_object(Bucket=stack.BUCKET, Key=f"functions/{name}", Body=package.getvalue())
    for path in (stack.ROOT / "statemachine").iterdir():
        s3.put_object(Bucket=stack.BUCKET, Key=f"statemachine/{path.name}", Body=path.read_bytes())
    outputs = create("data", DATA) | create("app", APP)
    assert outputs["BucketName"] == BUCKET
    # Moto's CloudFormation passes over these properties of the bucket, which tests/template holds.
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}})
    return outputs


def executions(machine: str) -> list[dict[str, Any]]:
    client = boto3.client("stepfunctions")
    listed = client.list_executions(stateMachineArn=machine)["executions"]
    return [dict(client.describe_execution(executionArn=one["executionArn"])) for one in listed]


def test_an_upload_to_the_stacks_bucket_is_classified_by_the_stacks_state_machine(created: dict[str, str]) -> None:
    key = "incoming/a b+c%.png"
    s3 = boto3.client("s3")
    version = s3.put_object(Bucket=BUCKET, Key=key, Body=BICYCLE)["VersionId"]
    wait_until(lambda: [one["status"] != "RUNNING" for one in executions(created["StateMachineArn"])] == [True])
    (execution,) = executions(created["StateMachineArn"])
    assert json.loads(execution["input"]) == {"s3_bucket": BUCKET, "s3_key": key, "s3_version_id": version}
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["outcome"] == "ACCEPTED"


def test_the_stacks_express_machine_answers_a_synchronous_caller(created: dict[str, str]) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="pictures/one.png", Body=BICYCLE)
    client = boto3.client("stepfunctions", config=Config(inject_host_prefix=False))
    answer = client.start_sync_execution(
        stateMachineArn=created["ExpressStateMachineArn"],
        input=json.dumps({"s3_bucket": BUCKET, "s3_key": "pictures/one.png"}),
    )
    assert json.loads(answer["output"])["outcome"] == "ACCEPTED"
