"""What `train` plans before it asks AWS for anything, and what it reads from a log."""

import json
import re
from dataclasses import replace

import pytest
from botocore.exceptions import NoRegionError

from tests.unit.training.samples import ROLE, record
from tests.unit.training.service_model import SAGEMAKER
from training.errors import JobError
from training.sagemaker.progress import Summary
from training.train import plan

DATASET = record("sample")


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The region that the plans are made for."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def test_the_built_in_container_is_the_one_of_the_region() -> None:
    job, request = plan(DATASET, bucket="bucket", role_arn=ROLE, algorithm="scratch-32")
    assert re.fullmatch(r"\d{12}\.dkr\.ecr\.eu-west-1\.amazonaws\.com/image-classification:1", job.image)
    assert request["AlgorithmSpecification"]["TrainingImage"] == job.image


def test_our_container_is_in_the_registry_of_the_roles_account() -> None:
    job, _ = plan(DATASET, bucket="bucket", role_arn=ROLE)
    assert job.image == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror_ridge:latest"


def test_a_job_takes_the_image_size_of_its_network_or_else_of_its_data() -> None:
    job, _ = plan(DATASET, bucket="b", role_arn=ROLE, algorithm="transfer-224")
    assert job.image_parameters == {"MaxSide": "224", "ImageFit": "exact"}
    job, _ = plan(replace(DATASET, exact=False), bucket="b", role_arn=ROLE)
    assert job.image_parameters == {"MaxSide": str(DATASET.max_side), "ImageFit": "bounded"}


@pytest.mark.parametrize("name", ["a", "under_score", "x" * 63, "a-" * 31 + "a"])
def test_a_jobs_name_is_one_that_sagemaker_takes(name: str) -> None:
    shape = SAGEMAKER.shape_for("TrainingJobName")
    job, _ = plan(record(name), bucket="b", role_arn=ROLE)
    assert re.fullmatch(shape.metadata["pattern"], job.training_job)
    assert len(job.training_job) <= shape.metadata["max"]


def test_without_a_region_nothing_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(NoRegionError):
        plan(DATASET, bucket="b", role_arn=ROLE)


def test_a_plan_is_json() -> None:
    _, request = plan(DATASET, bucket="b", role_arn=ROLE)
    assert json.loads(json.dumps(request)) == request


def test_a_role_of_another_partition_is_a_role_and_a_user_is_none() -> None:
    assert plan(DATASET, bucket="b", role_arn="arn:aws-cn:iam::123456789012:role/path/name")
    with pytest.raises(JobError, match="is not the ARN of a role"):
        plan(DATASET, bucket="b", role_arn="arn:aws:iam::123456789012:user/me")


@pytest.mark.parametrize(
    ("lines", "summary"),
    [
        ([], ""),
        (["[11/23/2026 14:00:00 INFO 1] Epoch[0] Train-accuracy=0.5312"], "epoch 0, train accuracy 0.5312"),
        (
            ["Epoch[0] Train-accuracy=0.5", "Epoch[1] Train-accuracy=0.6", "Epoch[1] Validation-accuracy=0.55"],
            "epoch 1, train accuracy 0.6, validation accuracy 0.55",
        ),
        (
            ["train-accuracy=0.99 out-of-fold-accuracy=0.9 validation-accuracy=0.91"],
            "train accuracy 0.99, validation accuracy 0.91",
        ),
        (["pretrain-accuracy=0.1", "read 1000 images of channel train"], ""),
    ],
)
def test_the_line_of_progress_tells_epoch_and_accuracies(lines: list[str], summary: str) -> None:
    seen = Summary()
    for line in lines:
        seen.read(line)
    assert str(seen) == summary
