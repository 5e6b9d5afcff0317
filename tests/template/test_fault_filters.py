"""The metric filters that count faults, over lines that Lambda's runtime client wrote and documented reports."""

import json
from importlib.metadata import version

import pytest

from local.lambdas import PLAIN_RUNTIME
from tests.template.metric_filter import PatternError, matches
from tests.template.runtime_logs import SCENARIOS, lines_of, recorded
from tests.template.transformed import APP, of_type

PATTERNS = {name: one["FilterPattern"] for name, one in of_type(APP, "AWS::Logs::MetricFilter").items()}
# The first writes an exception's level under `log_level`, the pinned one under `level`.
VERSIONS = ("4.0.0", version("awslambdaric"))
GUIDE = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
        "latency": 55.5,
    }
)


def report(**record: object) -> str:
    """A line of the platform: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html."""
    metrics = {"durationMs": 5000.0, "billedDurationMs": 5000, "memorySizeMB": 512, "maxMemoryUsedMB": 94}
    return json.dumps(
        {
            "time": "2026-07-09T06:05:50.581Z",
            "type": "platform.report",
            "record": {"requestId": "aec7a529", "metrics": metrics} | record,
        }
    )


def counted(function: str, lines: list[str]) -> bool:
    """Whether a function's filter counts one of the lines; it may not hang on what the guide leaves open."""
    pattern = PATTERNS[function.removesuffix("Function") + "Faults"]
    answers = {any(matches(pattern, line, absent_differs=differs) for line in lines) for differs in (False, True)}
    (answer,) = answers
    return answer


@pytest.mark.parametrize("client", VERSIONS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_faults_are_counted_and_neither_reviews_nor_rejected_images_nor_busy_endpoints(name: str, client: str) -> None:
    scenario = SCENARIOS[name]
    path = recorded(client)
    lines = json.loads(path.read_text())[name] if path.exists() else lines_of(scenario)
    assert any('"errorType"' in line for line in lines)
    assert counted(scenario.function, lines) is scenario.is_fault, lines


@pytest.mark.parametrize("name", ["a missing permission to read", "a missing permission to ask", "no confidence"])
def test_the_runtime_in_plain_python_writes_lines_that_are_counted_alike(name: str) -> None:
    assert counted(SCENARIOS[name].function, lines_of(SCENARIOS[name], command=PLAIN_RUNTIME))


def test_the_two_versions_of_the_runtime_client_put_the_level_under_different_keys() -> None:
    old = json.loads(recorded(VERSIONS[0]).read_text())["no confidence"][-1]
    new = lines_of(SCENARIOS["no confidence"])[-1]
    assert ("log_level" in json.loads(old), "level" in json.loads(new)) == (True, True)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize(
    ("record", "is_fault"),
    [
        ({"status": "timeout"}, True),
        ({"status": "error", "errorType": "Runtime.ExitError"}, True),
        ({"status": "error", "errorType": "Runtime.OutOfMemory"}, True),
        ({"status": "error", "errorType": "Runtime.ImportModuleError"}, True),
        ({"status": "success"}, False),
        # An exception of the handler's own has a line that says which; its report says no more than this.
        ({"status": "error"}, False),
        ({"status": "failure"}, False),
    ],
)
def test_crashes_and_timeouts_are_counted_by_the_platforms_report(
    pattern: str, record: dict[str, str], is_fault: bool
) -> None:
    for differs in (False, True):
        assert matches(pattern, report(**record), absent_differs=differs) is is_fault


def test_a_pattern_keeps_within_the_length_that_cloudwatch_takes() -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html
    assert all(len(pattern) <= 1024 for pattern in PATTERNS.values())


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.eventType = "*Trail" }', True),
        ('{ $.eventType = "Update*" }', True),
        ('{ $.eventType = "Up*Trail" }', False),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ("{ $.sourceIPAddress != 111.111.* }", False),
        ('{ $.arrayKey[0] = "value" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.eventType NOT EXISTS }", False),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.arrayKey = 1 }", False),
        ("{ $.arrayKey != 1 }", False),
        ("{ $.latency <= 55.5 }", True),
        ("{ $.latency > +1000 }", False),
        ("{ $.latency < 10e3 }", True),
        ('{ ($.eventType = "x" && $.latency = 55.5) || $.arrayKey[1] = "nomatch" }', False),
        ('{ $.eventType = "UpdateTrail" || $.latency = 1 && $.arrayKey[1] = nomatch }', True),
        ('{ ($.eventType = "UpdateTrail" || $.latency = 1) && $.arrayKey[1] = nomatch }', False),
    ],
)
def test_the_evaluator_agrees_with_the_guides_examples(pattern: str, holds: bool) -> None:
    assert matches(pattern, GUIDE) is holds


def test_the_evaluator_counts_no_line_that_is_not_json() -> None:
    assert not matches("{ $.level NOT EXISTS }", "START RequestId: 1")


@pytest.mark.parametrize(
    "pattern", ["$.a = 1", "{ $.a = }", "{ ($.a = 1 }", "{ a = 1 }", "{ $.a = 1 $.b = 2 }", "{ $.a ~ 1 }"]
)
def test_the_evaluator_refuses_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(PatternError):
        matches(pattern, GUIDE)
