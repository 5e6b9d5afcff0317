"""Mends to the pinned moto: each is one function that says what is wrong without it."""

import functools
from types import ModuleType

from botocore.client import BaseClient
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sfn,
    state_task_service_sqs,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client

from local.event_targets import start_state_machines

CLIENT_USERS: tuple[ModuleType, ...] = (lambda_eval_utils, state_task_service_sfn, state_task_service_sqs)


def apply() -> None:
    """Mend moto in this process; a second call changes nothing."""
    find_each_backend_once()
    parse_each_definition_once()
    share_task_clients()
    start_state_machines()


def find_each_backend_once() -> None:
    """Moto's server lists its own folder on disk for each request, to learn which service a host name means."""
    find = DomainDispatcherApplication.get_backend_for_host
    if not hasattr(find, "cache_info"):
        DomainDispatcherApplication.get_backend_for_host = functools.cache(find)  # type: ignore[method-assign]


def parse_each_definition_once() -> None:
    """Moto parses a state machine's definition anew for each execution, which costs more than the rest of it.

    A parsed program keeps no state of an execution: that is in the execution's own environment.
    """
    parse = AmazonStateLanguageParser.parse
    if not hasattr(parse, "cache_info"):
        AmazonStateLanguageParser.parse = staticmethod(functools.lru_cache(maxsize=64)(parse))  # type: ignore[method-assign]


def share_task_clients() -> None:
    """Moto makes a new SDK client for each task of an execution; clients are made to be shared by threads."""
    make = boto_client.boto_client_for
    if make.__module__ == __name__:
        return

    @functools.cache
    def shared(region: str, service: str) -> BaseClient:
        return make(region, service)

    def boto_client_for(region: str, service: str, state_credentials: object = None) -> BaseClient:  # noqa: ARG001
        return shared(region, service)

    for module in (boto_client, *CLIENT_USERS):
        module.boto_client_for = boto_client_for  # type: ignore[attr-defined]
