"""How the workflow is deployed, as far as a bill depends on it."""

import re
from dataclasses import dataclass

from inference.costs.measured import CostsError

# The sizes of EC2's instance types, with the number of times `xlarge` before: m5.large, m5.4xlarge.
SIZE = re.compile(r"ml\.\w+\.(?:(?P<large>large)|(?P<times>\d*)xlarge)")


@dataclass(frozen=True)
class Monitoring:
    """What of a stack's monitoring is paid by the month: metrics that alarms watch, metrics of its own, dashboards."""

    alarm_metrics: int
    custom_metrics: int
    dashboards: int


@dataclass(frozen=True)
class Setup:
    """How the workflow is deployed.

    Attributes:
        instance_type: of an endpoint on instances.
        instances: their number.
        serverless_memory: of a serverless endpoint, in MB.
        batch_size: images that a child of a batch takes.
        capture_days: days for which captured data is kept.
        log_days: days for which logs are kept.
        monitoring: of a stack whose endpoint captures its data.
        capturing: of a stack whose Classify captures the data, for a serverless endpoint.
    """

    instance_type: str
    instances: int
    serverless_memory: int
    batch_size: int
    capture_days: int
    log_days: int
    monitoring: Monitoring
    capturing: Monitoring


def processors_of(instance_type: str) -> int:
    """Return the processors (vCPUs) of an instance type: 2 of a `large`, 4 of an `xlarge`, 4 N of an `Nxlarge`.

    Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/. Raises CostsError for a type of another form.
    """
    size = SIZE.fullmatch(instance_type)
    if size is None:
        raise CostsError(f"{instance_type!r} is not an instance type such as ml.m5.large or ml.c5.2xlarge.")
    return 2 if size["large"] else 4 * int(size["times"] or 1)
