"""The one address of the local stack: answers what moto can't, and passes everything else on to it."""

import functools
import io
import json
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from local.app_stack import AppStack
from local.errors import LocalError
from local.lambdas import Function
from local.moto_patches.task_clients import Direct
from local.responses import error_response, json_response
from local.sagemaker.container_client import Answer, Unavailable
from local.sagemaker.control_plane import SageMaker
from local.sagemaker.errors import SageMakerError
from local.sagemaker.quotas import list_quotas
from local.sagemaker.serverless import Throttled
from local.stack_updates import answer_update
from local.synchronous import start_directly, start_sync_execution
from local.template import ACCOUNT_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
ENDPOINT_PAYLOAD_BYTES = 6_291_456
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
SERVERLESS_PAYLOAD_BYTES = 4 * 1024 * 1024
SAGEMAKER_TARGET = "SageMaker."
QUOTAS_TARGET = "ServiceQuotasV20190624."
# The headers of InvokeEndpoint that reach the container.
PASSED_HEADERS = ("Accept", "X-Amzn-SageMaker-Custom-Attributes")


@dataclass(frozen=True)
class Throttling:
    """The share of requests for endpoints that are refused, until a time of the monotonic clock."""

    share: float = 0.0
    until: float = 0.0

    def refuses(self) -> bool:
        """Whether the request that has just come is among the share."""
        return time.monotonic() < self.until and random.random() < self.share  # noqa: S311


class Gateway:
    """A WSGI application in front of moto's."""

    def __init__(self, region: str, app_stack: AppStack, sagemaker: SageMaker) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._region = region
        self._app_stack = app_stack
        self._sagemaker = sagemaker
        self._throttling = Throttling()
        self._targets: dict[str, Callable[[Request], Response]] = {
            "AWSStepFunctions.StartSyncExecution": lambda request: start_sync_execution(request, region),
            # Every quota that applies here is a default one.
            f"{QUOTAS_TARGET}ListServiceQuotas": self._list_quotas,
            f"{QUOTAS_TARGET}ListAWSDefaultServiceQuotas": self._list_quotas,
        }
        self._routes = Map(
            [
                Rule("/2015-03-31/functions/<name>/invocations", endpoint=self._invoke_function, methods=["POST"]),
                Rule("/2015-03-31/functions/<name>/configuration", endpoint=self._describe_function, methods=["GET"]),
                Rule("/endpoints/<name>/invocations", endpoint=self._invoke_endpoint, methods=["POST"]),
                Rule("/_local/app", endpoint=self._deploy, methods=["PUT"]),
                Rule("/_local/throttling", endpoint=self._throttle, methods=["PUT"]),
                Rule("/_local/processes", endpoint=self._list_processes, methods=["GET"]),
                Rule("/_local/training-jobs/<name>/interruption", endpoint=self._interrupt, methods=["PUT"]),
            ],
            strict_slashes=False,
            # A key of S3 may have slashes side by side.
            merge_slashes=False,
        )

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        answer = self._own_answer(environ)
        return answer(environ, start_response) if answer else self._moto(environ, start_response)

    def direct_calls(self) -> dict[str, dict[str, Direct]]:
        """Return the SDK's methods that the tasks of executions can call without HTTP, by service."""
        return {
            "lambda": {"invoke": self._invoke_directly},
            "stepfunctions": {"start_sync_execution": functools.partial(start_directly, self._region)},
        }

    def _invoke_directly(self, FunctionName: str, Payload: bytes = b"{}", **_: object) -> dict[str, Any] | None:  # noqa: N803
        function = self._function(FunctionName)
        if function is None or len(Payload) > LAMBDA_PAYLOAD_BYTES:
            return None
        result = function.invoke(Payload)
        answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(result.payload)}
        return answer | ({"FunctionError": result.error} if result.error else {})

    def _own_answer(self, environ: "WSGIEnvironment") -> Response | None:
        """Return the gateway's own answer, None where the request is for moto."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith(SAGEMAKER_TARGET):
            return self._call_sagemaker(target.removeprefix(SAGEMAKER_TARGET), Request(environ))
        if target in self._targets:
            return self._targets[target](Request(environ))
        if updated := answer_update(environ, self._app_stack, self._region):
            return updated
        try:
            answer, values = self._routes.bind_to_environ(environ).match()
        except (NotFound, MethodNotAllowed):
            return None
        response: Response = answer(Request(environ), **values)
        return response

    def _function(self, name: str) -> Function | None:
        """Return a function by its name, its ARN, or either with a version or alias behind it."""
        parts = name.split(":")
        return self._app_stack.functions.get(parts[6] if name.startswith("arn:") and len(parts) > 6 else parts[0])

    def _describe_function(self, _: Request, name: str) -> Response:
        function = self._function(name)
        return json_response(function.configuration()) if function else _function_missing(name)

    def _invoke_function(self, request: Request, name: str) -> Response:
        function = self._function(name)
        if function is None:
            return _function_missing(name)
        payload = request.get_data() or b"{}"
        if len(payload) > LAMBDA_PAYLOAD_BYTES:
            message = f"{len(payload)} byte payload is too large for the RequestResponse invocation type"
            return error_response(413, "RequestEntityTooLargeException", message)
        try:
            json.loads(payload)
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return error_response(400, "InvalidRequestContentException", message)
        result = function.invoke(payload)
        headers = {"X-Amz-Executed-Version": "$LATEST"}
        if result.error:
            headers["X-Amz-Function-Error"] = result.error
        return Response(result.payload, 200, headers, content_type="application/json")

    def _invoke_endpoint(self, request: Request, name: str) -> Response:
        endpoint = self._sagemaker.endpoint(name)
        if endpoint is None:
            return error_response(400, "ValidationError", f"Endpoint {name} of account {ACCOUNT_ID} not found.")
        if self._throttling.refuses():
            return _throttled()
        body = request.get_data()
        most = SERVERLESS_PAYLOAD_BYTES if endpoint.is_serverless else ENDPOINT_PAYLOAD_BYTES
        if len(body) > most:
            return error_response(400, "ValidationError", f"Request body of {len(body)} bytes exceeds {most}.")
        headers = {"Content-Type": request.headers.get("Content-Type", "application/octet-stream")}
        headers |= {name: request.headers[name] for name in PASSED_HEADERS if name in request.headers}
        try:
            answer = endpoint.invoke(body, headers, request.headers.get("X-Amzn-SageMaker-Inference-Id"))
        except Throttled:
            return _throttled()
        except Unavailable as error:
            return error_response(503, "ServiceUnavailable", str(error))
        if answer.status != 200:
            return self._model_error(name, answer)
        own = {"x-Amzn-Invoked-Production-Variant": endpoint.variant}
        if answer.custom_attributes:
            own["X-Amzn-SageMaker-Custom-Attributes"] = answer.custom_attributes
        return Response(answer.body, 200, own, content_type=answer.content_type)

    def _model_error(self, name: str, answer: Answer) -> Response:
        original = answer.body.decode(errors="replace")
        side = "client" if 400 <= answer.status < 500 else "server"
        group = f"/aws/sagemaker/Endpoints/{name}"
        details = {
            "OriginalStatusCode": answer.status,
            "OriginalMessage": original,
            "LogStreamArn": f"arn:aws:logs:{self._region}:{ACCOUNT_ID}:log-group:{group}",
        }
        message = (
            f'Received {side} error ({answer.status}) from primary with message "{original}". See {group} for more.'
        )
        return error_response(424, "ModelError", message, details)

    def _call_sagemaker(self, operation: str, request: Request) -> Response:
        try:
            return json_response(self._sagemaker.answer(operation, json.loads(request.get_data() or b"{}")))
        except SageMakerError as error:
            return error_response(400, error.code, str(error))

    def _list_quotas(self, request: Request) -> Response:
        return json_response(list_quotas(json.loads(request.get_data())["ServiceCode"]))

    def _deploy(self, request: Request) -> Response:
        try:
            self._app_stack.deploy(json.loads(request.get_data()))
        except LocalError as error:
            return error_response(400, "TemplateError", str(error))
        return Response(status=204)

    def _throttle(self, request: Request) -> Response:
        asked = json.loads(request.get_data())
        self._throttling = Throttling(asked["share"], time.monotonic() + asked["seconds"])
        return Response(status=204)

    def _list_processes(self, _request: Request) -> Response:
        return json_response(self._app_stack.pids() | self._sagemaker.pids(), "application/json")

    def _interrupt(self, _request: Request, name: str) -> Response:
        try:
            self._sagemaker.interrupt(name)
        except SageMakerError as error:
            return error_response(400, error.code, str(error))
        return Response(status=204)


def _throttled() -> Response:
    return error_response(400, "ThrottlingException", "Rate exceeded")


def _function_missing(name: str) -> Response:
    return error_response(404, "ResourceNotFoundException", f"Function not found: {name}")
