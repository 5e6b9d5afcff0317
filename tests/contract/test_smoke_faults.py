"""The faults that the smoke test provokes on AWS, by clients whose requests and answers follow botocore's models."""

import io
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from checks import faults
from checks.check import Check, Status
from checks.throwaway import Copy, run_sam
from local import stack

GROUP = "group"
LINES: dict[str, dict[str, Any]] = {
    "exception": {"timestamp": "2026-01-01T00:00:00Z", "log_level": "ERROR", "errorType": "InvalidEvent"},
    "out of memory": {
        "type": "platform.report",
        "record": {"requestId": "r", "status": "error", "errorType": "Runtime.OutOfMemory"},
    },
    "timeout": {"type": "platform.report", "record": {"requestId": "r", "status": "timeout"}},
}


def answered(fault: faults.Fault, line: dict[str, Any], *, matches: bool) -> dict[str, tuple[Any, Stubber]]:
    """Return clients that answer as AWS does for one fault, each with what checks that it was asked for all."""
    clients: dict[str, Any] = {
        "lambda": boto3.client("lambda", region_name=stack.REGION),
        "logs": boto3.client("logs", region_name=stack.REGION),
        "cloudformation": boto3.client("cloudformation", region_name=stack.REGION),
    }
    stubs = {name: Stubber(client) for name, client in clients.items()}
    detail = {
        "LogicalResourceId": fault.function,
        "PhysicalResourceId": "made",
        "ResourceType": "AWS::Lambda::Function",
        "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
        "ResourceStatus": "CREATE_COMPLETE",
    }
    asked = {"StackName": "smoke", "LogicalResourceId": fault.function}
    stubs["cloudformation"].add_response("describe_stack_resource", {"StackResourceDetail": detail}, asked)
    if fault.settings:
        changed = {"FunctionName": "made", **fault.settings}
        stubs["lambda"].add_response("update_function_configuration", {}, changed)
        stubs["lambda"].add_response("get_function", {"Configuration": {"LastUpdateStatus": "Successful"}})
    body = StreamingBody(io.BytesIO(b"{}"), 2)
    stubs["lambda"].add_response("invoke", {"FunctionError": "Unhandled", "Payload": body})
    stubs["lambda"].add_response("get_function_configuration", {"LoggingConfig": {"LogGroup": GROUP}})
    events = [{"message": "INIT_START not JSON"}, {"message": json.dumps({"level": "INFO"})}]
    events.append({"message": json.dumps(line)})
    stubs["logs"].add_response("filter_log_events", {"events": events}, {"logGroupName": GROUP, "startTime": ANY})
    patterns = {"metricFilters": [{"filterPattern": "{ $.level = ERROR }"}]}
    stubs["logs"].add_response("describe_metric_filters", patterns, {"logGroupName": GROUP})
    matched = [{"eventNumber": 1, "eventMessage": json.dumps(line)}] if matches else []
    tried = {"filterPattern": "{ $.level = ERROR }", "logEventMessages": [json.dumps(line)]}
    stubs["logs"].add_response("test_metric_filter", {"matches": matched}, tried)
    return {name: (client, stubs[name]) for name, client in clients.items()}


def provoke(fault: faults.Fault, line: dict[str, Any], *, matches: bool) -> list[Check]:
    clients = answered(fault, line, matches=matches)
    for _, stub in clients.values():
        stub.activate()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "client", lambda name: clients[name][0])
        made = list(faults._provoke(Copy("smoke", "bucket", Path("out"), run_sam), fault, {}))
    for _, stub in clients.values():
        stub.assert_no_pending_responses()
    return made


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_provoked_found_in_the_log_and_held_against_the_metric_filter(
    fault: faults.Fault,
) -> None:
    made = provoke(fault, LINES[fault.name], matches=True)
    assert [check.status for check in made] == [Status.OK] * 3


def test_the_form_that_the_runtime_writes_is_told() -> None:
    told = {fault.name: provoke(fault, LINES[fault.name], matches=True)[1].found for fault in faults.FAULTS}
    assert told == {
        "exception": "log_level is ERROR",
        "out of memory": "platform.report with status error, errorType Runtime.OutOfMemory",
        "timeout": "platform.report with status timeout, errorType missing",
    }


def test_a_fault_that_the_filter_would_miss_is_bad() -> None:
    made = provoke(faults.FAULTS[0], LINES["exception"], matches=False)
    assert [check.name for check in made if check.status is Status.BAD] == ["exception: metric filter"]
