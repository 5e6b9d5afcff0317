"""SageMaker's control plane on this machine.

Requests are checked against botocore's own model of the service, and answers are cut to the shape that it defines.
"""

import threading
from collections.abc import Mapping

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from local.sagemaker import registry_operations
from local.sagemaker.endpoint_operations import EndpointOperations
from local.sagemaker.endpoints import Endpoint
from local.sagemaker.errors import SageMakerError
from local.sagemaker.model_operations import ModelOperations
from local.sagemaker.records import Operation, Record, Records
from local.sagemaker.registry_operations import RegistryOperations
from local.sagemaker.request_checks import check_constraints
from local.sagemaker.training_operations import TrainingOperations

KINDS = ("training-job", "model", "endpoint-config", "endpoint", *registry_operations.KINDS)


class SageMaker:
    """Answers the operations of the service, one at a time."""

    def __init__(
        self, records: Records, training: TrainingOperations, models: ModelOperations, endpoints: EndpointOperations
    ) -> None:
        """Hold the operations on each kind of resource; the registry's need nothing but the records."""
        loader = botocore.session.get_session().get_component("data_loader")
        self._service = ServiceModel(loader.load_service_model("sagemaker", "service-2"))
        self._records = records
        self._training = training
        self._endpoints = endpoints
        self._lock = threading.RLock()
        tags = {"AddTags": self._add_tags, "ListTags": self._list_tags}
        self._operations: Mapping[str, Operation] = {
            **training.table(),
            **models.table(),
            **endpoints.table(),
            **RegistryOperations(records).table(),
            **tags,
        }

    def answer(self, operation: str, request: Record) -> Record:
        """Return the answer to an operation by its name in the API, such as CreateModel.

        Raises SageMakerError where the request is refused.
        """
        if operation not in self._operations:
            message = f"The local stack doesn't answer SageMaker's {operation}."
            raise SageMakerError("UnknownOperationException", message)
        model = self._service.operation_model(operation)
        if model.input_shape:
            report = ParamValidator().validate(request, model.input_shape)
            if report.has_errors():
                raise SageMakerError("ValidationException", report.generate_report())
            check_constraints(request, model.input_shape)
        with self._lock:
            answer = self._operations[operation](request)
        members = model.output_shape.members if model.output_shape else {}
        return {key: value for key, value in answer.items() if key in members and value is not None}

    def endpoint(self, name: str) -> Endpoint | None:
        """Return the endpoint of that name, in whatever state, or None."""
        return self._endpoints.endpoint(name)

    def pids(self) -> dict[str, list[int]]:
        """Return the id of the process that serves each endpoint, where one runs."""
        return self._endpoints.pids()

    def interrupt(self, job: str) -> None:
        """Take the instance from a spot training job; raise SageMakerError where there is none to take."""
        self._training.interrupt(job)

    def snapshot(self) -> Record:
        """Return every resource as JSON, as `restore` takes it."""
        with self._lock:
            return {
                "resources": self._records.snapshot(),
                "training": self._training.snapshot(),
                "endpoints": self._endpoints.snapshot(),
            }

    def restore(self, saved: Record) -> None:
        """Have the resources of a snapshot; its endpoints are started, and this waits until they serve."""
        with self._lock:
            self._records.restore(saved["resources"])
            self._training.restore(saved["training"])
            self._endpoints.restore(saved["endpoints"])

    def stop(self) -> None:
        """End every container."""
        with self._lock:
            self._training.stop()
            self._endpoints.stop()

    def _add_tags(self, request: Record) -> Record:
        self._records.tag(request["ResourceArn"], request["Tags"])
        return {"Tags": request["Tags"]}

    def _list_tags(self, request: Record) -> Record:
        return {"Tags": self._records.tags(request["ResourceArn"])}
