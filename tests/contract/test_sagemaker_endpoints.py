"""Endpoints, from the verb to the container and back, on the local stack."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from PIL import Image

from contracts.dataset import dataset_folder
from contracts.layout import baseline_key, capture_prefix
from inference.batch import BATCHES
from local import sam, stack
from local.template import Template
from tests.containers import model_of
from tests.contract.serving import answer_of, killed_after, kinds, serve
from tests.images import encoded, gradient
from tests.waiting import wait_until
from training.deploy import deploy, rollback
from training.errors import DeployError, PredictError
from training.predict import Input, predict
from training.sagemaker.scaling import Scaling, is_scaled
from training.teardown import list_resources, teardown

pytestmark = pytest.mark.usefixtures("programs")


def test_the_same_deployment_again_changes_nothing(endpoint: str) -> None:
    first, before = serve("mirror_ridge", endpoint), list_resources(endpoint)
    again = serve("mirror_ridge", endpoint)
    assert (first.changed, again.changed) == (True, False)
    assert (first.config, first.model) == (again.config, again.model)
    assert list_resources(endpoint) == before


def test_an_update_serves_the_new_model_and_a_rollback_the_old_one(endpoint: str) -> None:
    old = serve("mirror_ridge", endpoint)
    assert serve("better", endpoint).changed
    assert answer_of(endpoint) == "[0.2, 0.8]"
    assert rollback(endpoint) == old.config
    assert answer_of(endpoint) == "[0.9, 0.1]"


def test_there_is_nothing_to_roll_back_to_after_the_first_deployment(endpoint: str) -> None:
    serve("mirror_ridge", endpoint)
    with pytest.raises(DeployError, match="no other configuration"):
        rollback(endpoint)


def test_an_endpoint_that_is_not_there_can_not_be_rolled_back(endpoint: str) -> None:
    with pytest.raises(DeployError, match="There is no endpoint"):
        rollback(endpoint)


def test_a_container_that_does_not_start_fails_the_endpoint_and_the_next_deployment_repairs_it(endpoint: str) -> None:
    with pytest.raises(DeployError, match=r"Failed: .* did not pass the ping health check"):
        serve("broken", endpoint)
    assert serve("mirror_ridge", endpoint).changed
    assert answer_of(endpoint) == "[0.9, 0.1]"


@pytest.mark.drill("Faults of the system")
def test_an_update_to_a_container_that_does_not_start_leaves_the_old_one_serving(endpoint: str) -> None:
    old = serve("mirror_ridge", endpoint)
    with pytest.raises(DeployError, match=f"rolled back, and it serves {old.config} as before: .*ping"):
        serve("broken", endpoint)
    assert answer_of(endpoint) == "[0.9, 0.1]"


def test_a_name_that_somebody_else_uses_is_left_alone(endpoint: str) -> None:
    config = serve("mirror_ridge", endpoint).config
    foreign, sagemaker = f"{endpoint}x", boto3.client("sagemaker")
    sagemaker.create_endpoint(EndpointName=foreign, EndpointConfigName=config)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=foreign, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    with pytest.raises(DeployError, match="is taken by an endpoint that this project didn't deploy"):
        serve("better", foreign)
    assert list_resources(foreign) == []
    sagemaker.delete_endpoint(EndpointName=foreign)


@pytest.mark.parametrize("step", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
@pytest.mark.drill("Processes that are killed")
def test_a_deployment_killed_after_a_step_is_finished_by_the_next(endpoint: str, step: str) -> None:
    killed_after(f"sagemaker.{step}", "mirror_ridge", endpoint)
    assert "model" in kinds(endpoint)
    serve("mirror_ridge", endpoint)
    assert answer_of(endpoint) == "[0.9, 0.1]"
    assert kinds(endpoint) == ["endpoint", "endpoint configuration", "model"]
    assert_nothing_stays(endpoint)


@pytest.mark.parametrize("step", ["AddTags", "UpdateEndpoint"])
@pytest.mark.drill("Processes that are killed")
def test_an_update_killed_on_its_way_is_finished_by_the_next_and_can_be_rolled_back(endpoint: str, step: str) -> None:
    old = serve("mirror_ridge", endpoint)
    killed_after(f"sagemaker.{step}", "better", endpoint)
    new = serve("better", endpoint)
    assert answer_of(endpoint) == "[0.2, 0.8]"
    assert rollback(endpoint) == old.config != new.config
    assert_nothing_stays(endpoint)


@pytest.mark.parametrize("step", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
@pytest.mark.drill("Processes that are killed")
def test_what_a_killed_deployment_left_is_found_and_taken_down(endpoint: str, step: str) -> None:
    killed_after(f"sagemaker.{step}", "mirror_ridge", endpoint)
    assert_nothing_stays(endpoint)


def assert_nothing_stays(endpoint: str) -> None:
    teardown(list_resources(endpoint))
    sagemaker = boto3.client("sagemaker")
    assert sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"] == []
    assert sagemaker.list_endpoint_configs(NameContains=endpoint)["EndpointConfigs"] == []
    assert sagemaker.list_models(NameContains=endpoint)["Models"] == []


def test_an_endpoint_scales_and_its_scaling_is_taken_down_with_it(endpoint: str) -> None:
    arguments: dict[str, Any] = {"endpoint_name": endpoint, "bucket": stack.BUCKET, "role_arn": stack.ROLE_ARN}
    for _ in range(2):
        deploy(model_of("mirror_ridge"), **arguments, scaling=Scaling(most=4, target=120.0))
    client = boto3.client("application-autoscaling")
    resource = f"endpoint/{endpoint}/variant/AllTraffic"
    policies = client.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)["ScalingPolicies"]
    assert [policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for policy in policies] == [120.0]
    assert "autoscaling" in kinds(endpoint)
    assert_nothing_stays(endpoint)
    assert not is_scaled(endpoint)


def test_what_stands_is_listed_with_what_it_costs(endpoint: str) -> None:
    serve("mirror_ridge", endpoint, instances=2)
    prices = {thing.kind: thing.hourly for thing in list_resources(endpoint)}
    assert prices == {"endpoint": pytest.approx(0.23), "endpoint configuration": 0.0, "model": 0.0}


def test_data_stays_unless_it_is_asked_for(endpoint: str) -> None:
    serve("mirror_ridge", endpoint)
    teardown(list_resources(endpoint))
    s3 = boto3.client("s3")
    assert s3.list_objects_v2(Bucket=stack.BUCKET, Prefix="models/")["KeyCount"] > 0
    found = list_resources(endpoint, stack.BUCKET)
    assert [thing.kind for thing in found] == ["data"] * len(found)
    with pytest.raises(DeployError, match="name the bucket"):
        teardown(found)
    teardown(found, stack.BUCKET)
    assert "Versions" not in s3.list_object_versions(Bucket=stack.BUCKET, Prefix="models/")


def test_no_version_stays_of_what_the_workflow_writes_and_nothing_else_goes(endpoint: str) -> None:
    s3 = boto3.client("s3")
    template = Template(stack.ROOT / "template.yaml", {"DataBucketName": stack.BUCKET}, stack.REGION)
    rule = template.resources("AWS::Events::Rule")["UploadRule"]
    (uploads,) = rule["EventPattern"]["detail"]["object"]["key"]
    written = [baseline_key(endpoint), f"{dataset_folder('small')}/test.lst", f"{BATCHES}/one/manifest-1.csv"]
    written += [f"{uploads['prefix']}a b.png", "cases/small/broken.png", "checkpoints/job/1", "models/job/model.tar.gz"]
    written += [f"{capture_prefix(endpoint)}AllTraffic/2026/11/23/09/a.jsonl"]
    for key in [*written, "photos/mine.png"]:
        for content in (b"old", b"new"):
            s3.put_object(Bucket=stack.BUCKET, Key=key, Body=content)
        s3.delete_object(Bucket=stack.BUCKET, Key=key)
    sam.upload_samples()
    teardown(list_resources(endpoint, stack.BUCKET), stack.BUCKET)
    left = s3.list_object_versions(Bucket=stack.BUCKET)
    keys = [one["Key"] for one in [*left["Versions"], *left["DeleteMarkers"]]]
    assert keys.count("photos/mine.png") == 3
    assert not [key for key in keys if key in written or key.startswith("samples/")]


PICTURE = encoded(gradient(40, 30))


def test_files_folders_and_objects_are_predicted_in_order(endpoint: str, tmp_path: Path) -> None:
    serve("mirror_ridge", endpoint)
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).write_bytes(PICTURE)
    s3 = boto3.client("s3")
    for key in ("images/1.png", "images/2.jpeg", "images/readme.md"):
        s3.put_object(Bucket=stack.BUCKET, Key=key, Body=PICTURE)
    single = f"s3://{stack.BUCKET}/images/readme.md"
    sources = [str(tmp_path), f"s3://{stack.BUCKET}/images/", single, str(tmp_path / "notes.txt")]
    answers = list(predict(endpoint, sources, labels=("bicycle", "motorcycle")))
    names = [answer.source.rsplit("/", 1)[-1] for answer in answers]
    assert names == ["a.JPG", "b.png", "1.png", "2.jpeg", "readme.md", "notes.txt"]
    assert {(one.answer.label, one.answer.probabilities) for one in answers if one.answer} == {("bicycle", (0.9, 0.1))}
    # Only the stack that uses the endpoint knows from which confidence it accepts.
    assert {one.decision for one in answers} == {""}


def test_an_image_that_the_model_refuses_is_marked_and_the_others_are_answered(endpoint: str, tmp_path: Path) -> None:
    serve("refusing", endpoint)
    (tmp_path / "a.png").write_bytes(PICTURE)
    (tmp_path / "b.png").write_bytes(b"content")
    (tmp_path / "c.png").write_bytes(b"x" * (20 * 1024 * 1024 + 1))
    refused, damaged, large = predict(endpoint, [str(tmp_path)], labels=("bicycle", "motorcycle"))
    assert (refused.error, refused.answer) == ("not an image", None)
    assert damaged.error is not None
    assert "isn't a picture" in damaged.error
    assert large.error is not None
    assert "20,971,521 bytes" in large.error
    record = refused.to_record()
    assert (record.pop("source"), record.pop("error")) == (str(tmp_path / "a.png"), "not an image")
    assert set(record.values()) == {None}


def test_an_answer_that_is_no_list_of_probabilities_is_an_error(endpoint: str, tmp_path: Path) -> None:
    serve("talking", endpoint)
    (tmp_path / "a.png").write_bytes(PICTURE)
    with pytest.raises(PredictError, match="isn't JSON"):
        list(predict(endpoint, [str(tmp_path)], labels=("bicycle", "motorcycle")))
    serve("mirror_ridge", endpoint)
    with pytest.raises(PredictError, match="isn't a list of 3 probabilities"):
        list(predict(endpoint, [str(tmp_path)], labels=("bicycle", "motorcycle", "car")))
    with pytest.raises(PredictError, match="names no labels"):
        list(predict(endpoint, [str(tmp_path)]))


def test_a_model_that_describes_itself_needs_no_labels_and_tells_what_becomes_of_an_image(
    endpoint: str, tmp_path: Path
) -> None:
    serve("describing", endpoint)
    (tmp_path / "a.png").write_bytes(PICTURE)
    # Those of another model, such as the one before, don't matter.
    (one,) = predict(endpoint, [str(tmp_path)], labels=("cat", "dog"))
    assert one.answer is not None
    assert (one.answer.label, one.answer.release, one.decision) == ("bicycle", "0123456789ab", "accepted")
    assert one.answer.explanation is None
    assert one.to_record()["familiarity"] == 0.4


def test_where_the_model_looked_is_drawn_into_a_picture_of_the_images_name(endpoint: str, tmp_path: Path) -> None:
    serve("describing", endpoint)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(encoded(Image.new("RGB", (40, 30), (200, 40, 40))))
    answers = list(predict(endpoint, [str(tmp_path / "one"), str(tmp_path / "two")], explained=tmp_path / "explained"))
    assert [one.answer.explanation for one in answers if one.answer] == [((0.0, 0.75), (0.25, 0.0))] * 2
    assert sorted(path.name for path in (tmp_path / "explained").iterdir()) == ["a-2.png", "a.png"]
    with Image.open(tmp_path / "explained" / "a.png") as picture:
        assert picture.size == (240, 180)
        assert picture.getpixel((235, 5)) == (200, 40, 40)
        red, green, blue = picture.getpixel((5, 5))  # type: ignore[misc]  # of an RGB picture
    assert red == green == blue < 100


def test_a_large_photograph_is_sent_as_the_workflow_sends_it(endpoint: str, tmp_path: Path) -> None:
    serve("describing", endpoint)
    (tmp_path / "a.png").write_bytes(encoded(gradient(1000, 500)))
    list(predict(endpoint, [str(tmp_path)], explained=tmp_path / "bounded"))
    list(predict(endpoint, [str(tmp_path)], takes=Input(32, exact=True), explained=tmp_path / "exact"))
    with Image.open(tmp_path / "bounded" / "a.png") as bounded, Image.open(tmp_path / "exact" / "a.png") as exact:
        assert bounded.width == 2 * bounded.height
        assert exact.width == exact.height


@pytest.mark.parametrize(
    "source", ["/no/such/file", f"s3://{stack.BUCKET}/nothing/", f"s3://{stack.BUCKET}/nothing.png"]
)
def test_a_source_that_is_not_there_is_named(endpoint: str, source: str) -> None:
    serve("mirror_ridge", endpoint)
    with pytest.raises(PredictError, match=source.rsplit("/", 2)[-1] or source):
        list(predict(endpoint, [source]))


def test_an_empty_folder_is_named(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(PredictError, match=r"holds no image"):
        list(predict(endpoint, [str(tmp_path)]))


def test_metrics_of_the_endpoint_reach_cloudwatch(endpoint: str) -> None:
    serve("mirror_ridge", endpoint)
    for _ in range(3):
        answer_of(endpoint)
    wait_until(lambda: invocations(endpoint) >= 3)
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
