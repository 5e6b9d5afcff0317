"""The requests that put a model behind an endpoint."""

import json
from dataclasses import replace
from typing import Any

import pytest

from contracts.release import parse_release
from tests.unit.contracts.test_release import RECORD
from tests.unit.training.samples import ROLE
from tests.unit.training.service_model import complaints, enum_of
from tests.unit.training.test_model import MODEL
from training.errors import DeployError
from training.sagemaker.endpoint import EndpointOptions, config_request, model_request


def requests_of(options: EndpointOptions, endpoint: str = "ep") -> tuple[dict[str, Any], dict[str, Any]]:
    model = model_request(MODEL, endpoint, ROLE, options)
    return dict(model), dict(config_request(model["ModelName"], endpoint, "bucket", options))


@pytest.mark.parametrize(
    "options",
    [
        EndpointOptions(),
        EndpointOptions(instances=3, kms_key_id="key", tags={"team": "vision"}),
        EndpointOptions(serverless_memory=2048),
    ],
    ids=["default", "encrypted", "serverless"],
)
def test_botocore_takes_both_requests(options: EndpointOptions) -> None:
    model, config = requests_of(options)
    assert complaints("CreateModel", model) == ""
    assert complaints("CreateEndpointConfig", config) == ""
    assert options.instance_type in enum_of("ProductionVariantInstanceType")


def test_all_requests_are_captured_as_text_where_they_are_text() -> None:
    capture = requests_of(EndpointOptions())[1]["DataCaptureConfig"]
    assert capture == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://bucket/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"], "CsvContentTypes": ["text/csv"]},
    }


def test_no_capture_leaves_its_part_out() -> None:
    assert "DataCaptureConfig" not in requests_of(EndpointOptions(capture_percentage=0))[1]


def test_the_same_input_gives_the_same_names() -> None:
    assert requests_of(EndpointOptions()) == requests_of(EndpointOptions())


@pytest.mark.parametrize("other", [{"capture_percentage": 50}, {"instances": 2}, {"instance_type": "ml.c5.large"}])
def test_other_options_give_another_configuration_of_the_same_model(other: dict[str, Any]) -> None:
    model, config = requests_of(EndpointOptions())
    other_model, other_config = requests_of(EndpointOptions(**other))
    assert model["ModelName"] == other_model["ModelName"]
    assert config["EndpointConfigName"] != other_config["EndpointConfigName"]


def test_another_artifact_gives_another_model() -> None:
    again = model_request(replace(MODEL, artifact="s3://bucket/other.tar.gz"), "ep", ROLE, EndpointOptions())
    assert again["ModelName"] != requests_of(EndpointOptions())[0]["ModelName"]


def test_a_model_leads_back_to_its_job_and_data() -> None:
    tags = {tag["Key"]: tag["Value"] for tag in requests_of(EndpointOptions(tags={"team": "x"}))[0]["Tags"]}
    assert tags == {
        "workflow-endpoint": "ep",
        "training-job": MODEL.training_job,
        "dataset": MODEL.dataset,
        "dataset-sha256": MODEL.dataset_sha256,
        "team": "x",
    }


def test_a_model_that_describes_itself_is_tagged_with_its_release() -> None:
    release = parse_release(json.dumps(RECORD).encode())
    request = model_request(replace(MODEL, release=release), "ep", ROLE, EndpointOptions())
    assert release is not None
    assert {"Key": "release", "Value": release.release} in [*request["Tags"]]
    # What it is called by doesn't change what it is.
    assert request["ModelName"] == requests_of(EndpointOptions())[0]["ModelName"]


def test_the_container_is_isolated_from_the_network_unless_the_endpoint_is_serverless() -> None:
    isolated = requests_of(EndpointOptions())[0]
    serverless = requests_of(EndpointOptions(serverless_memory=2048))[0]
    assert (isolated["EnableNetworkIsolation"], serverless["EnableNetworkIsolation"]) == (True, False)
    assert isolated["ModelName"] != serverless["ModelName"]


def test_a_serverless_endpoint_is_not_asked_to_capture_whatever_classify_does() -> None:
    configs = [requests_of(EndpointOptions(serverless_memory=2048, capture_percentage=part))[1] for part in (0, 100)]
    assert "DataCaptureConfig" not in configs[1]
    assert configs[0] == configs[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"capture_percentage": -1},
        {"capture_percentage": 101},
        {"instances": 0},
        {"serverless_memory": 1000},
        {"serverless_memory": 7168},
        {"serverless_memory": 1024, "serverless_concurrency": 201},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DeployError):
        EndpointOptions(**wrong)


@pytest.mark.parametrize("name", ["", "-ep", "ep_1", "ep-", "ep/1", "a" * 51])
def test_a_name_that_no_endpoint_can_have_is_refused(name: str) -> None:
    with pytest.raises(DeployError, match="can't name an endpoint"):
        requests_of(EndpointOptions(), name)


def test_the_longest_name_leaves_room_for_those_made_of_it() -> None:
    model, config = requests_of(EndpointOptions(), "a" * 50)
    assert len(model["ModelName"]) <= 63
    assert len(config["EndpointConfigName"]) <= 63
