"""What an endpoint can be updated to, with scaling and without instances, and what SageMaker refuses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import stack
from tests.contract.serving import answer_of, killed_after, kinds, serve
from training.deploy import rollback
from training.errors import DeployError
from training.sagemaker.endpoint import VARIANT
from training.sagemaker.scaling import is_scaled
from training.teardown import list_resources, teardown

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import ProductionVariantTypeDef

pytestmark = pytest.mark.usefixtures("programs")

SERVERLESS: dict[str, Any] = {"serverless_memory": 2048}


def limits(endpoint: str) -> tuple[int, int, float]:
    """Return the limits of the endpoint's scaling and the target of its one policy."""
    client = boto3.client("application-autoscaling")
    resource = f"endpoint/{endpoint}/variant/{VARIANT}"
    (target,) = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource])[
        "ScalableTargets"
    ]
    (policy,) = client.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)["ScalingPolicies"]
    value = policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
    return target["MinCapacity"], target["MaxCapacity"], value


def scale_out(endpoint: str, instances: int) -> None:
    """Change the number of instances, as Application Auto Scaling does."""
    boto3.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": VARIANT, "DesiredInstanceCount": instances}],
    )


def instances(endpoint: str) -> int:
    (variant,) = boto3.client("sagemaker").describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    return variant["CurrentInstanceCount"]


def test_a_scaled_endpoint_gets_another_instance_type_and_is_scaled_as_asked(endpoint: str) -> None:
    serve("mirror_ridge", endpoint, most=4)
    assert serve("mirror_ridge", endpoint, most=5, instance_type="ml.c5.large").changed
    assert limits(endpoint) == (1, 5, 120.0)


def test_scaling_ends_where_a_deployment_asks_for_none(endpoint: str) -> None:
    serve("mirror_ridge", endpoint, most=2)
    serve("mirror_ridge", endpoint)
    assert not is_scaled(endpoint)
    serve("mirror_ridge", endpoint, most=2)
    serve("mirror_ridge", endpoint, instance_type="ml.c5.large")
    assert not is_scaled(endpoint)


def test_a_rollback_to_another_instance_type_keeps_scaling_and_instances(endpoint: str) -> None:
    old = serve("mirror_ridge", endpoint, most=4)
    serve("better", endpoint, most=5, instance_type="ml.c5.large")
    scale_out(endpoint, 3)
    assert rollback(endpoint) == old.config
    assert limits(endpoint) == (1, 5, 120.0)
    assert instances(endpoint) == 3


def test_an_update_that_is_rolled_back_leaves_scaling_as_it_was(endpoint: str) -> None:
    serve("mirror_ridge", endpoint, most=4)
    with pytest.raises(DeployError, match="rolled back"):
        serve("broken", endpoint, most=5, instance_type="ml.c5.large")
    assert limits(endpoint) == (1, 4, 120.0)


@pytest.mark.parametrize("step", ["application-auto-scaling.DeregisterScalableTarget", "sagemaker.UpdateEndpoint"])
@pytest.mark.drill("Processes that are killed")
def test_scaling_that_a_killed_update_left_off_is_repaired_by_the_next_deployment(endpoint: str, step: str) -> None:
    wanted: dict[str, Any] = {"most": 5, "instance_type": "ml.c5.large"}
    serve("mirror_ridge", endpoint, most=4)
    killed_after(step, "better", endpoint, **wanted)
    assert not is_scaled(endpoint)
    serve("better", endpoint, **wanted)
    assert answer_of(endpoint) == "[0.2, 0.8]"
    assert limits(endpoint) == (1, 5, 120.0)


def test_a_scaled_endpoint_keeps_its_instances_and_another_has_as_many_as_its_configuration_says(endpoint: str) -> None:
    serve("mirror_ridge", endpoint, most=4)
    scale_out(endpoint, 3)
    serve("better", endpoint, most=4)
    assert instances(endpoint) == 3
    serve("mirror_ridge", endpoint)
    assert instances(endpoint) == 1


def test_a_serverless_endpoint_is_not_scaled(endpoint: str) -> None:
    with pytest.raises(DeployError, match="scales by itself"):
        serve("mirror_ridge", endpoint, most=2, **SERVERLESS)


def test_an_endpoint_on_instances_is_not_made_serverless_and_nothing_is_made_for_it(endpoint: str) -> None:
    serve("mirror_ridge", endpoint)
    before = kinds(endpoint)
    with pytest.raises(DeployError, match=f"runs on instances.*workflow teardown --endpoint {endpoint}"):
        serve("better", endpoint, **SERVERLESS)
    assert kinds(endpoint) == before == ["endpoint", "endpoint configuration", "model"]


def test_a_failed_endpoint_on_instances_is_replaced_by_a_serverless_one(endpoint: str) -> None:
    with pytest.raises(DeployError, match="ping"):
        serve("broken", endpoint)
    assert serve("mirror_ridge", endpoint, **SERVERLESS).changed
    assert answer_of(endpoint) == "[0.9, 0.1]"


def test_a_serverless_endpoint_moves_to_instances_and_can_not_be_rolled_back(endpoint: str) -> None:
    serve("mirror_ridge", endpoint, **SERVERLESS)
    serve("better", endpoint)
    with pytest.raises(DeployError, match=r"runs on instances.*not even to roll back"):
        rollback(endpoint)
    assert answer_of(endpoint) == "[0.2, 0.8]"


# What the local stack refuses as SageMaker does, from whatever client.


def variant(model: str, name: str = VARIANT, instance_type: str = "ml.m5.large") -> "ProductionVariantTypeDef":
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": 1,
        "InstanceType": instance_type,  # type: ignore[typeddict-item]  # a string of the caller's
        "InitialVariantWeight": 1.0,
    }


def serverless(model: str, name: str = VARIANT) -> "ProductionVariantTypeDef":
    return {
        "VariantName": name,
        "ModelName": model,
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }


@pytest.fixture
def other(endpoint: str) -> Iterator[str]:
    """The name of a second endpoint."""
    name = f"{endpoint}s"
    yield name
    teardown(list_resources(name))


@pytest.fixture
def config(endpoint: str) -> Iterator[str]:
    """The name of a configuration of the test's own."""
    name = f"{endpoint}-other"
    yield name
    sagemaker = boto3.client("sagemaker")
    if sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]:
        sagemaker.delete_endpoint_config(EndpointConfigName=name)


def refusal(operation: str, **request: Any) -> str:
    """Return the message with which SageMaker refuses a request."""
    with pytest.raises(ClientError) as error:
        getattr(boto3.client("sagemaker"), operation)(**request)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    return error.value.response["Error"]["Message"]


def test_the_local_stack_says_that_it_keeps_no_provisioned_concurrency(endpoint: str, config: str) -> None:
    wanted = serverless(serve("mirror_ridge", endpoint, **SERVERLESS).model)
    wanted["ServerlessConfig"]["ProvisionedConcurrency"] = 1
    message = refusal("create_endpoint_config", EndpointConfigName=config, ProductionVariants=[wanted])
    assert "refuses ProvisionedConcurrency" in message


@pytest.mark.parametrize("excluded", ["Network isolation", "More than one production variant", "DataCaptureConfig"])
def test_what_serverless_inference_excludes_is_refused(endpoint: str, other: str, config: str, excluded: str) -> None:
    isolated = serve("mirror_ridge", endpoint).model
    connected = serve("mirror_ridge", other, **SERVERLESS).model
    request: dict[str, Any] = {"EndpointConfigName": config, "ProductionVariants": [serverless(connected)]}
    if excluded == "Network isolation":
        request["ProductionVariants"] = [serverless(isolated)]
    elif excluded == "More than one production variant":
        request["ProductionVariants"].append(serverless(connected, "Other"))
    else:
        request["DataCaptureConfig"] = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 1,
            "DestinationS3Uri": f"s3://{stack.BUCKET}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }
    assert refusal("create_endpoint_config", **request) == f"{excluded} is not supported with ServerlessConfig."
    boto3.client("sagemaker").create_endpoint_config(
        EndpointConfigName=config, ProductionVariants=[serverless(connected)]
    )


def test_an_update_from_instances_to_serverless_is_refused(endpoint: str, other: str) -> None:
    serve("mirror_ridge", endpoint)
    config = serve("mirror_ridge", other, **SERVERLESS).config
    message = refusal("update_endpoint", EndpointName=endpoint, EndpointConfigName=config)
    assert "from instances to a serverless configuration" in message


@pytest.mark.parametrize("change", [{"instance_type": "ml.c5.large"}, {"name": "Renamed"}], ids=["type", "removed"])
def test_an_update_that_changes_the_type_of_a_scaled_variant_or_removes_it_is_refused(
    endpoint: str, config: str, change: dict[str, str]
) -> None:
    model = serve("mirror_ridge", endpoint, most=2).model
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant(model, **change)])
    message = refusal("update_endpoint", EndpointName=endpoint, EndpointConfigName=config)
    assert "registered as a scalable target" in message
