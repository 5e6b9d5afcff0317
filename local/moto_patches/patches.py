"""Mends to the pinned moto: each is one function that says what is wrong without it."""

import functools
import json
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.client import BaseClient
from botocore.config import Config
from moto.core.botocore_stubber import MockRawResponse
from moto.core.responses import BaseResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.responses import S3Response
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
    state_task_service_sfn,
    state_task_service_sqs,
)
from moto.stepfunctions.parser.asl.eval import states
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from werkzeug.test import create_environ, run_wsgi_app

from local.moto_patches import definitions as states_language_patches
from local.moto_patches import step_functions as mends_states
from local.moto_patches.eventbridge import announce_ends_of_executions, send_to_targets_as_they_ask
from local.template import substitute

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_TASKS = 400
EVENTBRIDGE_ON = "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>"
# Seconds; the task's own timeout comes first.
LONGEST_TASK = 900
CLIENT_USERS: tuple[ModuleType, ...] = (
    lambda_eval_utils,
    resource_eval_s3,
    state_task_service_aws_sdk,
    state_task_service_sfn,
    state_task_service_sqs,
)
COPIERS: tuple[ModuleType, ...] = (result_path, state_task_service, states, string_expression)


def apply(application: "WSGIApplication | None" = None) -> None:
    """Mend moto in this process; a second call changes nothing.

    Where `application` is given, the tasks of executions call it and not a server at MOTO_PORT.
    """
    mends_states.apply()
    states_language_patches.apply()
    find_each_backend_once()
    parse_each_definition_once()
    parse_each_path_once()
    copy_json_as_json()
    share_task_clients(application)
    send_to_targets_as_they_ask()
    announce_ends_of_executions()
    run_state_machines_of_stacks()
    show_eventbridge_notifications()
    refuse_what_is_not_implemented()


def find_each_backend_once() -> None:
    """Moto's server lists its own folder on disk for each request, to learn which service a host name means."""
    find = DomainDispatcherApplication.get_backend_for_host
    if not hasattr(find, "cache_info"):
        DomainDispatcherApplication.get_backend_for_host = functools.cache(find)  # type: ignore[method-assign]


def parse_each_definition_once() -> None:
    """Moto parses a state machine's definition anew for each execution, which costs more than the rest of it.

    A parsed program keeps no state of an execution: that is in the execution's own environment.
    """
    parse_definition = AmazonStateLanguageParser.parse
    if not hasattr(parse_definition, "cache_info"):
        cached = functools.lru_cache(maxsize=64)(parse_definition)
        AmazonStateLanguageParser.parse = staticmethod(cached)  # type: ignore[method-assign]


def parse_each_path_once() -> None:
    """Moto makes a parser for each look at a JSONPath, a third of what an execution costs."""
    for module in (json_path, result_path):
        if not hasattr(module.parse, "cache_info"):
            module.parse = functools.lru_cache(maxsize=1024)(module.parse)  # type: ignore[attr-defined]


def copy_json_as_json() -> None:
    """Moto copies the data of each state by `copy.deepcopy`, which looks for cycles and classes too."""
    for module in COPIERS:
        module.copy = JsonCopier  # type: ignore[attr-defined]  # moto looks `copy.deepcopy` up in it


class JsonCopier:
    """What stands in the place of the module `copy`."""

    @staticmethod
    def deepcopy(value: Any) -> Any:
        """Return a copy of JSON that shares no list or object with it."""
        if isinstance(value, dict):
            return {key: JsonCopier.deepcopy(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [JsonCopier.deepcopy(inner) for inner in value]
        return value


def share_task_clients(application: "WSGIApplication | None" = None) -> None:
    """Moto makes a new SDK client for each task of an execution; clients are made to be shared by threads.

    Its own also look for StartSyncExecution at a host named sync-localhost, and go over a socket to their own process.
    """
    if boto_client.boto_client_for.__module__ == __name__:
        return

    @functools.cache
    def shared(region: str, service: str) -> BaseClient:
        config = Config(
            inject_host_prefix=False,
            max_pool_connections=MOST_TASKS,
            parameter_validation=False,
            read_timeout=LONGEST_TASK,
            retries={"total_max_attempts": 1},
            # One that is given isn't put together anew for each request.
            user_agent="local",
        )
        client: BaseClient = boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]
        if application:
            client.meta.events.register("before-send", lambda request, **_: _answer(application, request))  # type: ignore[arg-type]  # an answer is taken
        return client

    # A session must not make two clients at once.
    lock = threading.Lock()

    def boto_client_for(region: str, service: str, state_credentials: object = None) -> BaseClient:  # noqa: ARG001
        with lock:
            return shared(region, service)

    for module in (boto_client, *CLIENT_USERS):
        module.boto_client_for = boto_client_for  # type: ignore[attr-defined]


def run_state_machines_of_stacks() -> None:
    """Moto's CloudFormation makes state machines where none is run, without a definition that lies in S3."""

    def create(
        _class: type[StateMachine], name: str, resource: dict[str, Any], account_id: str, region: str, /, **_: Any
    ) -> StateMachine:
        properties = resource["Properties"]
        location = properties["DefinitionS3Location"]
        body = boto3.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"]
        return stepfunctions_parser_backends[account_id][region].create_state_machine(
            properties.get("StateMachineName", name),
            substitute(body.read().decode(), properties["DefinitionSubstitutions"]),
            properties["RoleArn"],
            sm_type=properties["StateMachineType"],
        )

    StateMachine.create_from_cloudformation_json = classmethod(create)  # type: ignore[assignment, method-assign]


def show_eventbridge_notifications() -> None:
    """Moto keeps a bucket's EventBridge notifications, and leaves them out when it is asked for its notifications."""
    answer = S3Response.get_bucket_notification

    def get_bucket_notification(self: S3Response) -> Any:
        kept = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if kept is None or kept.event_bridge is None or kept.topic or kept.queue or kept.cloud_function:
            return answer(self)
        # Its serializer drops empty elements.
        return 200, {"Content-Type": "application/xml"}, EVENTBRIDGE_ON

    if answer.__module__ != __name__:
        S3Response.get_bucket_notification = get_bucket_notification  # type: ignore[method-assign]


def refuse_what_is_not_implemented() -> None:
    """Moto's server answers 500 to an action that it lacks, which SDKs take for a passing fault and send again."""
    call = BaseResponse.call_action

    def call_action(self: BaseResponse) -> Any:
        try:
            return call(self)
        except NotImplementedError as error:
            if "json" in self.headers.get("Content-Type", ""):
                return 501, {}, json.dumps({"__type": "NotImplemented", "message": str(error)})
            said = f"<Code>NotImplemented</Code><Message>{escape(str(error))}</Message>"
            return 501, {}, f"<ErrorResponse><Error>{said}</Error></ErrorResponse>"

    if call.__module__ != __name__:
        BaseResponse.call_action = call_action  # type: ignore[method-assign]


def _answer(application: "WSGIApplication", request: AWSPreparedRequest) -> AWSResponse:
    """Return an application's answer to a request that an SDK's client is about to send."""
    where = urlsplit(request.url)
    environ = create_environ(
        where.path,
        f"{where.scheme}://{where.netloc}",
        where.query,
        method=request.method,
        headers={
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        },
        data=request.body or b"",
    )
    body, status, headers = run_wsgi_app(application, environ, buffered=True)
    raw = MockRawResponse(b"".join(body))
    return AWSResponse(request.url, int(status.split()[0]), HeadersDict(headers), raw)  # type: ignore[arg-type]  # as moto's own
