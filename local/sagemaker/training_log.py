"""The log of a training job in CloudWatch Logs, and the metrics that SageMaker reads from its lines."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def write_log(lines: Iterable[bytes], record: dict[str, Any], logs: "CloudWatchLogsClient") -> list[dict[str, Any]]:
    """Write lines to a new log stream of a job as they come, and return the last value of each metric that it defines.

    `record` is the request of CreateTrainingJob.
    """
    # In milliseconds, as a spot job may start again within the second.
    stream = f"{record['TrainingJobName']}/algo-1-{int(_now() * 1000)}"
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
    definitions = record["AlgorithmSpecification"].get("MetricDefinitions", [])
    metrics: dict[str, dict[str, Any]] = {}
    for raw in lines:
        line = raw.decode(errors="replace").rstrip("\n")
        event: Any = {"timestamp": int(_now() * 1000), "message": line or " "}
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=[event])
        for definition in definitions:
            if match := re.search(definition["Regex"], line):
                name = definition["Name"]
                metrics[name] = {"MetricName": name, "Value": float(match[1]), "Timestamp": _now()}
    return list(metrics.values())


def _now() -> float:
    return datetime.now(UTC).timestamp()
