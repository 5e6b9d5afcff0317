"""A serverless endpoint on the local stack: its container runs only while it is asked."""

from datetime import UTC, datetime, timedelta

import boto3

from local import stack
from tests.contract.serving import answer_of, serve
from tests.waiting import wait_until


def test_a_request_starts_the_container_which_ends_without_requests_and_starts_for_the_next(
    programs: stack.Running, endpoint: str
) -> None:
    serve("mirror_ridge", endpoint, serverless_memory=2048)
    assert endpoint not in programs.processes()
    for _ in range(2):
        assert answer_of(endpoint) == "[0.9, 0.1]"
        wait_until(lambda: endpoint not in programs.processes())
    wait_until(lambda: counted("OverheadLatency", endpoint) == 2)
    assert counted("ModelSetupTime", endpoint) == 2
    assert counted("Invocations", endpoint) == 2


def counted(metric: str, endpoint: str) -> float:
    """Return how many values of a metric CloudWatch has."""
    now = datetime.now(UTC)
    points = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["SampleCount"],
    )["Datapoints"]
    return sum(point["SampleCount"] for point in points)
