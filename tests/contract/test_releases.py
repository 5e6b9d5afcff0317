"""Models are compared, registered, approved and deployed on the local stack, as a user does it."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from contracts.addresses import S3Address
from contracts.judged import JudgedError
from contracts.release import Release, Threshold
from local import stack
from tests.commands import workflow
from tests.containers import model_of
from tests.contract.serving import answer_of
from tests.contract.test_cli_sagemaker import only_line
from tests.judged import LABELS, judged, leave
from training import registry
from training.artifacts import artifact_of, served_by
from training.errors import ArchiveError, ArtifactError, RegistryError
from training.job_output import read_judged
from training.model import MODEL_FILE, Model
from training.teardown import list_resources, teardown

pytestmark = pytest.mark.usefixtures("programs")

GOOD, BAD = judged("R" * 100, "good"), judged("R" * 90 + "w" * 10, "bad")


@pytest.fixture
def group(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name of the test's own for a group, which is deleted afterwards with what is in it."""
    name = f"group-{zlib.crc32(request.node.name.encode())}"
    yield name
    sagemaker = boto3.client("sagemaker")
    for one in sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]:
        registry.delete_group(one["ModelPackageGroupName"])


def good(out: Path) -> Model:
    """Write the record of a model that answers everything right."""
    return written(leave(model_of("mirror_ridge"), GOOD), out)


def bad(out: Path) -> Model:
    """Write the record of a model that is wrong in 10 of 100 images."""
    return written(leave(model_of("better"), BAD), out)


def written(model: Model, out: Path) -> Model:
    model.write(out / MODEL_FILE)
    return model


def deploy(endpoint: str, out: Path, *more: str) -> int:
    return workflow("deploy", "--yes", "--endpoint", endpoint, "--out", str(out), *more)


# Comparing


def test_two_models_are_compared_without_an_endpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good(tmp_path / "a")
    bad(tmp_path / "b")
    assert workflow("compare", str(tmp_path / "a"), str(tmp_path / "b/model.json"), "--out", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "B is worse: its accuracy is 90.0% instead of 100.0% (p = 0.002)" in printed
    assert "Right in A alone: 10 images; B alone: 0 (exact test, p = 0.002)." in printed
    found = json.loads((tmp_path / "comparison.json").read_text())
    assert (found["first"]["release"], found["second"]["release"], len(found["differences"])) == ("good", "bad", 10)
    assert found["differences"][0]["second"] == {"label": "bicycle", "confidence": 0.6, "accepted": False}


def test_a_model_is_named_by_its_artifact_its_endpoint_or_its_version(
    tmp_path: Path, endpoint: str, group: str
) -> None:
    model = good(tmp_path)
    assert deploy(endpoint, tmp_path) == 0
    version = registry.register(model, tmp_path, group)
    expected = S3Address.parse(model.artifact)
    assert {artifact_of(name) for name in (model.artifact, endpoint, version.name, version.arn)} == {expected}


@pytest.mark.parametrize("name", ["no-such-endpoint", "out/nowhere", "a b"])
def test_what_names_no_model_is_refused_with_what_can(name: str) -> None:
    with pytest.raises(ArtifactError, match=r"names no model: give a folder with a model\.json"):
        artifact_of(name)


def test_a_model_whose_job_left_no_answers_is_refused_by_name() -> None:
    model = replace(model_of("slow"), artifact=f"s3://{stack.BUCKET}/models/nothing/output/model.tar.gz")
    with pytest.raises(ArchiveError, match=r"models/nothing/output/output\.tar\.gz can't be read: .*NoSuchKey"):
        read_judged(S3Address.parse(model.artifact))
    leave(model, GOOD, "out_of_fold.csv")
    with pytest.raises(ArchiveError, match=r"has no test\.jsonl; train again"):
        read_judged(S3Address.parse(model.artifact))
    leave(model, ())
    with pytest.raises(JudgedError, match="has no images"):
        read_judged(S3Address.parse(model.artifact))
    boto3.client("s3").put_object(Bucket=stack.BUCKET, Key="models/nothing/output/output.tar.gz", Body=b"no archive")
    with pytest.raises(ArchiveError, match="can't be read"):
        read_judged(S3Address.parse(model.artifact))


# Deploying


def test_a_model_that_is_worse_than_the_endpoints_is_refused_and_says_by_how_much(
    tmp_path: Path, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    assert deploy(endpoint, tmp_path) == 0
    bad(tmp_path)
    capsys.readouterr()
    assert deploy(endpoint, tmp_path) == 1
    line = only_line(capsys)
    assert f"Release bad is worse than good, which {endpoint} serves: on the same 100 test images" in line
    assert "its accuracy is 90.0% instead of 100.0% (p = 0.002); it accepts 90.0% of the images" in line
    assert line.endswith("Give --force to deploy it all the same.")
    assert answer_of(endpoint) == "[0.9, 0.1]"
    assert deploy(endpoint, tmp_path, "--force") == 0
    assert "is worse than good" in capsys.readouterr().out
    assert answer_of(endpoint) == "[0.2, 0.8]"


def test_a_model_that_is_better_is_deployed(tmp_path: Path, endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    bad(tmp_path)
    assert deploy(endpoint, tmp_path) == 0
    good(tmp_path)
    assert deploy(endpoint, tmp_path) == 0
    assert answer_of(endpoint) == "[0.9, 0.1]"
    assert "can't be compared" not in capsys.readouterr().out


def test_models_that_were_tested_on_other_images_are_deployed_and_it_is_said(
    tmp_path: Path, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    assert deploy(endpoint, tmp_path) == 0
    written(leave(model_of("better"), judged("w" * 99)), tmp_path)
    assert deploy(endpoint, tmp_path) == 0
    said = f"It can't be compared with what {endpoint} serves: The models were tested on different images: 100 and 99"
    assert said in capsys.readouterr().out
    assert answer_of(endpoint) == "[0.2, 0.8]"


def test_nothing_is_served_where_there_is_no_endpoint_and_unknown_where_its_model_is_gone(
    tmp_path: Path, endpoint: str
) -> None:
    assert served_by(endpoint) is None
    good(tmp_path)
    assert deploy(endpoint, tmp_path) == 0
    sagemaker = boto3.client("sagemaker")
    for model in sagemaker.list_models(NameContains=endpoint)["Models"]:
        sagemaker.delete_model(ModelName=model["ModelName"])
    with pytest.raises(ArtifactError, match=f"that {endpoint} serves was deleted"):
        served_by(endpoint)


# Registering and approving


def test_a_registered_model_leads_to_its_record_and_its_figures(tmp_path: Path, group: str) -> None:
    threshold = Threshold(
        value=0.9, max_error=0.02, confidence_level=0.95, images=400, accepted=300, wrong=1, error_upper=0.016
    )
    release = Release("bad", LABELS, "backbone", "regnet", threshold, 0.05, "0" * 64, {})
    model = replace(bad(tmp_path), release=release)
    version = registry.register(model, tmp_path, group)
    assert (version.name, version.status) == (f"{group}/1", "PendingManualApproval")
    assert Model.read(tmp_path / MODEL_FILE) == replace(model, package=version.arn) == registry.model_of(version)
    assert (version.metadata["release"], version.metadata["threshold"]) == ("bad", "0.9")
    assert (version.metadata["test-accuracy"], version.metadata["test-coverage"]) == ("0.9000", "0.9000")
    described = boto3.client("sagemaker").describe_model_package(ModelPackageName=version.arn)
    address = S3Address.parse(described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"])
    content = boto3.client("s3").get_object(Bucket=address.bucket, Key=address.key)["Body"].read()
    figures = json.loads(content)["multiclass_classification_metrics"]
    assert figures["accuracy"] == {"value": 0.9, "standard_deviation": "NaN"}
    assert figures["confusion_matrix"]["bicycle"] == {"bicycle": 45, "motorcycle": 5}
    container = described["InferenceSpecification"]["Containers"][0]
    assert (container["Image"], container["ModelDataUrl"]) == (model.image, model.artifact)


def test_a_model_is_registered_once_in_a_group(tmp_path: Path, group: str) -> None:
    first = registry.register(good(tmp_path), tmp_path, group)
    assert registry.register(Model.read(tmp_path / MODEL_FILE), tmp_path, group) == first
    boto3.client("sagemaker").delete_model_package(ModelPackageName=first.arn)
    assert registry.register(Model.read(tmp_path / MODEL_FILE), tmp_path, group).number == 2


def test_a_model_that_answered_no_test_images_is_registered_without_figures(tmp_path: Path, group: str) -> None:
    version = registry.register(written(model_of("talking"), tmp_path), tmp_path, group)
    assert "release" not in version.metadata
    assert "ModelMetrics" not in boto3.client("sagemaker").describe_model_package(ModelPackageName=version.arn)


def test_a_model_waits_for_approval_and_is_then_deployed_from_the_registry(
    tmp_path: Path, endpoint: str, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad(tmp_path)
    given = ("--group", group, "--out", str(tmp_path))
    assert workflow("register", *given) == 0
    assert f"Registered as {group}/1, status PendingManualApproval." in capsys.readouterr().out
    assert deploy(endpoint, tmp_path) == 1
    assert only_line(capsys).startswith(
        f"workflow: {group}/1 of the model registry is not approved, its status is PendingManualApproval."
    )
    assert deploy(endpoint, tmp_path, "--approved", "--group", group) == 1
    assert f"{group} has no approved version; approve one with `workflow approve`." in only_line(capsys)
    assert workflow("approve", "--reason", "good enough", *given) == 0
    (tmp_path / MODEL_FILE).unlink()
    assert deploy(endpoint, tmp_path, "--approved", "--group", group, "--dry-run") == 0
    assert f'"ModelPackageName": "arn:aws:sagemaker:us-east-1:123456789012:model-package/{group}/1"' in "".join(
        capsys.readouterr().out.splitlines()
    )
    assert served_by(endpoint) is None
    assert deploy(endpoint, tmp_path, "--approved", "--group", group) == 0
    assert f"The last approved version is {group}/1." in capsys.readouterr().out
    assert answer_of(endpoint) == "[0.2, 0.8]"
    sagemaker = boto3.client("sagemaker")
    (model,) = sagemaker.list_models(NameContains=endpoint)["Models"]
    container = sagemaker.describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
    assert container["ModelPackageName"].endswith(f":model-package/{group}/1")


def test_the_last_approved_is_not_the_last(tmp_path: Path, group: str) -> None:
    for model in (good(tmp_path), bad(tmp_path), good(tmp_path)):
        registry.register(model, tmp_path, group)
    registry.decide(group, 1, approved=True)
    registry.decide(group, 2, approved=True)
    registry.decide(group, None, approved=False, reason="blurred images")
    assert registry.last_approved(group).number == 2
    registry.decide(group, 2, approved=False)
    assert registry.last_approved(group).number == 1


@pytest.mark.parametrize("number", [None, 7])
def test_a_version_that_is_not_there_can_not_be_approved(tmp_path: Path, group: str, number: int | None) -> None:
    with pytest.raises(RegistryError, match=f"{group} has no versions"):
        registry.decide(group, number, approved=True)
    registry.register(good(tmp_path), tmp_path, group)
    with pytest.raises(RegistryError, match=f"{group} has no version 7; it has 1"):
        registry.decide(group, 7, approved=True)


@pytest.mark.parametrize("name", ["", "-a", "a_b", "a" * 64])
def test_a_group_has_a_name_that_sagemaker_takes(tmp_path: Path, name: str) -> None:
    with pytest.raises(RegistryError, match="can't name a model package group"):
        registry.last_approved(name)
    model = replace(model_of("mirror_ridge"), dataset=name)
    if name:
        with pytest.raises(RegistryError, match="can't name"):
            registry.register(model, tmp_path, name)


def test_a_version_that_somebody_else_registered_has_no_record(group: str) -> None:
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    sagemaker.create_model_package(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    with pytest.raises(RegistryError, match="was not registered by `workflow register`"):
        registry.model_of(registry.last_approved(group))


def test_a_record_that_is_gone_is_missed_by_name(tmp_path: Path, group: str) -> None:
    version = registry.register(good(tmp_path), tmp_path, group)
    address = S3Address.parse(version.metadata["record"])
    boto3.client("s3").delete_object(Bucket=address.bucket, Key=address.key)
    with pytest.raises(RegistryError, match=f"The record of {group}/1, s3://.*, is gone"):
        registry.model_of(version)


def test_a_teardown_of_the_data_deletes_the_groups_of_its_models_and_no_other(
    tmp_path: Path, group: str, endpoint: str
) -> None:
    for model in (good(tmp_path), bad(tmp_path)):
        registry.register(model, tmp_path, group)
    boto3.client("sagemaker").create_model_package_group(ModelPackageGroupName=f"{group}-other")
    found = [thing for thing in list_resources(endpoint, stack.BUCKET) if thing.kind == "model package group"]
    assert group in [thing.name for thing in found]
    assert f"{group}-other" not in [thing.name for thing in found]
    assert not [thing for thing in list_resources(endpoint) if thing.kind == "model package group"]
    teardown([thing for thing in found if thing.name == group])
    left = boto3.client("sagemaker").list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [one["ModelPackageGroupName"] for one in left] == [f"{group}-other"]
