"""The metrics of endpoints, as SageMaker sends them to CloudWatch.

Names, units and dimensions: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html; those of
serverless endpoints: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

NAMESPACE = "AWS/SageMaker"
FLUSH_SECONDS = 1.0
# Alarms look back some minutes.
MAX_SAMPLES = 200_000
MICROSECONDS = 1_000_000
TIMES = frozenset({"ModelLatency", "OverheadLatency", "ModelSetupTime"})


@dataclass(frozen=True)
class Sample:
    """One value of one metric of one variant, at a time in seconds since 1970."""

    time: float
    name: str
    endpoint: str
    variant: str
    value: float


class Metrics:
    """Collects a sample of each metric per request, keeps it for alarms, and sends it to CloudWatch every second."""

    def __init__(self, cloudwatch: "CloudWatchClient") -> None:
        self._cloudwatch = cloudwatch
        self._samples: deque[Sample] = deque(maxlen=MAX_SAMPLES)
        self._unsent: list[Sample] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send_regularly, daemon=True)

    def start(self) -> None:
        """Send what was collected every second, until `stop`."""
        self._thread.start()

    def add(
        self, endpoint: str, variant: str, status: int, model_seconds: float, overhead_seconds: float = 0.0
    ) -> None:
        """Count a request: the container's HTTP status, 0 where it timed out, its time, and what came on top of it."""
        values = {
            "Invocations": 1.0,
            "Invocation4XXErrors": float(400 <= status < 500),
            "Invocation5XXErrors": float(status >= 500 or status == 0),
            "ModelLatency": model_seconds * MICROSECONDS,
            "OverheadLatency": overhead_seconds * MICROSECONDS,
        }
        self._keep(endpoint, variant, values)

    def add_setup(self, endpoint: str, variant: str, seconds: float) -> None:
        """Count a container that was started for a request to a serverless variant, and how long that took."""
        self._keep(endpoint, variant, {"ModelSetupTime": seconds * MICROSECONDS})

    def _keep(self, endpoint: str, variant: str, values: Mapping[str, float]) -> None:
        now = time.time()
        samples = [Sample(now, name, endpoint, variant, value) for name, value in values.items()]
        with self._lock:
            self._samples.extend(samples)
            self._unsent.extend(samples)

    def values(self, name: str, endpoint: str, variant: str | None, since: float, until: float) -> list[float]:
        """Return the values of a metric between two times, of all variants where none is named."""
        with self._lock:
            samples = list(self._samples)
        return [
            sample.value
            for sample in samples
            if since <= sample.time < until
            and sample.name == name
            and sample.endpoint == endpoint
            and variant in (None, sample.variant)
        ]

    def stop(self) -> None:
        """Send what is left, and stop."""
        self._stopping.set()
        self._thread.join()
        self._send()

    def _send_regularly(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            self._send()

    def _send(self) -> None:
        with self._lock:
            unsent, self._unsent = self._unsent, []
        if unsent:
            self._cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=_data(unsent))


def _data(samples: list[Sample]) -> "list[MetricDatumTypeDef]":
    grouped: defaultdict[tuple[str, str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        grouped[sample.name, sample.endpoint, sample.variant].append(sample)
    return [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
            "Timestamp": datetime.fromtimestamp(group[-1].time, UTC),
            "StatisticValues": {
                "SampleCount": len(group),
                "Sum": sum(sample.value for sample in group),
                "Minimum": min(sample.value for sample in group),
                "Maximum": max(sample.value for sample in group),
            },
            "Unit": "Microseconds" if name in TIMES else "None",
        }
        for (name, endpoint, variant), group in grouped.items()
    ]
