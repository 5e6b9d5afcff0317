"""Endpoints, from the verb to the container and back, on the local stack."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from local import sam, stack
from local.template import Template
from monitoring.baseline import baseline_key
from monitoring.batch import BATCHES
from tests.containers import model_of
from training.dataset import prefix
from training.deploy import Deployment, deploy, rollback
from training.endpoint import EndpointOptions
from training.errors import DeployError, PredictError
from training.predict import predict
from training.scaling import Scaling, is_scaled
from training.teardown import standing, teardown
from training.update import Canary, alarms_of, canary_of

pytestmark = pytest.mark.usefixtures("programs")


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name of the test's own; what stands under it afterwards is taken down."""
    name = f"ep{abs(hash(request.node.name)) % 10**8}"
    yield name
    teardown(standing(name))


def serve(program: str, endpoint: str, canary: Canary | None = None, **options: Any) -> Deployment:
    return deploy(
        model_of(program),
        endpoint_name=endpoint,
        bucket=stack.BUCKET,
        role_arn=stack.ROLE_ARN,
        options=EndpointOptions(**options),
        canary=canary,
    )


def answer_of(endpoint: str) -> str:
    runtime = boto3.client("sagemaker-runtime")
    return (
        runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x", ContentType="application/x-image")["Body"]
        .read()
        .decode()
    )


def kinds(endpoint: str) -> list[str]:
    return [thing.kind for thing in standing(endpoint)]


def test_the_same_deployment_again_changes_nothing(endpoint: str) -> None:
    first, before = serve("scattering_ridge", endpoint), standing(endpoint)
    again = serve("scattering_ridge", endpoint)
    assert (first.changed, again.changed) == (True, False)
    assert (first.config, first.model) == (again.config, again.model)
    assert standing(endpoint) == before


def test_an_update_serves_the_new_model_and_a_rollback_the_old_one(endpoint: str) -> None:
    old = serve("scattering_ridge", endpoint)
    assert serve("better", endpoint).changed
    assert answer_of(endpoint) == "[0.2, 0.8]"
    assert rollback(endpoint) == old.config
    assert answer_of(endpoint) == "[0.9, 0.1]"


def test_there_is_nothing_to_roll_back_to_after_the_first_deployment(endpoint: str) -> None:
    serve("scattering_ridge", endpoint)
    with pytest.raises(DeployError, match="no other configuration"):
        rollback(endpoint)


def test_an_endpoint_that_is_not_there_can_not_be_rolled_back(endpoint: str) -> None:
    with pytest.raises(DeployError, match="There is no endpoint"):
        rollback(endpoint)


def test_a_container_that_does_not_start_fails_the_endpoint_and_the_next_deployment_mends_it(endpoint: str) -> None:
    with pytest.raises(DeployError, match=r"Failed: .* did not pass the ping health check"):
        serve("broken", endpoint)
    assert serve("scattering_ridge", endpoint).changed
    assert answer_of(endpoint) == "[0.9, 0.1]"


def test_an_update_to_a_container_that_does_not_start_leaves_the_old_one_serving(endpoint: str) -> None:
    old = serve("scattering_ridge", endpoint)
    with pytest.raises(DeployError, match=f"rolled back, and it serves {old.config} as before: .*ping"):
        serve("broken", endpoint)
    assert answer_of(endpoint) == "[0.9, 0.1]"


def test_a_name_that_somebody_else_uses_is_left_alone(endpoint: str) -> None:
    config = serve("scattering_ridge", endpoint).config
    foreign, sagemaker = f"{endpoint}x", boto3.client("sagemaker")
    sagemaker.create_endpoint(EndpointName=foreign, EndpointConfigName=config)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=foreign, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    with pytest.raises(DeployError, match="is taken by an endpoint that wasn't deployed from here"):
        serve("better", foreign)
    assert standing(foreign) == []
    sagemaker.delete_endpoint(EndpointName=foreign)


@pytest.mark.parametrize("step", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_a_deployment_killed_after_a_step_is_finished_by_the_next(endpoint: str, step: str) -> None:
    killed_after(step, "scattering_ridge", endpoint)
    assert "model" in kinds(endpoint)
    serve("scattering_ridge", endpoint)
    assert answer_of(endpoint) == "[0.9, 0.1]"
    assert kinds(endpoint) == ["endpoint", "endpoint configuration", "model"]
    assert_nothing_stays(endpoint)


@pytest.mark.parametrize("step", ["AddTags", "UpdateEndpoint"])
def test_an_update_killed_on_its_way_is_finished_by_the_next_and_can_be_rolled_back(endpoint: str, step: str) -> None:
    old = serve("scattering_ridge", endpoint)
    killed_after(step, "better", endpoint)
    new = serve("better", endpoint)
    assert answer_of(endpoint) == "[0.2, 0.8]"
    assert rollback(endpoint) == old.config != new.config
    assert_nothing_stays(endpoint)


@pytest.mark.parametrize("step", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_what_a_killed_deployment_left_is_found_and_taken_down(endpoint: str, step: str) -> None:
    killed_after(step, "scattering_ridge", endpoint)
    assert_nothing_stays(endpoint)


def killed_after(operation: str, program: str, endpoint: str) -> None:
    """Deploy in a process that is killed as soon as SageMaker has answered an operation."""
    code = (
        "import os, signal, sys, boto3; boto3.setup_default_session();"
        "die = lambda **_: os.kill(os.getpid(), signal.SIGKILL);"
        "boto3.DEFAULT_SESSION.events.register(f'after-call.sagemaker.{sys.argv[1]}', die);"
        "from tests.contract.test_sagemaker_endpoints import serve; serve(*sys.argv[2:])"
    )
    ended = subprocess.run([sys.executable, "-c", code, operation, program, endpoint], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL


def assert_nothing_stays(endpoint: str) -> None:
    teardown(standing(endpoint))
    sagemaker = boto3.client("sagemaker")
    assert sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"] == []
    assert sagemaker.list_endpoint_configs(NameContains=endpoint)["EndpointConfigs"] == []
    assert sagemaker.list_models(NameContains=endpoint)["Models"] == []


def test_an_endpoint_scales_and_its_scaling_is_taken_down_with_it(endpoint: str) -> None:
    arguments: dict[str, Any] = {"endpoint_name": endpoint, "bucket": stack.BUCKET, "role_arn": stack.ROLE_ARN}
    for _ in range(2):
        deploy(model_of("scattering_ridge"), **arguments, scaling=Scaling(most=4, target=120.0))
    client = boto3.client("application-autoscaling")
    resource = f"endpoint/{endpoint}/variant/AllTraffic"
    policies = client.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)["ScalingPolicies"]
    assert [policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for policy in policies] == [120.0]
    assert "autoscaling" in kinds(endpoint)
    assert_nothing_stays(endpoint)
    assert not is_scaled(endpoint)


def test_scaling_ends_where_a_deployment_asks_for_none(endpoint: str) -> None:
    arguments: dict[str, Any] = {"endpoint_name": endpoint, "bucket": stack.BUCKET, "role_arn": stack.ROLE_ARN}
    deploy(model_of("scattering_ridge"), **arguments, scaling=Scaling(most=2))
    deploy(model_of("scattering_ridge"), **arguments)
    assert not is_scaled(endpoint)


def test_a_serverless_endpoint_serves_without_capture(endpoint: str) -> None:
    serve("scattering_ridge", endpoint, serverless_memory=2048, capture_percentage=0)
    assert answer_of(endpoint) == "[0.9, 0.1]"
    assert standing(endpoint)[0].hourly == 0


def test_a_serverless_endpoint_is_not_scaled(endpoint: str) -> None:
    options = EndpointOptions(serverless_memory=2048, capture_percentage=0)
    with pytest.raises(DeployError, match="scales by itself"):
        deploy(
            model_of("scattering_ridge"),
            endpoint_name=endpoint,
            bucket=stack.BUCKET,
            role_arn=stack.ROLE_ARN,
            options=options,
            scaling=Scaling(most=2),
        )


def test_what_stands_is_listed_with_what_it_costs(endpoint: str) -> None:
    serve("scattering_ridge", endpoint, instances=2)
    prices = {thing.kind: thing.hourly for thing in standing(endpoint)}
    assert prices == {"endpoint": pytest.approx(0.23), "endpoint configuration": 0.0, "model": 0.0}


def test_data_stays_unless_it_is_asked_for(endpoint: str) -> None:
    serve("scattering_ridge", endpoint)
    teardown(standing(endpoint))
    s3 = boto3.client("s3")
    assert s3.list_objects_v2(Bucket=stack.BUCKET, Prefix="models/")["KeyCount"] > 0
    found = standing(endpoint, stack.BUCKET)
    assert [thing.kind for thing in found] == ["data"] * len(found)
    with pytest.raises(DeployError, match="name the bucket"):
        teardown(found)
    teardown(found, stack.BUCKET)
    assert "Versions" not in s3.list_object_versions(Bucket=stack.BUCKET, Prefix="models/")


def test_no_version_stays_of_what_the_workflow_writes_and_nothing_else_goes(endpoint: str) -> None:
    s3 = boto3.client("s3")
    template = Template(stack.ROOT / "template.yaml", {"DataBucketName": stack.BUCKET}, stack.REGION)
    (rule,) = template.resources("AWS::Events::Rule").values()
    (uploads,) = rule["EventPattern"]["detail"]["object"]["key"]
    written = [baseline_key(endpoint), f"{prefix('small')}/test.lst", f"{BATCHES}/one/manifest-1.csv"]
    written += [f"{uploads['prefix']}a b.png", "cases/small/broken.png", "checkpoints/job/1", "models/job/model.tar.gz"]
    written += [f"{EndpointOptions().capture_prefix}/{endpoint}/AllTraffic/2026/11/23/09/a.jsonl"]
    for key in [*written, "photos/mine.png"]:
        for content in (b"old", b"new"):
            s3.put_object(Bucket=stack.BUCKET, Key=key, Body=content)
        s3.delete_object(Bucket=stack.BUCKET, Key=key)
    sam.upload_samples()
    teardown(standing(endpoint, stack.BUCKET), stack.BUCKET)
    left = s3.list_object_versions(Bucket=stack.BUCKET)
    keys = [one["Key"] for one in [*left["Versions"], *left["DeleteMarkers"]]]
    assert keys.count("photos/mine.png") == 3
    assert not [key for key in keys if key in written or key.startswith("samples/")]


def test_an_update_with_an_alarm_that_does_not_exist_is_refused(endpoint: str) -> None:
    serve("scattering_ridge", endpoint)
    with pytest.raises(Exception, match="Could not find the alarms no-such-alarm"):
        serve("better", endpoint, Canary(alarms=("no-such-alarm",)))


def test_a_canary_on_one_instance_is_refused_with_the_reason(endpoint: str) -> None:
    with pytest.raises(DeployError, match="--instances 2"):
        serve("scattering_ridge", endpoint, Canary(10, 0, ("any",)))


def test_a_canary_without_an_alarm_is_refused(endpoint: str) -> None:
    with pytest.raises(DeployError, match="nothing would take a bad canary back"):
        canary_of(endpoint, 10, None, ())


def test_the_alarms_that_watch_an_endpoint_are_found(endpoint: str) -> None:
    cloudwatch = boto3.client("cloudwatch")
    common: dict[str, Any] = {"EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold"}
    metric: dict[str, Any] = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation5XXErrors",
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
    }
    query: Any = {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": True}
    cloudwatch.put_metric_alarm(AlarmName=f"{endpoint}-direct", Period=60, Statistic="Sum", **common, **metric)
    cloudwatch.put_metric_alarm(AlarmName=f"{endpoint}-query", **common, Metrics=[query])
    metric["Dimensions"] = [{"Name": "EndpointName", "Value": f"{endpoint}-other"}]
    cloudwatch.put_metric_alarm(AlarmName=f"{endpoint}-other", Period=60, Statistic="Sum", **common, **metric)
    assert set(alarms_of(endpoint)) == {f"{endpoint}-direct", f"{endpoint}-query"}
    assert canary_of(endpoint, 10, None, ()) == Canary(10, 300, alarms_of(endpoint))
    assert canary_of(endpoint, 10, 60, ("mine",)) == Canary(10, 60, ("mine",))
    assert canary_of(endpoint, None, None, ()) == Canary(None, 0, ())


def test_files_folders_and_objects_are_predicted_in_order(endpoint: str, tmp_path: Path) -> None:
    serve("scattering_ridge", endpoint)
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).write_bytes(b"content")
    s3 = boto3.client("s3")
    for key in ("images/1.png", "images/2.jpeg", "images/readme.md"):
        s3.put_object(Bucket=stack.BUCKET, Key=key, Body=b"content")
    single = f"s3://{stack.BUCKET}/images/readme.md"
    sources = [str(tmp_path), f"s3://{stack.BUCKET}/images/", single, str(tmp_path / "notes.txt")]
    answers = list(predict(endpoint, ("bicycle", "motorcycle"), sources))
    names = [answer.source.rsplit("/", 1)[-1] for answer in answers]
    assert names == ["a.JPG", "b.png", "1.png", "2.jpeg", "readme.md", "notes.txt"]
    assert {(answer.label, answer.confidence, answer.probabilities) for answer in answers} == {
        ("bicycle", 0.9, (0.9, 0.1))
    }


def test_an_image_that_the_model_refuses_is_marked_and_the_others_are_answered(endpoint: str, tmp_path: Path) -> None:
    serve("refusing", endpoint)
    (tmp_path / "a.png").write_bytes(b"content")
    (tmp_path / "b.png").write_bytes(b"x" * (6_291_456 + 1))
    refused, large = predict(endpoint, ("bicycle", "motorcycle"), [str(tmp_path)])
    assert (refused.error, refused.label) == ("not an image", "")
    assert large.error is not None
    assert "6291457 bytes" in large.error
    assert '"confidence": null' in refused.to_json()


def test_an_answer_that_is_no_list_of_probabilities_is_an_error(endpoint: str, tmp_path: Path) -> None:
    serve("talking", endpoint)
    (tmp_path / "a.png").write_bytes(b"content")
    with pytest.raises(PredictError, match="isn't a JSON list"):
        list(predict(endpoint, ("bicycle", "motorcycle"), [str(tmp_path)]))
    serve("scattering_ridge", endpoint)
    with pytest.raises(PredictError, match="isn't 3 probabilities"):
        list(predict(endpoint, ("bicycle", "motorcycle", "car"), [str(tmp_path)]))


@pytest.mark.parametrize(
    "source", ["/no/such/file", f"s3://{stack.BUCKET}/nothing/", f"s3://{stack.BUCKET}/nothing.png"]
)
def test_a_source_that_is_not_there_is_named(endpoint: str, source: str) -> None:
    serve("scattering_ridge", endpoint)
    with pytest.raises(PredictError, match=source.rsplit("/", 2)[-1] or source):
        list(predict(endpoint, ("bicycle", "motorcycle"), [source]))


def test_an_empty_folder_is_named(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(PredictError, match=r"holds no \.png"):
        list(predict(endpoint, ("bicycle", "motorcycle"), [str(tmp_path)]))


def test_metrics_of_the_endpoint_reach_cloudwatch(endpoint: str) -> None:
    serve("scattering_ridge", endpoint)
    for _ in range(3):
        answer_of(endpoint)
    deadline = time.monotonic() + 20
    while invocations(endpoint) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert invocations(endpoint) == 3


def invocations(endpoint: str) -> float:
    now = datetime.now(UTC)
    points = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)
