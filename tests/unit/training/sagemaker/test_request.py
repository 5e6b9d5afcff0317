"""The requests that start training jobs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.dataset import DatasetRecord
from tests.unit.training.samples import ROLE, record
from tests.unit.training.service_model import complaints, enum_of
from training.errors import JobError
from training.model import Job
from training.sagemaker.recipes import PRESETS, Features, own_algorithms, recipe_of
from training.sagemaker.request import TrainingOptions, training_request

GOLDEN = Path(__file__).parent / "golden"
DATASET = record("sample", train=500, test=100)
SPOT = TrainingOptions(spot=True, max_run=1800, kms_key_id="key-1", tags={"team": "vision"})


def request_of(algorithm: str, options: TrainingOptions, dataset: DatasetRecord = DATASET) -> dict[str, Any]:
    recipe = recipe_of(algorithm)
    image = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1" if recipe.built_in else "own:latest"
    job = Job("job-1", algorithm, image, "us-east-1", dataset.name, dataset.sha256, dataset.classes, 32, True)
    return dict(training_request(job, recipe, dataset, "bucket", ROLE, options))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_asks_for_what_was_recorded(preset: str) -> None:
    golden = json.loads((GOLDEN / f"{preset}.json").read_text())
    assert request_of(preset, TrainingOptions()) == golden


@pytest.mark.parametrize("algorithm", [*sorted(PRESETS), *own_algorithms()])
@pytest.mark.parametrize("options", [TrainingOptions(), SPOT], ids=["on-demand", "spot"])
def test_botocore_takes_the_request(algorithm: str, options: TrainingOptions) -> None:
    request = request_of(algorithm, options)
    assert complaints("CreateTrainingJob", request) == ""
    assert request["ResourceConfig"]["InstanceType"] in enum_of("TrainingInstanceType")


def test_all_hyperparameters_are_strings() -> None:
    for algorithm in [*PRESETS, *own_algorithms()]:
        assert all(type(value) is str for value in request_of(algorithm, SPOT)["HyperParameters"].values())


def test_a_users_hyperparameter_replaces_the_presets() -> None:
    request = request_of("scratch-32", TrainingOptions(hyperparameters={"epochs": "5", "optimizer": "adam"}))
    assert request["HyperParameters"]["epochs"] == "5"
    assert request["HyperParameters"]["optimizer"] == "adam"
    assert request["HyperParameters"]["num_training_samples"] == "1000"


def test_the_error_to_keep_is_the_own_algorithms_choice_alone() -> None:
    chosen = TrainingOptions(max_error=0.05)
    assert request_of("mirror_ridge", chosen)["HyperParameters"]["max_error"] == "0.05"
    assert "max_error" not in request_of("mirror_ridge", TrainingOptions())["HyperParameters"]
    with pytest.raises(JobError, match="scratch-32 doesn't take --max-error; leave it out"):
        request_of("scratch-32", chosen)


@pytest.mark.parametrize("max_error", [0, -0.1, 0.51, float("nan")])
def test_an_error_that_cannot_be_kept_is_refused(max_error: float) -> None:
    with pytest.raises(JobError, match=r"above 0 and at most 0\.5"):
        TrainingOptions(max_error=max_error)


def test_features_are_the_own_algorithms_choice_alone() -> None:
    chosen = TrainingOptions(features=Features.SCATTERING)
    assert request_of("mirror_ridge", chosen)["HyperParameters"]["features"] == "scattering"
    assert "features" not in request_of("mirror_ridge", TrainingOptions())["HyperParameters"]
    with pytest.raises(JobError, match="scratch-32 doesn't take --features; leave it out"):
        request_of("scratch-32", chosen)


def test_the_pretrained_network_gets_its_own_size_and_a_larger_resize() -> None:
    wanted = request_of("transfer-224", TrainingOptions())["HyperParameters"]
    assert wanted["use_pretrained_model"] == "1"
    assert wanted["image_shape"] == "3,224,224"
    assert int(wanted["resize"]) > 224


def test_a_spot_job_has_a_checkpoint_and_time_to_wait() -> None:
    request = request_of("mirror_ridge", SPOT)
    assert request["EnableManagedSpotTraining"] is True
    assert request["CheckpointConfig"] == {"S3Uri": "s3://bucket/checkpoints/job-1"}
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800, "MaxWaitTimeInSeconds": 3600}


def test_a_key_encrypts_the_model_and_the_volume_where_the_instance_admits_it() -> None:
    own, built_in = request_of("mirror_ridge", SPOT), request_of("scratch-32", SPOT)
    assert own["OutputDataConfig"]["KmsKeyId"] == built_in["OutputDataConfig"]["KmsKeyId"] == "key-1"
    assert own["ResourceConfig"]["VolumeKmsKeyId"] == "key-1"
    assert "VolumeKmsKeyId" not in built_in["ResourceConfig"]  # ml.g4dn has local disks


def test_the_tags_lead_back_to_the_data() -> None:
    tags = {tag["Key"]: tag["Value"] for tag in request_of("mirror_ridge", SPOT)["Tags"]}
    assert tags == {
        "algorithm": "mirror_ridge",
        "dataset": "sample",
        "dataset-sha256": "c" * 64,
        "team": "vision",
    }


def test_only_our_container_is_cut_off_from_the_network() -> None:
    assert request_of("mirror_ridge", TrainingOptions())["EnableNetworkIsolation"] is True
    assert request_of("transfer-224", TrainingOptions())["EnableNetworkIsolation"] is False


def test_only_our_container_gets_metric_definitions() -> None:
    assert request_of("mirror_ridge", TrainingOptions())["AlgorithmSpecification"]["MetricDefinitions"]
    assert "MetricDefinitions" not in request_of("scratch-32", TrainingOptions())["AlgorithmSpecification"]


@pytest.mark.parametrize("size", [31, 33, 224])
def test_a_preset_that_does_not_resize_refuses_images_of_another_size(size: int) -> None:
    message = f"takes squares of 32 .* are squares of {size}; stage it with --exact --max-side 32"
    with pytest.raises(JobError, match=message):
        request_of("scratch-32", TrainingOptions(), replace(DATASET, max_side=size))


@pytest.mark.parametrize(("algorithm", "side"), [("scratch-32", 32), ("transfer-224", 224)])
def test_a_preset_refuses_images_that_are_not_squares(algorithm: str, side: int) -> None:
    message = f"takes squares of {side} .* are at most {side}; stage it with --exact --max-side {side}"
    with pytest.raises(JobError, match=message):
        request_of(algorithm, TrainingOptions(), replace(DATASET, max_side=side, exact=False))


@pytest.mark.parametrize("algorithm", ["transfer-224", "mirror_ridge"])
def test_an_algorithm_that_resizes_takes_other_sizes(algorithm: str) -> None:
    assert request_of(algorithm, TrainingOptions(), replace(DATASET, max_side=64))


def test_an_unknown_algorithm_is_refused_with_the_known_ones() -> None:
    with pytest.raises(JobError, match="mirror_ridge, scratch-32, transfer-224"):
        recipe_of("resnet")


@pytest.mark.parametrize("wrong", [{"max_run": 0}, {"max_run": 28 * 24 * 3600 + 1}, {"volume": 0}, {"volume": 16385}])
def test_options_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(JobError):
        TrainingOptions(**wrong)  # type: ignore[arg-type]  # both are numbers
