"""`workflow doctor` against the local stack: healthy, and with each fault that it is there to find."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from checks import account
from checks.check import Check, Status, attempt
from checks.doctor import examine
from checks.scope import Scope
from local import stack
from monitoring.quality.evaluate import EVALUATION_FILE, Prediction, assess
from tests.containers import LABELS, model_of
from tests.contract.test_cli_sagemaker import workflow
from training.deploy import deploy
from training.model import MODEL_FILE, Model
from training.sagemaker.endpoint import EndpointOptions
from training.sagemaker.stacks import DEFAULT_ENDPOINT, DEFAULT_STACK


@pytest.fixture(scope="module")
def healthy(stack_of_programs: stack.Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model behind the endpoint, and an evaluation that recommends the threshold of the template; their folder."""
    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack_of_programs.environment.items():
            patch.setenv(name, value)
        model = model_of("scattering_ridge")
        model.write(out / MODEL_FILE)
        deploy(model, endpoint_name=DEFAULT_ENDPOINT, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN)
    write_evaluation(out, 0.8)
    return out


def write_evaluation(out: Path, threshold: float) -> None:
    """Write an evaluation that recommends a threshold: all above it are right, all below are wrong."""
    predictions = [
        Prediction(str(number), LABELS[0], LABELS[number % 2], confidence, (confidence, 1 - confidence))
        for number, confidence in enumerate([threshold + 0.01, threshold - 0.01] * 200)
    ]
    evaluation = assess("sample", DEFAULT_ENDPOINT, LABELS, predictions, 0.02)
    assert evaluation.recommended is not None
    assert evaluation.recommended.threshold == pytest.approx(threshold)
    (out / EVALUATION_FILE).write_text(json.dumps(dataclasses.asdict(evaluation)))


@pytest.fixture
def scope(programs: stack.Running, healthy: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """What is examined, found by the variables of the SDKs alone."""
    for name in programs.environment:
        if name.startswith("WORKFLOW_"):
            monkeypatch.delenv(name)
    return Scope(DEFAULT_STACK, healthy)


@pytest.fixture
def bucket(scope: Scope) -> Iterator[Any]:
    """S3, whose bucket is put back as the template has it."""
    s3: Any = boto3.client("s3")
    settings = s3.get_bucket_encryption(Bucket=scope.bucket)["ServerSideEncryptionConfiguration"]
    block = s3.get_public_access_block(Bucket=scope.bucket)["PublicAccessBlockConfiguration"]
    yield s3
    s3.put_bucket_versioning(Bucket=scope.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_encryption(Bucket=scope.bucket, ServerSideEncryptionConfiguration=settings)
    s3.put_public_access_block(Bucket=scope.bucket, PublicAccessBlockConfiguration=block)
    s3.put_bucket_notification_configuration(
        Bucket=scope.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def bad(scope: Scope) -> dict[str, Check]:
    return {check.name: check for check in examine(scope) if check.status is Status.BAD}


def only_bad(scope: Scope) -> Check:
    (check,) = bad(scope).values()
    assert check.advice
    return check


def test_a_healthy_deployment_is_ok_but_for_what_the_stack_cannot_answer(scope: Scope) -> None:
    made = list(examine(scope))
    skipped = [check for check in made if check.status is not Status.OK]
    assert [check.name for check in skipped] == ["role's permissions"]
    assert "simulate_principal_policy" in skipped[0].found
    assert skipped[0].status is Status.SKIPPED
    assert len(made) > 20


def test_the_verb_prints_a_line_for_each_check_and_json_holds_the_same(
    scope: Scope, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workflow("doctor", "--out", str(scope.out)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert workflow("doctor", "--json", "--out", str(scope.out)) == 0
    checks = [Check(**one) for one in json.loads(capsys.readouterr().out)]
    assert lines == [dataclasses.replace(check, status=Status(check.status)).line for check in checks]


def test_one_bad_check_is_exit_code_1(scope: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow("doctor", "--out", str(scope.out), "--training-instance", "ml.p3.2xlarge") == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("bad")]
    assert "quota ml.p3.2xlarge for training job usage: 0 instances. Ask for more" in line


def test_an_unknown_algorithm_is_one_line(scope: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow("doctor", "--out", str(scope.out), "--algorithm", "unknown") == 1
    output = capsys.readouterr()
    assert "There is no algorithm 'unknown'" in output.out
    assert "Traceback" not in output.err


def test_an_instance_type_without_a_quota_by_its_name_is_bad(scope: Scope) -> None:
    found = only_bad(dataclasses.replace(scope, endpoint_instance="ml.none.large"))
    assert found.name == "quota ml.none.large for endpoint usage"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (
            "bucket's versioning",
            lambda s3: s3.put_bucket_versioning(Bucket=stack.BUCKET, VersioningConfiguration={"Status": "Suspended"}),
        ),
        ("bucket's encryption", lambda s3: s3.delete_bucket_encryption(Bucket=stack.BUCKET)),
        ("bucket's public access", lambda s3: s3.delete_public_access_block(Bucket=stack.BUCKET)),
        (
            "bucket's public access",
            lambda s3: s3.put_public_access_block(
                Bucket=stack.BUCKET,
                PublicAccessBlockConfiguration={"BlockPublicAcls": True},
            ),
        ),
        (
            "bucket's EventBridge notifications",
            lambda s3: s3.put_bucket_notification_configuration(Bucket=stack.BUCKET, NotificationConfiguration={}),
        ),
    ],
)
def test_a_bucket_without_a_setting_is_bad(
    scope: Scope, bucket: Any, name: str, change: Callable[[Any], object]
) -> None:
    change(bucket)
    assert only_bad(scope).name == name


def test_a_bucket_that_is_not_there_is_bad_at_each_of_its_checks(scope: Scope) -> None:
    found = bad(dataclasses.replace(scope, given_bucket="no-such-bucket"))
    assert len(found) == 4
    assert all("--bucket" in check.found for check in found.values())


def test_a_missing_endpoint_is_bad(scope: Scope) -> None:
    assert "there is no none" in only_bad(dataclasses.replace(scope, given_endpoint="none")).found


def test_an_endpoint_without_data_capture_is_bad(scope: Scope) -> None:
    options = EndpointOptions(capture_percentage=0)
    deploy(
        Model.read(scope.out / MODEL_FILE),
        endpoint_name="uncaptured",
        bucket=stack.BUCKET,
        role_arn=stack.ROLE_ARN,
        options=options,
    )
    assert only_bad(dataclasses.replace(scope, given_endpoint="uncaptured")).name == "endpoint's data capture"


def test_missing_stacks_are_bad_and_what_needs_them_is_skipped(scope: Scope) -> None:
    made = {check.name: check for check in examine(dataclasses.replace(scope, stack="none"))}
    assert made["data stack"].status is made["app stack"].status is Status.BAD
    assert "no stack none-data" in made["data stack"].found
    for name in ("role's trust", "bucket's versioning", "labels", "queues"):
        assert made[name].status is Status.SKIPPED
    assert made["alarms"].status is Status.BAD
    # Before there is an app stack the endpoint is known by the template's default.
    assert made["endpoint"].status is Status.OK


def test_labels_in_another_order_are_bad(scope: Scope, programs: stack.Running) -> None:
    programs.deploy({"ClassLabels": "motorcycle,bicycle"})
    try:
        found = only_bad(scope)
        assert found.name == "labels"
        assert found.advice.endswith("ClassLabels=bicycle,motorcycle.")
    finally:
        programs.deploy({})


@pytest.mark.parametrize(("recommended", "is_bad"), [(0.8, False), (0.82, True), (0.75, False), (0.95, True)])
def test_a_threshold_below_the_recommended_one_is_bad(
    scope: Scope, tmp_path: Path, recommended: float, is_bad: bool
) -> None:
    write_evaluation(tmp_path, recommended)
    found = bad(dataclasses.replace(scope, out=tmp_path))
    assert (list(found) == ["threshold"]) is is_bad
    if is_bad:
        assert f"ConfidenceThreshold={recommended:.4f}" in found["threshold"].advice


def test_an_alarm_in_alarm_is_bad_and_another_stacks_is_none_of_this_one(scope: Scope) -> None:
    cloudwatch = boto3.client("cloudwatch")
    # The local stack evaluates the alarms of endpoints; others keep the state that was set.
    own, other = f"{DEFAULT_STACK}-ExecutionsAlarm-1AB2", f"{DEFAULT_STACK}-dev-ExecutionsAlarm-1AB2"
    for name in (own, other):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/States",
            MetricName="ExecutionsFailed",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
    try:
        cloudwatch.set_alarm_state(AlarmName=other, StateValue="ALARM", StateReason="test")
        assert not bad(scope)
        cloudwatch.set_alarm_state(AlarmName=own, StateValue="ALARM", StateReason="test")
        assert only_bad(scope).found == f"in ALARM: {own}"
    finally:
        cloudwatch.delete_alarms(AlarmNames=[own, other])


@pytest.mark.parametrize("queue", ["ReviewDeadLetters", "UploadDeadLetters", "FailedExecutionsQueue"])
def test_a_message_that_nobody_handles_is_bad(scope: Scope, queue: str) -> None:
    sqs = boto3.client("sqs")
    url = scope.stacks.app[f"{queue}Url"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        found = only_bad(scope)
        assert (found.name, found.found.split()[0]) == (f"queue {queue}", "1")
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_images_that_wait_for_review_are_counted_and_are_not_bad(scope: Scope) -> None:
    sqs = boto3.client("sqs")
    url = scope.stacks.app["ReviewQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        made = {check.name: check for check in examine(scope)}
        assert made["queue ReviewQueue"].status is Status.OK
        assert made["queue ReviewQueue"].found.startswith("1 messages")
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_an_image_that_was_never_pushed_is_bad(scope: Scope) -> None:
    ecr: Any = boto3.client("ecr")
    manifest = ecr.batch_get_image(repositoryName="scattering_ridge", imageIds=[{"imageTag": "latest"}])["images"][0]
    ecr.batch_delete_image(repositoryName="scattering_ridge", imageIds=[{"imageTag": "latest"}])
    try:
        assert "workflow build-image scattering_ridge" in only_bad(scope).advice
    finally:
        ecr.put_image(repositoryName="scattering_ridge", imageTag="latest", imageManifest=manifest["imageManifest"])


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ({"Service": "lambda.amazonaws.com"}, {}),
        ({"AWS": "arn:aws:iam::123456789012:root"}, {}),
        ({"Service": "sagemaker.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": "210987654321"}}),
    ],
)
def test_a_role_that_sagemaker_may_not_assume_is_bad(
    scope: Scope, principal: dict[str, str], condition: dict[str, Any]
) -> None:
    iam: Any = boto3.client("iam")
    name = scope.role_arn.rpartition("/")[2]
    before = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy)
    try:
        assert only_bad(scope).name == "role's trust"
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(before))


def test_a_permission_that_the_role_lacks_is_named_with_its_resource(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scope.account
    iam: Any = boto3.client("iam")
    sent: list[dict[str, Any]] = []
    iam.meta.events.register("provide-client-params.iam", lambda params, **_: sent.append(params))
    bucket = f"arn:aws:s3:::{scope.bucket}"
    statements = account._needed(scope)
    lacking = {"EvalActionName": "s3:ListBucket", "EvalResourceName": bucket, "EvalDecision": "implicitDeny"}
    allowed = {"EvalActionName": "s3:GetObject", "EvalResourceName": bucket, "EvalDecision": "allowed"}
    with Stubber(iam) as stubber:
        for number in range(len(statements)):
            stubber.add_response("simulate_principal_policy", {"EvaluationResults": [allowed if number else lacking]})
        monkeypatch.setattr(account, "client", lambda _service: iam)
        (check,) = account.permissions(scope)
    assert check.status is Status.BAD
    assert check.found == f"lacks s3:ListBucket on {bucket}"
    resources = {resource for params in sent for resource in params["ResourceArns"]}
    assert {bucket, f"{bucket}/capture/*", "*"} <= resources
    assert any("log-group:/aws/sagemaker/*" in resource and ":123456789012:" in resource for resource in resources)
    contexts = [one["ContextKeyName"] for params in sent for one in params["ContextEntries"]]
    assert "cloudwatch:namespace" in contexts


@pytest.mark.parametrize(
    ("code", "status", "ends"),
    [
        ("AccessDeniedException", 400, Status.DENIED),
        ("AccessDenied", 403, Status.DENIED),
        ("InternalFailure", 500, Status.SKIPPED),
        ("ExpiredToken", 400, Status.BAD),
    ],
)
def test_a_check_that_could_not_be_made_is_never_ok(code: str, status: int, ends: Status) -> None:
    def refused() -> Iterator[Check]:
        answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "GetRole")
        yield

    (check,) = attempt("role", refused)
    assert check.status is ends
    assert "GetRole" in check.found


@pytest.mark.parametrize("missing", ["credentials", "Region"])
def test_without_credentials_or_a_region_nothing_else_is_tried(
    missing: str, scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "credentials": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        "Region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    }
    for name in variables[missing]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    made = list(examine(scope))
    assert [check.name for check in made if check.status is Status.BAD] == [missing]
    assert all(check.status is Status.SKIPPED for check in made[2:])
    assert "aws configure" in made[0 if missing == "credentials" else 1].line


def test_a_stack_that_has_gone_away_is_told(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (found,) = bad(scope).values()
    assert found.name == "credentials"
    assert "still running" in found.found
