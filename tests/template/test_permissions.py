"""What each function, state machine, rule and job may do: exactly this."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.layout import Prefix, baseline_key, capture_prefix
from monitoring.metrics import NAMESPACE
from tests.template.transformed import APP, DATA, flat, of_type, transformed

OBJECTS = "arn:${AWS::Partition}:s3:::${DataBucketName}/*"
BUCKET = "arn:${AWS::Partition}:s3:::${DataBucketName}"
WRITE_LOGS = "logs:CreateLogStream logs:PutLogEvents"
WRITE_TRACES = ("xray:PutTraceSegments xray:PutTelemetryRecords", "*")
DELIVER_LOGS = (
    "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries "
    "logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups",
    "*",
)
SAMPLE_TRACES = (
    "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets",
    "*",
)
ENDPOINT = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/${EndpointName}"
SCHEDULES = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}"
MACHINE = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
EXPECTED: dict[str, set[tuple[str, str]]] = {
    "SerializeRole": {
        ("s3:GetObject s3:GetObjectVersion", OBJECTS),
        ("s3:ListBucket", BUCKET),
        (WRITE_LOGS, "SerializeLogs.Arn"),
        WRITE_TRACES,
    },
    "ClassifyRole": {
        ("sagemaker:InvokeEndpoint", ENDPOINT),
        ("s3:PutObject", f"{BUCKET}/capture/${{EndpointName}}/*"),
        (WRITE_LOGS, "ClassifyLogs.Arn"),
        WRITE_TRACES,
    },
    "ThresholdRole": {(WRITE_LOGS, "ThresholdLogs.Arn"), WRITE_TRACES},
    "ClassifyImageRole": {
        ("lambda:InvokeFunction", "SerializeFunctionAliaslive ClassifyFunctionAliaslive ThresholdFunctionAliaslive"),
        ("sqs:SendMessage", "ReviewQueue.Arn"),
        DELIVER_LOGS,
        SAMPLE_TRACES,
    },
    "ClassifyBatchRole": {
        ("states:StartSyncExecution", "ClassifyImageExpress"),
        ("states:StartExecution", f"{MACHINE}:stateMachine:${{AWS::StackName}}-classify-batch"),
        (
            "states:DescribeExecution states:StopExecution states:RedriveExecution",
            " ".join(
                f"{MACHINE}:{kind}:${{AWS::StackName}}-classify-batch{end}"
                for kind in ("execution", "express")
                for end in (":*", "/*")
            ),
        ),
        ("s3:GetObject s3:PutObject s3:ListMultipartUploadParts s3:AbortMultipartUpload", f"{BUCKET}/batches/*"),
        DELIVER_LOGS,
        SAMPLE_TRACES,
    },
    "ExpireEndpointRole": {
        ("scheduler:GetSchedule scheduler:DeleteSchedule", f"{SCHEDULES}:schedule/default/expire-${{EndpointName}}"),
        ("states:ListExecutions", "ClassifyBatch"),
        ("sagemaker:DeleteEndpoint", ENDPOINT),
        DELIVER_LOGS,
        SAMPLE_TRACES,
    },
    "ExpireScheduleRole": {("states:StartExecution", "ExpireEndpoint")},
    "UploadRole": {("states:StartExecution", "ClassifyImage")},
    "DriftRole": {
        (
            "s3:GetObject",
            f"{BUCKET}/capture/${{EndpointName}}/* {BUCKET}/baselines/${{EndpointName}}.npz {BUCKET}/labels/*",
        ),
        ("s3:ListBucket", BUCKET),
        ("cloudwatch:PutMetricData", "*"),
        (WRITE_LOGS, "DriftLogs.Arn"),
        WRITE_TRACES,
    },
    "DriftScheduleRole": {("lambda:InvokeFunction", "DriftFunctionAliaslive")},
}
# Actions for which the service takes no resource; cloudwatch:PutMetricData is bound by its namespace.
UNBOUND = {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"} | {
    action for actions, _ in (WRITE_TRACES, DELIVER_LOGS, SAMPLE_TRACES) for action in actions.split()
}
# The translator makes this one for gradual deployments; it has AWS's managed policy alone.
MADE_BY_SAM = "CodeDeployServiceRole"


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role's policies, those that come with a condition too."""
    for policy in role["Policies"]:
        for one in flat(policy["PolicyDocument"]["Statement"]):
            yield one["Fn::If"][1] if "Fn::If" in one else one


@pytest.mark.parametrize("name", EXPECTED)
def test_a_role_may_do_what_its_code_does_and_nothing_else(name: str) -> None:
    role = of_type(APP, "AWS::IAM::Role")[name]
    found = [(" ".join(listed(one["Action"])), " ".join(listed(one["Resource"]))) for one in statements(role)]
    assert set(found) == EXPECTED[name]
    assert len(found) == len(EXPECTED[name])
    assert "ManagedPolicyArns" not in role


def test_the_role_that_sagemaker_works_under_reads_alarms_and_uses_the_one_key_only_where_one_is_named() -> None:
    (role,) = of_type(DATA, "AWS::IAM::Role").values()
    found = {" ".join(listed(one["Action"])): one["Resource"] for one in statements(role)}
    # For the alarms that roll an update back, whatever their names.
    assert found["cloudwatch:DescribeAlarms"] == (
        "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"
    )
    assert found["kms:CreateGrant kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey"] == "KmsKeyArn"
    (conditional,) = [
        one["Fn::If"]
        for policy in role["Policies"]
        for one in flat(policy["PolicyDocument"]["Statement"])
        if "Fn::If" in one
    ]
    assert (conditional[0], conditional[2]) == ("UsesKmsKey", "AWS::NoValue")
    template = transformed(DATA)
    assert template["Parameters"]["KmsKeyArn"]["Default"] == ""
    assert template["Conditions"]["UsesKmsKey"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "KmsKeyArn"}, ""]}]}


@pytest.mark.parametrize(
    ("arn", "taken"),
    [
        ("", True),
        ("arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
        ("arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab", True),
        ("alias/mine", False),
        ("arn:aws:kms:us-east-1:123456789012:alias/mine", False),
        ("*", False),
    ],
)
def test_only_a_single_key_can_be_granted(arn: str, taken: bool) -> None:
    pattern = transformed(DATA)["Parameters"]["KmsKeyArn"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, arn)) is taken


def test_every_role_of_the_app_stack_is_held_to_a_list() -> None:
    assert set(of_type(APP, "AWS::IAM::Role")) == set(EXPECTED) | {MADE_BY_SAM}
    assert not of_type(APP, "AWS::IAM::Policy")


@pytest.mark.parametrize("path", [APP, DATA], ids=lambda path: path.parent.name)
def test_only_what_knows_no_resources_is_granted_on_all(path: Any) -> None:
    roles = {name: role for name, role in of_type(path, "AWS::IAM::Role").items() if name != MADE_BY_SAM}
    for role in roles.values():
        for one in statements(role):
            assert one["Effect"] == "Allow"
            assert not any("*" in action for action in listed(one["Action"]))
            if "*" in listed(one["Resource"]):
                assert set(listed(one["Action"])) <= UNBOUND


def test_the_drift_check_may_read_capture_baseline_and_labels_and_put_metrics_of_its_namespace_alone() -> None:
    read, _, put, *_ = statements(of_type(APP, "AWS::IAM::Role")["DriftRole"])
    assert put["Condition"] == {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}
    capture, baseline, labels = (one.split("${DataBucketName}/")[1] for one in read["Resource"])
    assert capture == f"{capture_prefix('${EndpointName}')}*"
    assert baseline == baseline_key("${EndpointName}")
    assert labels == f"{Prefix.LABELS}*"


def test_classify_may_write_captured_requests_only_where_it_captures_and_only_its_endpoints() -> None:
    (policy,) = flat(of_type(APP, "AWS::IAM::Role")["ClassifyRole"]["Policies"])
    given = policy["PolicyDocument"]["Statement"]
    (conditional,) = [one["Fn::If"] for one in given if "Fn::If" in one]
    assert (conditional[0], conditional[2]) == ("ClassifyCaptures", "AWS::NoValue")
    assert conditional[1]["Resource"].endswith(f"/{capture_prefix('${EndpointName}')}*")
    assert "s3:PutObject" not in [action for one in given if "Fn::If" not in one for action in listed(one["Action"])]


def test_each_function_and_machine_has_a_role_of_its_own_kind() -> None:
    functions = {name: flat(one["Role"]) for name, one in of_type(APP, "AWS::Lambda::Function").items()}
    assert functions == {
        "SerializeFunction": "SerializeRole.Arn",
        "ClassifyFunction": "ClassifyRole.Arn",
        "ThresholdFunction": "ThresholdRole.Arn",
        "DriftFunction": "DriftRole.Arn",
    }
    machines = {name: flat(one["RoleArn"]) for name, one in of_type(APP, "AWS::StepFunctions::StateMachine").items()}
    assert machines == {
        "ClassifyImage": "ClassifyImageRole.Arn",
        "ClassifyImageExpress": "ClassifyImageRole.Arn",
        "ClassifyBatch": "ClassifyBatchRole.Arn",
        "ExpireEndpoint": "ExpireEndpointRole.Arn",
    }


def test_services_take_a_role_only_for_this_account() -> None:
    roles = {name for name in EXPECTED if name not in {"SerializeRole", "ClassifyRole", "ThresholdRole", "DriftRole"}}
    assert len(roles) == 6
    for name in roles:
        (trust,) = flat(of_type(APP, "AWS::IAM::Role")[name]["AssumeRolePolicyDocument"]["Statement"])
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}


def test_the_bucket_is_private_encrypted_versioned_announces_uploads_and_forgets_in_time() -> None:
    (bucket,) = of_type(DATA, "AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["Capture"]["Prefix"] == "capture/"
    assert {"NoncurrentVersionExpiration"} <= rules["OldVersions"].keys()
    markers = rules["CaptureDeleteMarkers"]
    assert (markers["Prefix"], markers["Status"]) == (rules["Capture"]["Prefix"], "Enabled")
    # S3 takes no rule with both: https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html
    expiring = [{"ExpirationInDays", "ExpiredObjectDeleteMarker"} & rule.keys() for rule in rules.values()]
    assert expiring.count({"ExpiredObjectDeleteMarker"}) == 1
    assert {"ExpirationInDays", "ExpiredObjectDeleteMarker"} not in expiring
    (policy,) = of_type(DATA, "AWS::S3::BucketPolicy").values()
    (statement,) = flat(policy["PolicyDocument"]["Statement"])
    assert (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:*", "*")
    assert statement["Resource"] == ["DataBucket.Arn", "${DataBucket.Arn}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}
