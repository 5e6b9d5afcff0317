"""The one address of the local stack: answers what moto can't, and passes the rest on to it."""

import json
import random
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.stepfunctions.exceptions import StateMachineDoesNotExist
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from local.errors import LocalError
from local.lambdas import Function
from local.sagemaker.admission import ServiceError, list_quotas
from local.sagemaker.control_plane import SageMaker
from local.sagemaker.fleet import Answer, Unavailable
from local.template import ACCOUNT_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

INVOKE_PATH = re.compile(r"/2015-03-31/functions/(.+)/invocations/?")
ENDPOINT_PATH = re.compile(r"/endpoints/([^/]+)/invocations")
LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024
ENDPOINT_PAYLOAD_BYTES = 6_291_456
# An applied quota is a default one here.
QUOTAS = {f"ServiceQuotasV20190624.{name}" for name in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas")}
CONTROL = "/_local/app"
THROTTLING = "/_local/throttling"
PROCESSES = "/_local/processes"
INTERRUPTION = re.compile(r"/_local/training-jobs/([^/]+)/interruption")


class Handler(MotoRequestHandler):
    """Moto's request handler, silent."""

    disable_nagle_algorithm = True

    def log(self, *_: Any) -> None:
        """Say nothing of a request."""


class Front:
    """A WSGI application before moto's."""

    def __init__(self, region: str, deploy: Callable[[Mapping[str, str]], None]) -> None:
        """`deploy` puts the app stack in place anew, with parameters, as `sam deploy` does."""
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._region = region
        self._deploy = deploy
        self.functions: dict[str, Function] = {}
        self.sagemaker: SageMaker
        self._throttled_share = 0.0
        self._throttled_until = 0.0

    def serve(self, port: int = 0, address: str = "127.0.0.1") -> BaseWSGIServer:
        """Return a server on an address, loopback unless another is given; port 0 lets the system pick one."""
        return make_server(address, port, self, threaded=True, request_handler=Handler)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        answer = self._own(environ)
        return answer(environ, start_response) if answer else self._moto(environ, start_response)

    def _own(self, environ: "WSGIEnvironment") -> Response | None:
        path, target = environ["PATH_INFO"], environ.get("HTTP_X_AMZ_TARGET", "")
        if match := INVOKE_PATH.fullmatch(path):
            return self._invoke_function(unquote(match[1]), Request(environ))
        if match := ENDPOINT_PATH.fullmatch(path):
            return self._invoke_endpoint(unquote(match[1]), Request(environ))
        if target.startswith("SageMaker."):
            return self._control_plane(target.removeprefix("SageMaker."), Request(environ))
        if target in QUOTAS:
            asked = json.loads(Request(environ).get_data())
            return Response(json.dumps(list_quotas(asked["ServiceCode"])), content_type="application/x-amz-json-1.1")
        if target == "AWSStepFunctions.StartSyncExecution":
            return self._start_sync_execution(Request(environ))
        if path == CONTROL:
            return self._control(Request(environ))
        if path == THROTTLING:
            return self._throttle(Request(environ))
        if path == PROCESSES:
            return self._processes()
        if match := INTERRUPTION.fullmatch(path):
            return self._interrupt(match[1])
        return None

    def _invoke_function(self, name: str, request: Request) -> Response:
        # A function goes by its name, its ARN, or either with a version or alias behind it.
        parts = name.split(":")
        name = parts[6] if name.startswith("arn:") and len(parts) > 6 else parts[0]
        function = self.functions.get(name)
        if function is None:
            return _error(404, "ResourceNotFoundException", f"Function not found: {name}")
        payload = request.get_data() or b"{}"
        if len(payload) > LAMBDA_PAYLOAD_BYTES:
            message = f"{len(payload)} byte payload is too large for the RequestResponse invocation type"
            return _error(413, "RequestEntityTooLargeException", message)
        try:
            json.loads(payload)
        except ValueError as error:
            return _error(400, "InvalidRequestContentException", f"Could not parse request body into json: {error}")
        result = function.invoke(payload)
        headers = {"X-Amz-Executed-Version": "$LATEST"}
        if result.error:
            headers["X-Amz-Function-Error"] = result.error
        return Response(result.payload, 200, headers, content_type="application/json")

    def _invoke_endpoint(self, name: str, request: Request) -> Response:
        endpoint = self.sagemaker.endpoint(name)
        if endpoint is None:
            return _error(400, "ValidationError", f"Endpoint {name} of account {ACCOUNT_ID} not found.")
        if time.monotonic() < self._throttled_until and random.random() < self._throttled_share:  # noqa: S311
            return _error(400, "ThrottlingException", "Rate exceeded")
        body = request.get_data()
        if len(body) > ENDPOINT_PAYLOAD_BYTES:
            return _error(
                400, "ValidationError", f"Request body of {len(body)} bytes exceeds {ENDPOINT_PAYLOAD_BYTES}."
            )
        headers = {"Content-Type": request.headers.get("Content-Type", "application/octet-stream")}
        for header in ("Accept", "X-Amzn-SageMaker-Custom-Attributes"):
            if header in request.headers:
                headers[header] = request.headers[header]
        try:
            answer = endpoint.invoke(body, headers, request.headers.get("X-Amzn-SageMaker-Inference-Id"))
        except Unavailable as error:
            return _error(503, "ServiceUnavailable", str(error))
        if answer.status != 200:
            return self._model_error(name, answer)
        own = {"x-Amzn-Invoked-Production-Variant": endpoint.variant}
        if answer.custom_attributes:
            own["X-Amzn-SageMaker-Custom-Attributes"] = answer.custom_attributes
        return Response(answer.body, 200, own, content_type=answer.content_type)

    def _model_error(self, name: str, answer: Answer) -> Response:
        said = answer.body.decode(errors="replace")
        side = "client" if 400 <= answer.status < 500 else "server"
        group = f"/aws/sagemaker/Endpoints/{name}"
        more = {
            "OriginalStatusCode": answer.status,
            "OriginalMessage": said,
            "LogStreamArn": f"arn:aws:logs:{self._region}:{ACCOUNT_ID}:log-group:{group}",
        }
        message = f'Received {side} error ({answer.status}) from primary with message "{said}". See {group} for more.'
        return _error(424, "ModelError", message, more)

    def _control_plane(self, operation: str, request: Request) -> Response:
        try:
            answer = self.sagemaker.answer(operation, json.loads(request.get_data() or b"{}"))
        except ServiceError as error:
            return _error(400, error.code, str(error))
        return Response(json.dumps(answer), 200, content_type="application/x-amz-json-1.1")

    def _start_sync_execution(self, request: Request) -> Response:
        asked = json.loads(request.get_data())
        backend = stepfunctions_parser_backends[ACCOUNT_ID][self._region]
        try:
            machine: Any = backend.describe_state_machine(asked["stateMachineArn"])
        except StateMachineDoesNotExist as error:
            return _error(400, "StateMachineDoesNotExist", str(error))
        if machine.type != "EXPRESS":
            return _error(
                400, "StateMachineTypeNotSupported", "Only an Express state machine can be run synchronously."
            )
        name = asked.get("name") or str(uuid.uuid4())
        express = f"arn:aws:states:{self._region}:{ACCOUNT_ID}:express:{machine.name}:{name}:{uuid.uuid4()}"
        execution = SyncExecution(
            name=name,
            sm_type=machine.sm_type,
            role_arn=machine.roleArn,
            exec_arn=express,
            account_id=ACCOUNT_ID,
            region_name=self._region,
            state_machine=machine,
            start_date=datetime.now(UTC),
            cloud_watch_logging_session=None,
            input_data=asked.get("input", "{}"),
            trace_header=asked.get("traceHeader"),
            activity_store={},
        )
        execution.start()
        answer = execution.to_start_sync_execution_output()
        return Response(json.dumps(answer, default=datetime.timestamp), 200, content_type="application/x-amz-json-1.0")

    def _throttle(self, request: Request) -> Response:
        asked = json.loads(request.get_data())
        self._throttled_share, self._throttled_until = asked["share"], time.monotonic() + asked["seconds"]
        return Response(status=204)

    def _processes(self) -> Response:
        found = {name: function.pids() for name, function in self.functions.items()} | self.sagemaker.pids()
        return Response(json.dumps(found), 200, content_type="application/json")

    def _interrupt(self, job: str) -> Response:
        try:
            self.sagemaker.interrupt(job)
        except ServiceError as error:
            return _error(400, error.code, str(error))
        return Response(status=204)

    def _control(self, request: Request) -> Response:
        try:
            self._deploy(json.loads(request.get_data()))
        except LocalError as error:
            return _error(400, "TemplateError", str(error))
        return Response(status=204)


def _error(status: int, code: str, message: str, more: Mapping[str, Any] | None = None) -> Response:
    body = {"__type": code, "Message": message, "message": message} | dict(more or {})
    headers = {"X-Amzn-ErrorType": code, "X-Amzn-RequestId": str(uuid.uuid4())}
    return Response(json.dumps(body), status, headers, content_type="application/json")
