"""What people decided makes the next model, on the local stack."""

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import boto3
import numpy as np
import pytest
from PIL import Image

from contracts.addresses import S3Address
from contracts.dataset import DatasetRecord
from contracts.labels import Decision, ModelAnswer
from contracts.outcomes import ReviewReason
from local import stack
from review.image import ReviewImage
from review.labels import Labels
from tests.commands import schema, workflow
from training import registry
from training.artifacts import served_by
from training.deploy import deploy
from training.model import MODEL_FILE, Model
from training.sagemaker.endpoint import EndpointOptions
from training.sagemaker.recipes import Features
from training.sagemaker.request import TrainingOptions
from training.sagemaker.scaling import Scaling, scaling_of
from training.stage import stage
from training.train import train

ENDPOINT = "improving"
NAME = "improving"

pytestmark = pytest.mark.usefixtures("running")


@pytest.fixture
def dataset(archive: Path, tmp_path: Path) -> Iterator[DatasetRecord]:
    yield stage("cifar100", tmp_path, bucket=stack.BUCKET, archive=archive, verify=False, name=NAME)
    s3 = boto3.client("s3")
    for one in s3.list_objects_v2(Bucket=stack.BUCKET, Prefix=f"labels/{NAME}/").get("Contents", ()):
        s3.delete_object(Bucket=stack.BUCKET, Key=one["Key"])


@pytest.fixture
def served(dataset: DatasetRecord, tmp_path: Path) -> Iterator[Model]:
    """A model that is served, and whose record is where `improve` reads it."""
    options = TrainingOptions(features=Features.SCATTERING, hyperparameters={"max_error": "0.1"})
    model = train(dataset, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN, out=tmp_path, options=options, quiet=True)
    scaling = Scaling(2, 1, 300.0)
    deploy(
        model,
        endpoint_name=ENDPOINT,
        bucket=stack.BUCKET,
        role_arn=stack.ROLE_ARN,
        options=EndpointOptions(capture_percentage=50),
        scaling=scaling,
    )
    yield model
    assert workflow("teardown", "--yes", "--endpoint", ENDPOINT) == 0


def decide(dataset: DatasetRecord, out: Path, count: int, *, right: bool) -> None:
    """Label images that are like those of training, all but for one pixel."""
    s3 = boto3.client("s3")
    labels = Labels(s3, stack.BUCKET, dataset.name)
    for line in (out / dataset.folder / "train.lst").read_text().splitlines()[:count]:
        _, code, file = line.split("\t")
        pixels = np.array(Image.open(out / dataset.folder / "train" / file))
        pixels[0, 0] ^= 255
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        key = f"incoming/{file}"
        version = s3.put_object(Bucket=stack.BUCKET, Key=key, Body=buffer.getvalue())["VersionId"]
        answer = ModelAnswer("r", dataset.classes[0], 0.6, 0.9, None, (0.6, 0.4), dataset.classes)
        sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        image = ReviewImage(
            sha256, stack.BUCKET, key, version, 32, 32, ENDPOINT, ReviewReason.LOW_CONFIDENCE, None, answer
        )
        label = dataset.classes[int(code) if right else 1 - int(code)]
        decision = Decision(label, "ann", datetime.now(UTC).isoformat(), 1.0, image.reason, answer)
        labels.add(image, decision)


def improve(out: Path, *more: str) -> int:
    return workflow("improve", "--endpoint", ENDPOINT, "--out", str(out), *more)


def test_decisions_make_the_next_model_which_serves_as_the_one_before_did(
    dataset: DatasetRecord, served: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(dataset, tmp_path, 12, right=True)
    assert improve(tmp_path, "--yes") == 0
    now = Model.read(tmp_path / MODEL_FILE)
    assert (now.dataset, now.release and now.release.features) == (f"{NAME}-2", "scattering")
    assert now.release is not None
    assert now.release.threshold.max_error == 0.1
    assert served_by(ENDPOINT) == S3Address.parse(now.artifact) != S3Address.parse(served.artifact)
    name = boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    config = boto3.client("sagemaker").describe_endpoint_config(EndpointConfigName=name)
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 50
    assert scaling_of(ENDPOINT) == Scaling(2, 1, 300.0)
    printed = capsys.readouterr().out
    assert "B is not worse than A by more than chance." in printed
    assert served.release is not None
    assert served.release.release in printed
    assert now.release.release in printed


def test_a_model_that_became_worse_is_kept_and_not_deployed(
    dataset: DatasetRecord, served: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(dataset, tmp_path, 120, right=False)
    assert improve(tmp_path, "--yes", "--json") == 1
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    schema("improve").validate(record)
    assert (record["deployed"], record["comparison"]["faults"] != []) == (False, True)
    assert "B is worse" in printed.err
    assert Model.read(tmp_path / MODEL_FILE) == served
    assert served_by(ENDPOINT) == S3Address.parse(served.artifact)
    assert Model.read(tmp_path / f"{NAME}-2" / MODEL_FILE).dataset == f"{NAME}-2"


def test_a_model_that_the_endpoint_does_not_serve_is_not_improved(
    dataset: DatasetRecord, served: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(dataset, tmp_path, 4, right=True)
    replace(served, artifact=f"{served.artifact}.other").write(tmp_path / MODEL_FILE)
    assert improve(tmp_path, "--yes") == 1
    assert f"{ENDPOINT} doesn't serve the model of {tmp_path}" in capsys.readouterr().err
    replace(served, release=None).write(tmp_path / MODEL_FILE)
    assert improve(tmp_path, "--yes") == 1
    assert "doesn't describe itself" in capsys.readouterr().err
    assert not (tmp_path / f"datasets/{NAME}-2").exists()


def test_nothing_is_deployed_before_a_person_agrees(
    dataset: DatasetRecord, served: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(dataset, tmp_path, 4, right=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert improve(tmp_path) == 0
    assert served_by(ENDPOINT) == S3Address.parse(served.artifact)


def test_a_registered_model_is_followed_by_an_approved_one_of_its_group(
    dataset: DatasetRecord, served: Model, tmp_path: Path
) -> None:
    registry.register(served, tmp_path)
    decide(dataset, tmp_path, 4, right=True)
    assert improve(tmp_path, "--yes") == 0
    now = Model.read(tmp_path / MODEL_FILE)
    version = registry.version_of(now)
    assert version is not None
    assert (version.group, version.number, version.status) == (NAME, 2, registry.APPROVED)
    registry.delete_group(NAME)
