"""A month with round quantities and prices, whose terms can be computed by hand."""

from dataclasses import replace
from typing import Any

from inference.costs.month import Month
from inference.costs.setup import Monitoring, Setup
from inference.costs.use import ImageUse

PRICES: dict[str, Any] = {
    "instance_hour": {"ml.m5.large": 0.5, "ml.c5.2xlarge": 2.0},
    "serverless_gb_second": 0.01,
    "endpoint_gigabyte": 0.02,
    "states_transition": 0.001,
    "express_request": 0.0001,
    "express_gb_second": 0.03,
    "lambda_request": 0.00002,
    "lambda_gb_second": {"x86_64": 0.04, "arm64": 0.05},
    "s3_get": 0.000006,
    "s3_put": 0.00007,
    "s3_gigabyte_month": 0.08,
    "sqs_request": 0.0000009,
    "logs_gigabyte": 0.1,
    "logs_gigabyte_month": 0.11,
    "custom_metric_month": 0.12,
    "alarm_metric_month": 0.13,
    "dashboard_month": 14,
    "trace": 0.00015,
    "schedule_invocation": 0.16,
}
USE = ImageUse(
    states=4.5,
    seconds=0.41,
    calls=3,
    gigabyte_seconds={"x86_64": 0.25, "arm64": 0.125},
    review=0.2,
    model_seconds=0.02,
    processor_seconds=0.04,
    exchanged_bytes=50_000,
    captured_bytes=100_000,
    log_bytes=4_000,
    express_log_bytes=5_000,
)
SETUP = Setup(
    instance_type="ml.m5.large",
    instances=2,
    serverless_memory=2048,
    batch_size=20,
    capture_days=90,
    log_days=30,
    monitoring=Monitoring(alarm_metrics=19, custom_metrics=9, dashboards=1),
    capturing=Monitoring(alarm_metrics=20, custom_metrics=10, dashboards=1),
)


def month(images_a_day: int, days: float = 10, prices: dict[str, Any] = PRICES, **changed: Any) -> Month:
    """Return a month, of ten days unless given otherwise, with some of the set-up changed."""
    return Month(images_a_day, USE, replace(SETUP, **changed), prices, days)
