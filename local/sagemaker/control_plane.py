"""SageMaker's control plane on this machine: training jobs, models, endpoint configurations and endpoints.

Requests are checked against botocore's own model of the service, and answers are cut to the shape it gives for them.
"""

import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from local.errors import LocalError
from local.sagemaker import variants
from local.sagemaker.admission import (
    ServiceError,
    check_deployment,
    check_quota,
    check_role,
    check_serverless,
    check_spot,
    check_update,
)
from local.sagemaker.alarms import Alarms
from local.sagemaker.endpoints import Endpoint
from local.sagemaker.fleet import Fleet
from local.sagemaker.metrics import Metrics
from local.sagemaker.records import Record, Records
from local.sagemaker.training_jobs import TrainingJob


class SageMaker:
    """Answers the operations of the service; each is a method named as its botocore client's."""

    def __init__(
        self,
        region: str,
        role_arn: str,
        start_job: Callable[[Record], TrainingJob],
        start_fleet: Callable[[str, Record, Record], Fleet],
        metrics: Metrics,
        alarms: Alarms,
        scaling: Any,
    ) -> None:
        """Keep the one role there is, how containers start, and a client of Application Auto Scaling.

        They start from a job's record, and from an endpoint's name, configuration and model.
        """
        loader = botocore.session.get_session().get_component("data_loader")
        self._service = ServiceModel(loader.load_service_model("sagemaker", "service-2"))
        self._role_arn = role_arn
        self._start_job = start_job
        self._start_fleet = start_fleet
        self._metrics = metrics
        self._alarms = alarms
        self._scaling = scaling
        self._lock = threading.RLock()
        self._records = Records(region, ("training-job", "model", "endpoint-config", "endpoint"))
        self._jobs: dict[str, TrainingJob] = {}
        self._endpoints: dict[str, Endpoint] = {}

    def answer(self, operation: str, request: Record) -> Record:
        """Return the answer to an operation by its name on the wire, such as CreateModel."""
        method = getattr(self, "_" + re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower(), None)
        if method is None:
            raise ServiceError("UnknownOperationException", f"The local stack doesn't answer SageMaker's {operation}.")
        model = self._service.operation_model(operation)
        if model.input_shape:
            report = ParamValidator().validate(request, model.input_shape)
            if report.has_errors():
                raise ServiceError("ValidationException", report.generate_report())
        with self._lock:
            answer: Record = method(request)
        members = model.output_shape.members if model.output_shape else {}
        return {key: value for key, value in answer.items() if key in members and value is not None}

    def endpoint(self, name: str) -> Endpoint | None:
        """Return the endpoint of that name, in whatever state, or None."""
        return self._endpoints.get(name)

    def pids(self) -> dict[str, list[int]]:
        """Return the number of the process behind each endpoint that has one."""
        return {name: [endpoint.pid] for name, endpoint in self._endpoints.items() if endpoint.pid}

    def interrupt(self, job: str) -> None:
        """Take the instance from a spot training job."""
        if job not in self._jobs or not self._jobs[job].interrupt():
            raise ServiceError("ValidationException", f"{job} is no spot training job that trains now.")

    def stop(self) -> None:
        """End every container."""
        with self._lock:
            for job in self._jobs.values():
                job.stop()
            for endpoint in self._endpoints.values():
                endpoint.stop()

    # Training jobs

    def _create_training_job(self, request: Record) -> Record:
        name = request["TrainingJobName"]
        check_role(request["RoleArn"], self._role_arn)
        check_quota(request["ResourceConfig"].get("InstanceType", ""), "training job")
        check_spot(request)
        record = self._records.create("training-job", name, request)
        try:
            self._jobs[name] = self._start_job(record)
        except LocalError as error:
            self._records.delete("training-job", name)
            raise ServiceError("ValidationException", str(error)) from error
        return {"TrainingJobArn": record["Arn"]}

    def _describe_training_job(self, request: Record) -> Record:
        name = request["TrainingJobName"]
        if name not in self._jobs:
            raise ServiceError("ValidationException", "Requested resource not found.")
        record = self._records.find("training-job", name)
        return record | self._jobs[name].state() | {"TrainingJobArn": record["Arn"]}

    def _stop_training_job(self, request: Record) -> Record:
        self._describe_training_job(request)
        self._jobs[request["TrainingJobName"]].stop()
        return {}

    def _list_training_jobs(self, request: Record) -> Record:
        def summary(record: Record) -> Record:
            state = self._jobs[record["TrainingJobName"]].state()
            keys = ("TrainingJobName", "CreationTime", "LastModifiedTime", "TrainingEndTime", "TrainingJobStatus")
            whole = record | state
            return {key: whole[key] for key in keys if whole.get(key) is not None} | {"TrainingJobArn": record["Arn"]}

        return self._records.list("training-job", "TrainingJobSummaries", request, summary)

    # Models and endpoint configurations

    def _create_model(self, request: Record) -> Record:
        check_role(request.get("ExecutionRoleArn", ""), self._role_arn)
        return {"ModelArn": self._records.create("model", request["ModelName"], request)["Arn"]}

    def _describe_model(self, request: Record) -> Record:
        record = self._records.find("model", request["ModelName"])
        return {"EnableNetworkIsolation": False} | record | {"ModelArn": record["Arn"]}

    def _delete_model(self, request: Record) -> Record:
        return self._records.delete("model", request["ModelName"])

    def _list_models(self, request: Record) -> Record:
        return self._records.list("model", "Models", request, lambda record: _summary(record, "Model", ()))

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
            "endpoint-config", "EndpointConfigs", request, lambda record: _summary(record, "EndpointConfig", ())
        )

    # Endpoints

    def _create_endpoint(self, request: Record) -> Record:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        wanted = self._records.find("endpoint-config", config)["ProductionVariants"]
        record = self._records.create("endpoint", name, request)
        start = partial(self._fleet, name)
        try:
            self._endpoints[name] = Endpoint(name, config, wanted, start, self._metrics, self._alarms)
        except (LocalError, ServiceError) as error:
            self._records.delete("endpoint", name)
            raise ServiceError("ValidationException", str(error)) from error
        return {"EndpointArn": record["Arn"]}

    def _fleet(self, endpoint: str, config_name: str) -> Fleet:
        config = self._records.find("endpoint-config", config_name)
        model = self._records.find("model", config["ProductionVariants"][0]["ModelName"])
        return self._start_fleet(endpoint, config, model)

    def _update_endpoint(self, request: Record) -> Record:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        record = self._records.find("endpoint", name)
        endpoint = self._endpoints[name]
        wanted = variants.updated(
            endpoint.variants, self._records.find("endpoint-config", config)["ProductionVariants"], request
        )
        self._check_not_busy(record)
        if endpoint.state()["EndpointStatus"] == "Failed":
            raise ServiceError("ValidationException", f'Cannot update failed endpoint "{record["Arn"]}".')
        check_update(record["Arn"], endpoint.variants, wanted, self._scaled_variants(name))
        deployment = request.get("DeploymentConfig")
        if deployment is None and request.get("RetainDeploymentConfig"):
            deployment = record.get("LastDeploymentConfig")
        deployment = deployment or {}
        check_deployment(deployment, wanted, self._alarms)
        try:
            endpoint.update(config, wanted, deployment)
        except LocalError as error:
            raise ServiceError("ValidationException", str(error)) from error
        record["LastDeploymentConfig"] = deployment or None
        return {"EndpointArn": record["Arn"]}

    def _scaled_variants(self, endpoint: str) -> set[str]:
        """Name the endpoint's variants that are registered with Application Auto Scaling."""
        pages = self._scaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="sagemaker")
        resources = [target["ResourceId"].split("/") for page in pages for target in page["ScalableTargets"]]
        return {parts[-1] for parts in resources if parts[:-1] == ["endpoint", endpoint, "variant"]}

    def _update_endpoint_weights_and_capacities(self, request: Record) -> Record:
        name = request["EndpointName"]
        record = self._records.find("endpoint", name)
        self._check_not_busy(record)
        endpoint = self._endpoints[name]
        endpoint.variants = variants.resized(endpoint.variants, request["DesiredWeightsAndCapacities"])
        return {"EndpointArn": record["Arn"]}

    def _check_not_busy(self, record: Record) -> None:
        if self._endpoints[record["EndpointName"]].busy:
            raise ServiceError("ValidationException", f'Cannot update in-progress endpoint "{record["Arn"]}".')

    def _describe_endpoint(self, request: Record) -> Record:
        name = request["EndpointName"]
        record = self._records.find("endpoint", name)
        endpoint = self._endpoints[name]
        state = endpoint.state()
        # As on SageMaker, a configuration may be deleted under the endpoint that was made from it.
        config = self._records.get("endpoint-config", state["EndpointConfigName"]) or {}
        capture = config.get("DataCaptureConfig")
        summary = capture and {
            "EnableCapture": capture.get("EnableCapture", False),
            "CaptureStatus": "Started" if capture.get("EnableCapture") else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
        serving = [variants.summary(variant) for variant in endpoint.variants]
        more = {"EndpointArn": record["Arn"], "DataCaptureConfig": summary, "ProductionVariants": serving}
        return record | state | more

    def _delete_endpoint(self, request: Record) -> Record:
        name = request["EndpointName"]
        record = self._records.find("endpoint", name)
        self._check_not_busy(record)
        self._endpoints.pop(name).stop()
        return self._records.delete("endpoint", name)

    def _list_endpoints(self, request: Record) -> Record:
        def summary(record: Record) -> Record:
            state = self._endpoints[record["EndpointName"]].state()
            return _summary(record | state, "Endpoint", ("LastModifiedTime", "EndpointStatus"))

        return self._records.list("endpoint", "Endpoints", request, summary)

    # Tags

    def _add_tags(self, request: Record) -> Record:
        self._records.tag(request["ResourceArn"], request["Tags"])
        return {"Tags": request["Tags"]}

    def _list_tags(self, request: Record) -> Record:
        return {"Tags": self._records.tags(request["ResourceArn"])}


def _summary(record: Record, kind: str, extra: tuple[str, ...]) -> Record:
    names = (f"{kind}Name", "CreationTime", *extra)
    return {name: record[name] for name in names} | {f"{kind}Arn": record["Arn"]}
