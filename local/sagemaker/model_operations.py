"""SageMaker's operations on models and endpoint configurations."""

from collections.abc import Mapping

from local.sagemaker.errors import SageMakerError
from local.sagemaker.quotas import check_quota
from local.sagemaker.records import SERVED, Operation, Record, Records, summary
from local.sagemaker.registry_operations import deployable
from local.sagemaker.request_checks import check_environment, check_role, check_serverless


class ModelOperations:
    """Answers the operations on models and endpoint configurations, which are records and nothing more."""

    def __init__(self, records: Records, role_arn: str) -> None:
        """`role_arn` is the only role that can be assumed."""
        self._records = records
        self._role_arn = role_arn

    def table(self) -> Mapping[str, Operation]:
        """Return the operations by their names in the API."""
        return {
            "CreateModel": self._create_model,
            "DescribeModel": self._describe_model,
            "DeleteModel": self._delete_model,
            "ListModels": self._list_models,
            "CreateEndpointConfig": self._create_endpoint_config,
            "DescribeEndpointConfig": self._describe_endpoint_config,
            "DeleteEndpointConfig": self._delete_endpoint_config,
            "ListEndpointConfigs": self._list_endpoint_configs,
        }

    def _create_model(self, request: Record) -> Record:
        check_role(request.get("ExecutionRoleArn", ""), self._role_arn)
        containers = [*request.get("Containers", [])]
        if "PrimaryContainer" in request:
            containers.append(request["PrimaryContainer"])
        if not containers:
            raise SageMakerError("ValidationException", "Specify PrimaryContainer or Containers.")
        served = [self._served(container) for container in containers]
        for container in served:
            check_environment(container.get("Environment", {}))
        record = self._records.create("model", request["ModelName"], request)
        record[SERVED] = served[0]
        return {"ModelArn": record["Arn"]}

    def _served(self, container: Record) -> Record:
        """Return a container with its image and data; that of a model package has those of the package."""
        package = container.get("ModelPackageName")
        if (package is None) == ("Image" not in container):
            message = "Specify one of either Image and Model Data URL or ModelPackageName in container definition."
            raise SageMakerError("ValidationException", message)
        return container | deployable(self._records, package) if package else container

    def _describe_model(self, request: Record) -> Record:
        record = self._records.find("model", request["ModelName"])
        return {"EnableNetworkIsolation": False} | record | {"ModelArn": record["Arn"]}

    def _delete_model(self, request: Record) -> Record:
        return self._records.delete("model", request["ModelName"])

    def _list_models(self, request: Record) -> Record:
        return self._records.list("model", "Models", request, lambda record: summary(record, "Model"))

    def _create_endpoint_config(self, request: Record) -> Record:
        name = request["EndpointConfigName"]
        asked = request["ProductionVariants"]
        check_serverless(request, [self._records.find("model", variant["ModelName"]) for variant in asked])
        for variant in asked:
            check_quota(variant.get("InstanceType", ""), "endpoint")
        return {"EndpointConfigArn": self._records.create("endpoint-config", name, request)["Arn"]}

    def _describe_endpoint_config(self, request: Record) -> Record:
        record = self._records.find("endpoint-config", request["EndpointConfigName"])
        return record | {"EndpointConfigArn": record["Arn"]}

    def _delete_endpoint_config(self, request: Record) -> Record:
        return self._records.delete("endpoint-config", request["EndpointConfigName"])

    def _list_endpoint_configs(self, request: Record) -> Record:
        return self._records.list(
            "endpoint-config", "EndpointConfigs", request, lambda record: summary(record, "EndpointConfig")
        )
