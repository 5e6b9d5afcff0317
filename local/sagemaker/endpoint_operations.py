"""SageMaker's operations on endpoints."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from local.errors import LocalError
from local.sagemaker import variants
from local.sagemaker.alarms import Alarms
from local.sagemaker.endpoints import Endpoint
from local.sagemaker.errors import SageMakerError
from local.sagemaker.fleet import Fleet
from local.sagemaker.metrics import Metrics
from local.sagemaker.records import Operation, Record, Records, summary
from local.sagemaker.request_checks import check_deployment, check_update

logger = logging.getLogger(__name__)


class EndpointOperations:
    """Keeps the endpoints and answers the operations on them."""

    def __init__(
        self,
        records: Records,
        start: Callable[[str, Record, Record], Fleet],
        metrics: Metrics,
        alarms: Alarms,
        scaling: Any,
    ) -> None:
        """`start` starts a fleet from an endpoint's name, configuration and model.

        `scaling` is a client of Application Auto Scaling.
        """
        self._records = records
        self._start = start
        self._metrics = metrics
        self._alarms = alarms
        self._scaling = scaling
        self._endpoints: dict[str, Endpoint] = {}

    def table(self) -> Mapping[str, Operation]:
        """Return the operations by their names in the API."""
        return {
            "CreateEndpoint": self._create,
            "DescribeEndpoint": self._describe,
            "UpdateEndpoint": self._update,
            "UpdateEndpointWeightsAndCapacities": self._update_weights_and_capacities,
            "DeleteEndpoint": self._delete,
            "ListEndpoints": self._list,
        }

    def endpoint(self, name: str) -> Endpoint | None:
        """Return the endpoint of that name, in whatever state, or None."""
        return self._endpoints.get(name)

    def pids(self) -> dict[str, list[int]]:
        """Return the id of the process that serves each endpoint, where one runs."""
        return {name: [endpoint.pid] for name, endpoint in self._endpoints.items() if endpoint.pid}

    def stop(self) -> None:
        """End every endpoint."""
        for endpoint in self._endpoints.values():
            endpoint.stop()

    def snapshot(self) -> Record:
        """Return the configuration and the variants that each endpoint serves by, by its name."""
        return {
            name: {"config": endpoint.state()["EndpointConfigName"], "variants": endpoint.variants}
            for name, endpoint in self._endpoints.items()
        }

    def restore(self, saved: Record) -> None:
        """Start the endpoints of a snapshot, whose records are there, and wait until they serve or have failed.

        One whose configuration or model was deleted, or whose program is gone, can't be started, and is left out.
        """
        for name, one in saved.items():
            try:
                self._start_endpoint(name, one["config"], one["variants"])
            except LocalError as error:
                logger.warning("The endpoint %s is left out: %s", name, error)
                self._records.delete("endpoint", name)
        for endpoint in self._endpoints.values():
            endpoint.wait()

    def _create(self, request: Record) -> Record:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        wanted = self._records.find("endpoint-config", config)["ProductionVariants"]
        record = self._records.create("endpoint", name, request)
        try:
            self._start_endpoint(name, config, wanted)
        except LocalError as error:
            self._records.delete("endpoint", name)
            raise SageMakerError("ValidationException", str(error)) from error
        return {"EndpointArn": record["Arn"]}

    def _start_endpoint(self, name: str, config: str, wanted: list[variants.Variant]) -> None:
        start = partial(self._fleet, name)
        self._endpoints[name] = Endpoint(name, config, wanted, start, self._metrics, self._alarms)

    def _fleet(self, endpoint: str, config_name: str) -> Fleet:
        config = self._records.find("endpoint-config", config_name)
        model = self._records.find("model", config["ProductionVariants"][0]["ModelName"])
        return self._start(endpoint, config, model)

    def _update(self, request: Record) -> Record:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        record = self._records.find("endpoint", name)
        endpoint = self._endpoints[name]
        wanted = variants.updated(
            endpoint.variants, self._records.find("endpoint-config", config)["ProductionVariants"], request
        )
        self._check_not_busy(record)
        if endpoint.state()["EndpointStatus"] == "Failed":
            raise SageMakerError("ValidationException", f'Cannot update failed endpoint "{record["Arn"]}".')
        check_update(record["Arn"], endpoint.variants, wanted, self._scaled_variants(name))
        deployment = request.get("DeploymentConfig")
        if deployment is None and request.get("RetainDeploymentConfig"):
            deployment = record.get("LastDeploymentConfig")
        deployment = deployment or {}
        check_deployment(deployment, wanted, self._alarms)
        try:
            endpoint.update(config, wanted, deployment)
        except LocalError as error:
            raise SageMakerError("ValidationException", str(error)) from error
        record["LastDeploymentConfig"] = deployment or None
        return {"EndpointArn": record["Arn"]}

    def _scaled_variants(self, endpoint: str) -> set[str]:
        """Name the endpoint's variants that are registered with Application Auto Scaling."""
        pages = self._scaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="sagemaker")
        resources = [target["ResourceId"].split("/") for page in pages for target in page["ScalableTargets"]]
        return {parts[-1] for parts in resources if parts[:-1] == ["endpoint", endpoint, "variant"]}

    def _update_weights_and_capacities(self, request: Record) -> Record:
        name = request["EndpointName"]
        record = self._records.find("endpoint", name)
        self._check_not_busy(record)
        endpoint = self._endpoints[name]
        endpoint.resize(variants.resized(endpoint.variants, request["DesiredWeightsAndCapacities"]))
        return {"EndpointArn": record["Arn"]}

    def _check_not_busy(self, record: Record) -> None:
        if self._endpoints[record["EndpointName"]].busy:
            raise SageMakerError("ValidationException", f'Cannot update in-progress endpoint "{record["Arn"]}".')

    def _describe(self, request: Record) -> Record:
        name = request["EndpointName"]
        record = self._records.find("endpoint", name)
        endpoint = self._endpoints[name]
        state = endpoint.state()
        # As on SageMaker, a configuration may be deleted under the endpoint that was made from it.
        config = self._records.get("endpoint-config", state["EndpointConfigName"]) or {}
        serving = [variants.summary(variant) for variant in endpoint.variants]
        more = {"EndpointArn": record["Arn"], "DataCaptureConfig": _capture(config), "ProductionVariants": serving}
        return record | state | more

    def _delete(self, request: Record) -> Record:
        name = request["EndpointName"]
        record = self._records.find("endpoint", name)
        self._check_not_busy(record)
        self._endpoints.pop(name).stop()
        return self._records.delete("endpoint", name)

    def _list(self, request: Record) -> Record:
        def summarise(record: Record) -> Record:
            state = self._endpoints[record["EndpointName"]].state()
            return summary(record | state, "Endpoint", "LastModifiedTime", "EndpointStatus")

        return self._records.list("endpoint", "Endpoints", request, summarise)


def _capture(config: Record) -> Record | None:
    """Return DataCaptureConfig as DescribeEndpoint shows it."""
    capture = config.get("DataCaptureConfig")
    return capture and {
        "EnableCapture": capture.get("EnableCapture", False),
        "CaptureStatus": "Started" if capture.get("EnableCapture") else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
