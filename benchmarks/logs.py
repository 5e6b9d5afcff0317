"""Bytes that an image adds to CloudWatch Logs: the functions' own lines are measured, those of the services composed.

What Lambda and Step Functions would log is composed as their documentation shows it:
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html (at level INFO, two lines a call) and
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html (an Express execution at level ALL, without its data).
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

FUNCTIONS = ("Serialize", "Classify", "Threshold")
REQUEST = "79b4f56e-95b1-4643-9700-2807f4e68189"
TIME = "2026-11-23T12:00:00.123Z"
TRACE = {
    "spanId": "54565fb41ac79632",
    "type": "X-Amzn-Trace-Id",
    "value": "Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1",
}
METRICS = {"durationMs": 52.563, "billedDurationMs": 53, "memorySizeMB": 1769, "maxMemoryUsedMB": 136}
# What a call adds to its function's log, whatever the function does.
PLATFORM_LINES: tuple[dict[str, Any], ...] = (
    {"time": TIME, "type": "platform.start", "record": {"requestId": REQUEST, "version": "12", "tracing": TRACE}},
    {
        "time": TIME,
        "type": "platform.report",
        "record": {"requestId": REQUEST, "metrics": METRICS, "tracing": TRACE, "status": "success"},
    },
)
# What IncludeExecutionData: false leaves out of an event's details.
DATA = {"input", "output", "parameters"}


def function_bytes(logs: Path) -> dict[str, int]:
    """Return the bytes in each function's log on the local stack, by function."""
    files = {name: logs / f"{name}Function.log" for name in FUNCTIONS}
    return {name.lower(): path.stat().st_size if path.exists() else 0 for name, path in files.items()}


def bytes_an_image(before: Mapping[str, int], after: Mapping[str, int], images: int) -> dict[str, float]:
    """Return the bytes per image of the functions' own lines, and of Lambda's, between two looks at the logs."""
    own = {name: (after[name] - before[name]) / images for name in after}
    return own | {"platform": float(len(FUNCTIONS) * sum(size(line) for line in PLATFORM_LINES))}


def express_bytes(states: "SFNClient", execution: str) -> float:
    """Return what an Express execution would log that went through the same states as a Standard one."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    events = [event for page in pages for event in page["events"]]
    return float(sum(size(line) for line in express_lines(events, execution)))


def express_lines(events: Iterable[Mapping[str, Any]], execution: str) -> Iterable[dict[str, Any]]:
    """Yield the log line of each event of an execution's history."""
    for event in events:
        details: Mapping[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        yield {
            "id": str(event["id"]),
            "type": event["type"],
            "details": {key: value for key, value in details.items() if key not in DATA},
            "redrive_count": "0",
            "previous_event_id": str(event.get("previousEventId", 0)),
            "event_timestamp": str(int(event["timestamp"].timestamp() * 1000)),
            "execution_arn": execution,
        }


def size(line: Mapping[str, Any]) -> int:
    """Return a line's length in bytes, as the services write JSON."""
    return len(json.dumps(line, separators=(",", ":")).encode())
