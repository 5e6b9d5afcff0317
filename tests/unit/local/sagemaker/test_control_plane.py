"""Every operation in the control plane's table exists in the service, and what isn't in it is refused by name."""

from types import SimpleNamespace
from typing import Any, cast

import botocore.session
import pytest

from local.sagemaker.alarms import Alarms
from local.sagemaker.control_plane import KINDS, SageMaker
from local.sagemaker.endpoint_operations import EndpointOperations
from local.sagemaker.errors import SageMakerError
from local.sagemaker.metrics import Metrics
from local.sagemaker.model_operations import ModelOperations
from local.sagemaker.records import Records
from local.sagemaker.training_operations import TrainingOperations

ROLE = "arn:aws:iam::123456789012:role/role"


def refuse(*_: object) -> Any:
    raise AssertionError("nothing is started here")


@pytest.fixture
def records() -> Records:
    return Records("us-east-1", KINDS)


@pytest.fixture
def training(records: Records) -> TrainingOperations:
    return TrainingOperations(records, ROLE, refuse)


@pytest.fixture
def endpoints(records: Records) -> EndpointOperations:
    unused = SimpleNamespace()
    return EndpointOperations(records, refuse, cast("Metrics", unused), cast("Alarms", unused), unused)


@pytest.fixture
def models(records: Records) -> ModelOperations:
    return ModelOperations(records, ROLE)


def test_every_operation_of_the_tables_is_one_of_the_service(
    training: TrainingOperations, models: ModelOperations, endpoints: EndpointOperations
) -> None:
    known = botocore.session.get_session().get_service_model("sagemaker").operation_names
    for part in (training, models, endpoints):
        assert part.table()
        assert set(part.table()) <= set(known)


@pytest.mark.parametrize("operation", ["CreateProcessingJob", "answer", "_create_model", "Stop", ""])
def test_what_is_in_no_table_is_refused_by_name(
    records: Records,
    training: TrainingOperations,
    models: ModelOperations,
    endpoints: EndpointOperations,
    operation: str,
) -> None:
    with pytest.raises(SageMakerError, match=f"SageMaker's {operation}\\.") as caught:
        SageMaker(records, training, models, endpoints).answer(operation, {})
    assert caught.value.code == "UnknownOperationException"


def test_a_model_can_be_made_described_listed_tagged_and_deleted(
    records: Records, training: TrainingOperations, models: ModelOperations, endpoints: EndpointOperations
) -> None:
    sagemaker = SageMaker(records, training, models, endpoints)
    tags = [{"Key": "owner", "Value": "workflow"}]
    asked = {"ModelName": "model", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "image"}, "Tags": tags}
    arn = sagemaker.answer("CreateModel", asked)["ModelArn"]
    described = sagemaker.answer("DescribeModel", {"ModelName": "model"})
    assert (described["ModelArn"], described["PrimaryContainer"]) == (arn, {"Image": "image"})
    (listed,) = sagemaker.answer("ListModels", {"NameContains": "mod"})["Models"]
    assert (listed["ModelName"], listed["ModelArn"]) == ("model", arn)
    assert sagemaker.answer("ListTags", {"ResourceArn": arn})["Tags"] == tags
    sagemaker.answer("DeleteModel", {"ModelName": "model"})
    with pytest.raises(SageMakerError, match="Could not find model"):
        sagemaker.answer("DescribeModel", {"ModelName": "model"})


def test_a_job_that_does_not_train_on_spot_can_not_be_interrupted(training: TrainingOperations) -> None:
    with pytest.raises(SageMakerError, match="is not a spot training job in training"):
        training.interrupt("none")
