"""How an endpoint serves now, so that the next model can be served in the same way."""

from dataclasses import dataclass

import boto3

from training.errors import DeployError
from training.sagemaker.endpoint import EndpointOptions
from training.sagemaker.scaling import Scaling, scaling_of


@dataclass(frozen=True)
class Serving:
    """The options of an endpoint's configuration, and its scaling; None where it isn't scaled."""

    options: EndpointOptions
    scaling: Scaling | None


def serving_of(endpoint: str) -> Serving:
    """Read how the endpoint serves.

    Raises:
        DeployError: there is no such endpoint.
    """
    sagemaker = boto3.client("sagemaker")
    try:
        name = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    except sagemaker.exceptions.ClientError as error:
        if "Could not find" not in str(error):
            raise
        raise DeployError(f"There is no endpoint {endpoint}; deploy the first model by `workflow deploy`.") from error
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    variant, capture = config["ProductionVariants"][0], config.get("DataCaptureConfig")
    serverless = variant.get("ServerlessConfig")
    percentage = capture["InitialSamplingPercentage"] if capture else 0
    if serverless:
        options = EndpointOptions(
            serverless_memory=serverless["MemorySizeInMB"],
            serverless_concurrency=serverless["MaxConcurrency"],
            capture_percentage=percentage,
            kms_key_id=config.get("KmsKeyId"),
        )
        return Serving(options, None)
    options = EndpointOptions(
        instance_type=variant["InstanceType"],
        instances=variant["InitialInstanceCount"],
        capture_percentage=percentage,
        kms_key_id=config.get("KmsKeyId"),
    )
    return Serving(options, scaling_of(endpoint))
