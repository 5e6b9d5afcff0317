"""The SDK clients by which the tasks of executions call services."""

import functools
import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.client import BaseClient
from botocore.config import Config
from moto.core.botocore_stubber import MockRawResponse
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_sfn,
    state_task_service_sqs,
)
from moto.stepfunctions.parser.asl.utils import boto_client
from werkzeug.test import create_environ, run_wsgi_app

from local.moto_patches.patch import replace_in_modules

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MAX_CONNECTIONS = 400
# Seconds; the task's own timeout comes first.
READ_TIMEOUT = 900
CLIENT_USERS: tuple[ModuleType, ...] = (
    boto_client,
    lambda_eval_utils,
    resource_eval_s3,
    state_task_service_aws_sdk,
    state_task_service_sfn,
    state_task_service_sqs,
)
_original = boto_client.boto_client_for

# An SDK method that needs no HTTP; it returns None where the service would refuse the call.
Direct = Callable[..., dict[str, Any] | None]


class DirectClient:
    """An SDK's client of which some methods are answered in this process; what these refuse goes the client's way.

    It saves each task the signing, sending and parsing of a request to its own process.
    """

    def __init__(self, client: BaseClient, direct: Mapping[str, Direct]) -> None:
        """`direct` has the methods by their names in the client."""
        self._client = client
        self._direct = direct

    def __getattr__(self, name: str) -> Any:
        """Return a method of the client, or its attribute."""
        method, direct = getattr(self._client, name), self._direct.get(name)
        if direct is None:
            return method
        return lambda **given: direct(**given) or method(**given)


def share_task_clients(
    application: "WSGIApplication | None", direct: Mapping[str, Mapping[str, Direct]] | None = None
) -> None:
    """Moto makes a new SDK client for each task of an execution; clients can be shared by threads.

    Its own clients also look for StartSyncExecution at a host named sync-localhost, and call their own process over
    a socket; these call `application` where it is given. `direct` are methods that need not even that, by service.
    """

    @functools.cache
    def shared(region: str, service: str) -> BaseClient | DirectClient:
        config = Config(
            inject_host_prefix=False,
            max_pool_connections=MAX_CONNECTIONS,
            parameter_validation=False,
            read_timeout=READ_TIMEOUT,
            retries={"total_max_attempts": 1},
            # Without one, botocore puts it together anew for each request.
            user_agent="local",
        )
        client: BaseClient = boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]
        if application:
            client.meta.events.register("before-send", lambda request, **_: _answer(application, request))  # type: ignore[arg-type]  # an answer is taken
        return DirectClient(client, direct[service]) if direct and service in direct else client

    # A session must not make two clients at once.
    lock = threading.Lock()

    def boto_client_for(region: str, service: str, state_credentials: object = None) -> BaseClient | DirectClient:  # noqa: ARG001
        with lock:
            return shared(region, service)

    replace_in_modules(CLIENT_USERS, "boto_client_for", _original, boto_client_for)


def _answer(application: "WSGIApplication", request: AWSPreparedRequest) -> AWSResponse:
    """Return an application's answer to a request that an SDK's client is about to send."""
    url = urlsplit(request.url)
    environ = create_environ(
        url.path,
        f"{url.scheme}://{url.netloc}",
        url.query,
        method=request.method,
        headers={
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        },
        data=request.body or b"",
    )
    body, status, headers = run_wsgi_app(application, environ, buffered=True)
    raw = MockRawResponse(b"".join(body))
    return AWSResponse(request.url, int(status.split()[0]), HeadersDict(headers), raw)  # type: ignore[arg-type]  # as moto's own
