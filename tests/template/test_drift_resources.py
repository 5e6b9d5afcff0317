"""The drift check in the app stack's template."""

import re

import pytest

from monitoring.metrics import NAMESPACE
from tests.conftest import ROOT
from tests.template.app_stack import DRIFT, ENDPOINT, published
from tests.template.transformed import APP, flat, of_type, resources, transformed


def test_the_drift_check_is_built_by_its_makefile_for_the_processor_and_python_that_it_runs_on() -> None:
    function = resources(APP)["DriftFunction"]
    properties = function["Properties"]
    assert function["Metadata"]["BuildMethod"] == "makefile"
    built = (ROOT / properties["Code"]["S3Key"] / "Makefile").read_text()
    assert "build-DriftFunction:" in built
    (processor,) = properties["Architectures"]
    assert set(re.findall(r"manylinux\w+?_(x86_64|aarch64)", built)) == {processor}
    assert f"--python-version {properties['Runtime'].removeprefix('python')} " in built


def test_drift_is_checked_every_hour_by_a_schedule_that_a_second_stack_can_have_too() -> None:
    (schedule,) = of_type(APP, "AWS::Scheduler::Schedule").values()
    variables = of_type(APP, "AWS::Lambda::Function")["DriftFunction"]["Environment"]["Variables"]
    assert schedule["ScheduleExpression"] == f"rate({variables['WINDOW_HOURS']} hour)"
    target = flat(schedule["Target"])
    assert (target["Arn"], target["RoleArn"]) == ("DriftFunctionAliaslive", "DriftScheduleRole.Arn")
    assert "Name" not in schedule


def test_a_drift_check_that_failed_is_repeated_by_nobody() -> None:
    (schedule,) = of_type(APP, "AWS::Scheduler::Schedule").values()
    (asynchronous,) = of_type(APP, "AWS::Lambda::EventInvokeConfig").values()
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    assert flat(asynchronous["FunctionName"]) == "DriftFunction"
    assert asynchronous["Qualifier"] == "live"
    assert asynchronous["MaximumRetryAttempts"] == 0


def test_all_of_the_drift_check_and_nothing_else_waits_for_its_parameter() -> None:
    conditional = {name for name, one in resources(APP).items() if one.get("Condition") == "ChecksDrift"}
    made = {name for name in conditional if not name.startswith("DriftFunctionVersion")}
    assert made == DRIFT
    assert len(conditional) == len(made) + 1
    parameter = transformed(APP)["Parameters"]["DriftCheck"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("off", ["off", "on"])


@pytest.mark.parametrize("name", ["DriftAlarm", "LiveErrorAlarm"])
def test_an_alarm_on_the_model_watches_what_the_check_publishes(name: str) -> None:
    alarm = of_type(APP, "AWS::CloudWatch::Alarm")[name]
    assert alarm["Namespace"] == NAMESPACE
    dimensions = [one["Dimensions"] for one in published() if one["MetricName"] == alarm["MetricName"]]
    assert dimensions == [[{"Name": one["Name"], "Value": ENDPOINT} for one in alarm["Dimensions"]]]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
