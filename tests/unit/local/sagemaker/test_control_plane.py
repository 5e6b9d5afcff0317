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
JOB = {
    "TrainingJobName": "job",
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


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


@pytest.mark.parametrize(
    "name",
    [
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PYTHONINSPECT",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "PATH",
        "Path",
        "HOME",
        "BASH_ENV",
        "AWS_ENDPOINT_URL",
        "AWS_CONFIG_FILE",
        "AWS_CA_BUNDLE",
        "https_proxy",
        "HTTPS_PROXY",
        "SSL_CERT_FILE",
        "SAGEMAKER_BASE_DIR",
        "SAGEMAKER_BIND_TO_PORT",
    ],
)
def test_a_variable_that_leads_a_program_elsewhere_is_refused_here_alone(
    records: Records, training: TrainingOperations, models: ModelOperations, endpoints: EndpointOperations, name: str
) -> None:
    sagemaker = SageMaker(records, training, models, endpoints)
    environment = {"MODEL_NAME": "any", name: "/elsewhere"}
    container = {"Image": "image", "Environment": environment}
    model = {"ModelName": "model", "ExecutionRoleArn": ROLE}
    refusal = rf"^The local stack refuses the environment variable {name}, .* containers on AWS are isolated"
    for operation, asked in (
        ("CreateModel", model | {"PrimaryContainer": container}),
        ("CreateModel", model | {"Containers": [container, container]}),
        ("CreateTrainingJob", JOB | {"Environment": environment}),
    ):
        with pytest.raises(SageMakerError, match=refusal) as caught:
            sagemaker.answer(operation, asked)
        assert caught.value.code == "ValidationException"
    assert not sagemaker.answer("ListModels", {})["Models"]
    assert not sagemaker.answer("ListTrainingJobs", {})["TrainingJobSummaries"]


def test_a_variable_of_a_models_own_is_kept(
    records: Records, training: TrainingOperations, models: ModelOperations, endpoints: EndpointOperations
) -> None:
    sagemaker = SageMaker(records, training, models, endpoints)
    container = {"Image": "image", "Environment": {"MODEL_PATH": "/opt/ml/model", "OMP_NUM_THREADS": "1"}}
    sagemaker.answer("CreateModel", {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": container})
    assert sagemaker.answer("DescribeModel", {"ModelName": "m"})["PrimaryContainer"] == container


@pytest.mark.parametrize(
    "name", ["..", "../up", "/etc/passwd", "a/b", "C:", "a\\b", "a\0b", "a\nb", "", "x" * 64], ids=ascii
)
def test_a_name_that_sagemaker_does_not_allow_is_refused_before_anything_is_made(
    records: Records, training: TrainingOperations, models: ModelOperations, endpoints: EndpointOperations, name: str
) -> None:
    sagemaker = SageMaker(records, training, models, endpoints)
    channel = {
        "ChannelName": name or "..",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/k"}},
    }
    variant = {"ModelName": name, "VariantName": "all"}
    for operation, asked in (
        ("CreateModel", {"ModelName": name, "ExecutionRoleArn": ROLE}),
        ("CreateEndpointConfig", {"EndpointConfigName": name, "ProductionVariants": [variant]}),
        ("CreateEndpointConfig", {"EndpointConfigName": "any", "ProductionVariants": [variant]}),
        ("CreateEndpoint", {"EndpointName": name, "EndpointConfigName": "any"}),
        ("CreateTrainingJob", JOB | {"TrainingJobName": name or ".."}),
        ("CreateTrainingJob", JOB | {"InputDataConfig": [channel | {"ChannelName": f"{name}/{name}"}]}),
    ):
        with pytest.raises(SageMakerError, match=r"must (satisfy|have length)") as caught:
            sagemaker.answer(operation, asked)
        assert caught.value.code == "ValidationException"


def test_a_job_that_does_not_train_on_spot_can_not_be_interrupted(training: TrainingOperations) -> None:
    with pytest.raises(SageMakerError, match="is not a spot training job in training"):
        training.interrupt("none")
