"""A canary under load: a worse model is rolled back, a good one stays, and every request gets an answer."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import stack
from tests.containers import model_of
from tests.waiting import wait_until
from training.deploy import Deployment, deploy, rollback
from training.errors import DeployError
from training.sagemaker.alarms import in_alarm
from training.sagemaker.endpoint import EndpointOptions
from training.sagemaker.update import canary_of

RATE = 20.0
PERIOD = 10
# The slow program takes 3 seconds.
SLOW_MICROSECONDS = 2_000_000
# Seconds after which a canary without an alarm is good; a bad one is found long before.
BAKE = 20


pytestmark = pytest.mark.usefixtures("programs")

Said = TypeVar("Said")

ALARMS: dict[str, dict[str, Any]] = {
    "errors": {"MetricName": "Invocation5XXErrors", "Statistic": "Sum", "Threshold": 0},
    "refusals": {"MetricName": "Invocation4XXErrors", "Statistic": "Sum", "Threshold": 0},
    "latency": {"MetricName": "ModelLatency", "ExtendedStatistic": "p99", "Threshold": SLOW_MICROSECONDS},
}


def watched_endpoint(name: str, *alarms: str, program: str = "mirror_ridge", capture: int = 0) -> str:
    """Deploy a good model with alarms, on errors and refusals unless others are named; return the configuration's name.

    An alarm on latency would also fire for a good model where other work stalls the machine.
    """
    for alarm in alarms or ("errors", "refusals"):
        boto3.client("cloudwatch").put_metric_alarm(
            AlarmName=f"{name}-{alarm}",
            Namespace="AWS/SageMaker",
            Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "AllTraffic"}],
            Period=PERIOD,
            EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            **ALARMS[alarm],
        )
    return serve(program, name, 0, capture=capture).config


def serve(program: str, endpoint: str, bake: int, *, ignore_alarms: bool = False, capture: int = 0) -> Deployment:
    percent = 10 if bake else None
    return deploy(
        model_of(program),
        endpoint_name=endpoint,
        bucket=stack.BUCKET,
        role_arn=stack.ROLE_ARN,
        options=EndpointOptions(instances=2, capture_percentage=capture),
        canary=canary_of(endpoint, percent, bake, (), ignore_alarms=ignore_alarms),
    )


# One attempt: the SDK must not hide a request that is lost.
ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)


class Load(Generic[Said]):
    """Asks at a steady rate, never waiting for the answers, and keeps what came back."""

    def __init__(self, ask: Callable[[], Said]) -> None:
        self._ask = ask
        self._stopping = threading.Event()
        self.sent: list[Future[Said]] = []

    def run(self) -> None:
        """Send until told to stop."""
        with ThreadPoolExecutor(50) as pool:
            begun = time.monotonic()
            while not self._stopping.wait(max(0.0, begun + len(self.sent) / RATE - time.monotonic())):
                self.sent.append(pool.submit(self._ask))

    def answers(self) -> Counter[Said]:
        """Count the answers so far."""
        return Counter(future.result() for future in list(self.sent))

    def wait_for_more(self) -> int:
        """Wait until a second's requests more are sent; return how many were sent before them."""
        before = len(self.sent)
        wait_until(lambda: len(self.sent) >= before + RATE)
        return before

    def stop(self) -> None:
        """Send no more."""
        self._stopping.set()


@contextmanager
def load(endpoint: str) -> Iterator[Load[str]]:
    """Ask the endpoint itself."""
    runtime = boto3.client("sagemaker-runtime", config=ONCE)

    def ask() -> str:
        try:
            answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x", ContentType="application/x-image")
            return answer["Body"].read().decode()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        except BotoCoreError as error:
            return type(error).__name__

    with asking(ask) as sender:
        yield sender


@contextmanager
def asking(ask: Callable[[], Said]) -> Iterator[Load[Said]]:
    sender = Load(ask)
    thread = threading.Thread(target=sender.run)
    thread.start()
    try:
        yield sender
    finally:
        sender.stop()
        thread.join()


OLD, BETTER, SLOW = "[0.9, 0.1]", "[0.2, 0.8]", "[0.5, 0.5]"


@pytest.mark.parametrize(
    ("program", "alarm", "bad_answer"), [("erring", "errors", "ModelError"), ("slow", "latency", SLOW)]
)
@pytest.mark.drill("Faults of the system")
def test_a_worse_model_is_rolled_back_by_its_alarm_and_no_request_is_lost(
    program: str, alarm: str, bad_answer: str
) -> None:
    endpoint = f"canary-{program}"
    before = watched_endpoint(endpoint, alarm)
    with load(endpoint) as sender:
        sender.wait_for_more()
        with pytest.raises(DeployError, match=f"rolled back, and it serves {before} as before: .*{endpoint}-{alarm}"):
            serve(program, endpoint, BAKE)
        during = sender.wait_for_more()
    answers = sender.answers()
    assert set(answers) == {OLD, bad_answer}
    assert answers.total() == len(sender.sent) > during
    assert answers[bad_answer] < answers[OLD]
    assert {future.result() for future in sender.sent[during:]} == {OLD}
    described = boto3.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", before)


def test_a_good_model_takes_all_traffic_and_no_request_is_lost() -> None:
    before = watched_endpoint("canary-better")
    with load("canary-better") as sender:
        sender.wait_for_more()
        after = serve("better", "canary-better", 1)
        during = sender.wait_for_more()
    answers = sender.answers()
    assert after.config != before
    assert set(answers) == {OLD, BETTER}
    assert answers.total() == len(sender.sent) > during
    assert {future.result() for future in sender.sent[during:]} == {BETTER}


def test_while_an_alarm_is_in_alarm_a_rollback_goes_through_and_a_canary_is_refused() -> None:
    before = watched_endpoint("canary-late")
    serve("erring", "canary-late", 0)
    with load("canary-late") as sender:
        wait_until(lambda: bool(in_alarm(("canary-late-errors",))))
        with pytest.raises(DeployError, match="In ALARM now: canary-late-errors"):
            serve("better", "canary-late", 1)
        assert rollback("canary-late") == before
        during = sender.wait_for_more()
    assert {future.result() for future in sender.sent[during:]} == {OLD}
    assert set(sender.answers()) == {"ModelError", OLD}


def test_a_canary_brings_the_fix_while_an_alarm_that_is_left_out_is_in_alarm() -> None:
    watched_endpoint("canary-fix")
    serve("erring", "canary-fix", 0)
    with load("canary-fix") as sender:
        wait_until(lambda: bool(in_alarm(("canary-fix-errors",))))
        serve("better", "canary-fix", 1, ignore_alarms=True)
        during = sender.wait_for_more()
    assert {future.result() for future in sender.sent[during:]} == {BETTER}
