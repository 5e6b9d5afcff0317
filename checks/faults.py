"""Check that Lambda logs an exception, exhausted memory and a timeout, and that the metric filters match them."""

import io
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from PIL import Image

from checks.check import Check, judged
from checks.throwaway import Copy
from training.sagemaker.polling import pauses

# Just within what Serialize takes, so that it takes memory and time.
SIDE = 7000
LONGEST_WAIT = 600.0


@dataclass(frozen=True)
class Fault:
    """A fault to provoke: the function's logical id, how it is configured for it, and the `platform.report` it leaves.

    `report` is empty where the function lives on and writes an error line of its own.
    """

    name: str
    function: str
    settings: Mapping[str, int] = field(default_factory=dict)
    report: str = ""


FAULTS = (
    Fault("exception", "ThresholdFunction"),
    Fault("out of memory", "SerializeFunction", {"MemorySize": 128, "Timeout": 30}, "error"),
    Fault("timeout", "SerializeFunction", {"MemorySize": 512, "Timeout": 1}, "timeout"),
)


def faults(copy: Copy) -> Iterator[Check]:
    """Provoke each fault in the unpublished version, which the state machines don't call, and read what it logged."""
    key = "faults/large.png"
    image = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE)).save(image, "PNG")
    boto3.client("s3").put_object(Bucket=copy.bucket, Key=key, Body=image.getvalue())
    for fault in FAULTS:
        yield from _provoke(copy, fault, {"s3_bucket": copy.bucket, "s3_key": key} if fault.settings else {})


def _provoke(copy: Copy, fault: Fault, event: Mapping[str, str]) -> Iterator[Check]:
    functions, logs = boto3.client("lambda"), boto3.client("logs")
    cloudformation: Any = boto3.client("cloudformation")
    resource = cloudformation.describe_stack_resource(StackName=copy.name, LogicalResourceId=fault.function)
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    if fault.settings:
        functions.update_function_configuration(FunctionName=name, **fault.settings)  # type: ignore[arg-type]  # integers
        functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    started = int(time.time() * 1000)
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    advice = "See the function's log group."
    yield judged(f"{fault.name}: Lambda's answer", "FunctionError" in answer, str(answer.get("FunctionError")), advice)
    group = functions.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
    line = _wait_for_line(logs, group, started, fault)
    yield judged(f"{fault.name}: log line", bool(line), _form(line) if line else "none came", advice)
    if line:
        matched = any(
            logs.test_metric_filter(filterPattern=one["filterPattern"], logEventMessages=[line])["matches"]
            for one in logs.describe_metric_filters(logGroupName=group)["metricFilters"]
        )
        advice = "Correct the filter pattern in template.yaml: its alarm would miss this."
        yield judged(f"{fault.name}: metric filter", matched, "matches" if matched else "doesn't match", advice)


def _wait_for_line(logs: Any, group: str, started: int, fault: Fault) -> str | None:
    for waited in pauses():
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=started)
        for event in (event for page in pages for event in page["events"]):
            if _is_of(fault, _parsed(event["message"])):
                return str(event["message"])
        if waited > LONGEST_WAIT:
            return None
    raise AssertionError("the pauses never end")


def _parsed(message: str) -> dict[str, Any]:
    try:
        row = json.loads(message)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _is_of(fault: Fault, row: Mapping[str, Any]) -> bool:
    if fault.report:
        return row.get("type") == "platform.report" and row.get("record", {}).get("status") == fault.report
    return "ERROR" in (row.get("level"), row.get("log_level"))


def _form(line: str) -> str:
    """Name the keys that show the fault, as this Region's runtime writes them."""
    row = _parsed(line)
    if "record" in row:
        record = row["record"]
        return f"platform.report with status {record['status']}, errorType {record.get('errorType', 'missing')}"
    return " and ".join(name for name in ("level", "log_level") if row.get(name) == "ERROR") + " is ERROR"
