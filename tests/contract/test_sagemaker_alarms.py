"""Which alarms watch an update, and what an alarm that is in ALARM already does to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.commands import workflow
from tests.containers import model_of
from tests.contract.serving import answer_of, kinds, serve
from tests.contract.test_cli_sagemaker import only_line
from training.errors import DeployError
from training.model import MODEL_FILE
from training.sagemaker.alarms import alarms_of
from training.sagemaker.update import Canary, canary_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

pytestmark = pytest.mark.usefixtures("programs")

COMMON: dict[str, Any] = {"EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold"}


def put_alarm(name: str, *, firing: bool = False) -> str:
    """Put an alarm that has the state it is given, and return its name."""
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="Elsewhere", MetricName="Any", Period=60, Statistic="Sum", **COMMON
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM" if firing else "OK", StateReason="set")
    return name


def query(number: int, metric: str, endpoint: str, namespace: str = "AWS/SageMaker") -> "MetricDataQueryTypeDef":
    dimensions = [{"Name": "EndpointName", "Value": endpoint}]
    statistic: Any = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {
        "Id": f"m{number}",
        "MetricStat": {"Metric": statistic, "Period": 60, "Stat": "Sum"},
        "ReturnData": False,
    }


def test_only_errors_and_latencies_of_the_endpoint_watch_it(endpoint: str) -> None:
    cloudwatch = boto3.client("cloudwatch")
    watching = [
        ("errors", "AWS/SageMaker", "Invocation5XXErrors", endpoint),
        ("latency", "AWS/SageMaker", "ModelLatency", endpoint),
    ]
    others = [
        ("drift", "ImageClassification/Drift", "Drift", endpoint),
        ("review", "ImageClassification", "Review", endpoint),
        ("scaling", "AWS/SageMaker", "InvocationsPerInstance", endpoint),
        ("elsewhere", "Elsewhere", "ModelLatency", endpoint),
        ("other", "AWS/SageMaker", "Invocation5XXErrors", f"{endpoint}-other"),
    ]
    for kind, namespace, metric, watched in watching + others:
        cloudwatch.put_metric_alarm(
            AlarmName=f"{endpoint}-{kind}",
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": watched}],
            Period=60,
            Statistic="Sum",
            **COMMON,
        )
    rate = [query(1, "Invocation5XXErrors", endpoint), query(2, "Invocations", endpoint)]
    mixed = [query(1, "Invocation5XXErrors", endpoint), query(2, "Drift", endpoint, "ImageClassification/Drift")]
    for kind, queries in (("rate", rate), ("mixed", mixed)):
        expression: MetricDataQueryTypeDef = {"Id": "e1", "Expression": "m1 / m2", "ReturnData": True}
        cloudwatch.put_metric_alarm(AlarmName=f"{endpoint}-{kind}", Metrics=[expression, *queries], **COMMON)
    assert set(alarms_of(endpoint)) == {f"{endpoint}-{kind}" for kind in ("errors", "latency", "rate")}


def test_a_canary_is_watched_by_the_alarms_named_or_else_by_the_endpoints_own(endpoint: str) -> None:
    mine = put_alarm(f"{endpoint}-mine")
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{endpoint}-errors",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}],
        Period=60,
        Statistic="Sum",
        TreatMissingData="notBreaching",
        **COMMON,
    )
    assert canary_of(endpoint, 10, None, ()) == Canary(10, 300, (f"{endpoint}-errors",))
    assert canary_of(endpoint, 10, 60, (mine,)) == Canary(10, 60, (mine,))
    assert canary_of(endpoint, None, None, ()) == Canary(None, 0, ())


def test_a_canary_without_an_alarm_is_refused(endpoint: str) -> None:
    with pytest.raises(DeployError, match="nothing would roll a bad canary back"):
        canary_of(endpoint, 10, None, ())


def test_a_canary_on_one_instance_is_refused_with_the_reason(endpoint: str) -> None:
    with pytest.raises(DeployError, match="--instances 2"):
        serve("mirror_ridge", endpoint, Canary(10, 0, ("any",)))


def test_an_update_with_an_alarm_that_does_not_exist_is_refused(endpoint: str) -> None:
    serve("mirror_ridge", endpoint)
    with pytest.raises(Exception, match="Could not find the alarms no-such-alarm"):
        serve("better", endpoint, Canary(alarms=("no-such-alarm",)))


@pytest.mark.parametrize("percent", [10, None], ids=["canary", "at-once"])
def test_an_alarm_that_is_in_alarm_is_named_with_the_flag_that_leaves_it_out(
    endpoint: str, percent: int | None
) -> None:
    firing, silent = put_alarm(f"{endpoint}-firing", firing=True), put_alarm(f"{endpoint}-silent")
    with pytest.raises(DeployError, match=f"^In ALARM now: {firing}\\. .*--ignore-alarms"):
        canary_of(endpoint, percent, 0, (firing, silent))
    watched = canary_of(endpoint, percent, 0, (firing, silent), ignore_alarms=True)
    assert watched == Canary(percent, 0, (silent,), (firing,))
    assert canary_of(endpoint, percent, 0, (silent,), ignore_alarms=True) == Canary(percent, 0, (silent,))


def test_a_canary_that_no_alarm_is_left_to_watch_is_refused_and_an_update_at_once_is_not(endpoint: str) -> None:
    firing = put_alarm(f"{endpoint}-firing", firing=True)
    with pytest.raises(DeployError, match=f"Every alarm .* is in ALARM \\({firing}\\), so none is left.*--canary"):
        canary_of(endpoint, 10, 0, (firing,), ignore_alarms=True)
    assert canary_of(endpoint, None, 0, (firing,), ignore_alarms=True) == Canary(None, 0, (), (firing,))


def test_an_update_whose_alarm_is_in_alarm_already_ends_before_any_traffic_has_moved(endpoint: str) -> None:
    old = serve("mirror_ridge", endpoint)
    firing = put_alarm(f"{endpoint}-firing", firing=True)
    # Its alarm would be found before: this is what SageMaker does where it isn't.
    with pytest.raises(DeployError, match=f"it serves {old.config} as before: .*before the update began: {firing}"):
        serve("better", endpoint, Canary(bake=3600, alarms=(firing,)))
    assert answer_of(endpoint) == "[0.9, 0.1]"


@pytest.fixture
def words(endpoint: str, tmp_path: Path) -> tuple[str, ...]:
    """The words of a command that deploys a better model, watched by an alarm that is in ALARM."""
    serve("mirror_ridge", endpoint)
    firing = put_alarm(f"{endpoint}-firing", firing=True)
    model_of("better").write(tmp_path / MODEL_FILE)
    # The other model is worse on the test images that tests left in the bucket, which is not the matter here.
    return ("deploy", "--force", "--endpoint", endpoint, "--out", str(tmp_path), "--alarm", firing)


@pytest.mark.parametrize("how", [("--canary", "10", "--instances", "2"), (), ("--rollback",)])
def test_the_verb_refuses_an_alarm_in_alarm_before_anything_is_made(
    endpoint: str, words: tuple[str, ...], how: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = kinds(endpoint)
    assert workflow(*words, *how) == 1
    assert "--ignore-alarms" in only_line(capsys)
    assert kinds(endpoint) == before


def test_the_verb_says_which_alarms_it_leaves_out_and_that_none_is_left(
    endpoint: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert workflow(*words, "--ignore-alarms") == 0
    said = capsys.readouterr().out
    assert f"Not watched, as in ALARM now: {endpoint}-firing. Watching the update: no alarm." in said
    assert answer_of(endpoint) == "[0.2, 0.8]"
    silent = put_alarm(f"{endpoint}-silent")
    assert workflow(*words, "--rollback", "--ignore-alarms", "--alarm", silent) == 0
    assert f"{endpoint}-firing. Watching the update: {silent}." in capsys.readouterr().out
    assert answer_of(endpoint) == "[0.9, 0.1]"
