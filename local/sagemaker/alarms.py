"""CloudWatch alarms over the metrics of endpoints, which moto keeps but doesn't evaluate."""

import math
import operator
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from local.sagemaker.metrics import NAMESPACE, Metrics

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StateValueType
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

EVALUATION_SECONDS = 1.0
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
}


class Alarms:
    """Evaluates alarms over periods that end now, when asked or every second, and keeps their states in CloudWatch.

    An alarm over anything but one metric of an endpoint has the state that was set for it.
    """

    def __init__(self, cloudwatch: "CloudWatchClient", metrics: Metrics) -> None:
        self._cloudwatch = cloudwatch
        self._metrics = metrics
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._evaluate_regularly, daemon=True)

    def start(self) -> None:
        """Evaluate every alarm every second, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the evaluation."""
        self._stopping.set()
        self._thread.join()

    def known(self, names: Sequence[str]) -> set[str]:
        """Return those of the names that an alarm has."""
        return {alarm["AlarmName"] for alarm in self._describe(names)}

    def firing(self, names: Sequence[str]) -> list[str]:
        """Return the names of those alarms that are in the state ALARM now."""
        return [alarm["AlarmName"] for alarm in self._describe(names) if self._state(alarm) == "ALARM"]

    def _evaluate_regularly(self) -> None:
        while not self._stopping.wait(EVALUATION_SECONDS):
            for page in self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
                for alarm in page["MetricAlarms"]:
                    self._state(alarm)

    def _describe(self, names: Sequence[str]) -> "list[MetricAlarmTypeDef]":
        return self._cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []

    def _state(self, alarm: "MetricAlarmTypeDef") -> str:
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", ())}
        if alarm.get("Namespace") != NAMESPACE or "EndpointName" not in dimensions:
            return alarm.get("StateValue", "INSUFFICIENT_DATA")
        state = self._evaluate(alarm, dimensions["EndpointName"], dimensions.get("VariantName"))
        if state != alarm.get("StateValue"):
            reason = "Evaluated over the requests of the endpoint."
            self._cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue=state, StateReason=reason)
        return state

    def _evaluate(self, alarm: "MetricAlarmTypeDef", endpoint: str, variant: str | None) -> "StateValueType":
        compare, now = COMPARISONS[alarm["ComparisonOperator"]], time.time()
        breaching, missing = 0, 0
        for number in range(alarm["EvaluationPeriods"]):
            until = now - number * alarm["Period"]
            values = self._metrics.values(alarm["MetricName"], endpoint, variant, until - alarm["Period"], until)
            if values:
                breaching += compare(_statistic(alarm, values), alarm["Threshold"])
            else:
                missing += 1
        if alarm.get("TreatMissingData") == "breaching":
            breaching += missing
        elif missing == alarm["EvaluationPeriods"] and alarm.get("TreatMissingData") != "notBreaching":
            return "INSUFFICIENT_DATA"
        # CloudWatch wants all periods to breach unless the alarm defines how many are enough.
        return "ALARM" if breaching >= alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) else "OK"


def _statistic(alarm: "MetricAlarmTypeDef", values: list[float]) -> float:
    if "Statistic" in alarm:
        return STATISTICS[alarm["Statistic"]](values)
    percentile = float(alarm["ExtendedStatistic"].removeprefix("p"))
    return sorted(values)[max(0, math.ceil(len(values) * percentile / 100) - 1)]
