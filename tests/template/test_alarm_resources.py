"""The alarms and the dashboard in the app stack's template."""

import json
import re
from typing import Any

import pytest

from monitoring.metrics import NAMESPACE
from tests.conftest import ROOT
from tests.template.app_stack import FUNCTIONS, calls, published, source, tasks_of
from tests.template.transformed import APP, flat, of_type, resources, transformed, under
from training.sagemaker.alarms import ERRORS_AND_LATENCIES

VARIANT = [{"Name": "EndpointName", "Value": "EndpointName"}, {"Name": "VariantName", "Value": "VariantName"}]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_fault_is_an_error_that_the_state_machine_has_no_name_for(function: str) -> None:
    (task,) = tasks_of(function)
    named = {name for rule in [*task["Retry"], *task["Catch"]] for name in rule["ErrorEquals"] if "." not in name}
    faults = of_type(APP, "AWS::Logs::MetricFilter")[function.removesuffix("Function") + "Faults"]
    assert set(re.findall(r'\$\.errorType != "(\w+)"', faults["FilterPattern"])) == named


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_new_version_is_rolled_back_by_the_functions_own_alarm(function: str) -> None:
    name = function.removesuffix("Function")
    group = of_type(APP, "AWS::CodeDeploy::DeploymentGroup")[f"{function}DeploymentGroup"]
    condition, watched, unwatched = group["AlarmConfiguration"]["Fn::If"]
    assert condition == "WatchesDeployments"
    assert flat(watched) == {"Enabled": True, "Alarms": [{"Name": f"{name}FaultsAlarm"}]}
    assert unwatched == {}
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    alarm = of_type(APP, "AWS::CloudWatch::Alarm")[f"{name}FaultsAlarm"]
    (metric,) = of_type(APP, "AWS::Logs::MetricFilter")[f"{name}Faults"]["MetricTransformations"]
    assert (alarm["Namespace"], flat(alarm["MetricName"])) == (metric["MetricNamespace"], flat(metric["MetricName"]))


def test_a_fix_can_be_deployed_while_its_alarm_is_in_alarm() -> None:
    template = transformed(APP)
    assert template["Conditions"]["WatchesDeployments"] == {"Fn::Equals": [{"Ref": "DeploymentAlarms"}, "on"]}
    parameter = template["Parameters"]["DeploymentAlarms"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("on", ["on", "off"])
    assert "DeploymentAlarms=off" in (ROOT / "docs/deploy.md").read_text()


def test_every_alarm_tells_the_topic_and_is_quiet_where_nothing_happens() -> None:
    alarms = of_type(APP, "AWS::CloudWatch::Alarm")
    for alarm in alarms.values():
        assert flat(alarm["AlarmActions"]) == ["AlarmTopic"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmDescription"].endswith(".")


@pytest.mark.parametrize(
    "holding",
    [(), ("ChecksDrift",), ("ClassifyCaptures",), ("WatchesIdle",), ("ChecksDrift", "ClassifyCaptures", "WatchesIdle")],
)
def test_the_dashboard_shows_every_alarm_that_the_stack_has(holding: tuple[str, ...]) -> None:
    alarms = {name: one for name, one in resources(APP).items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    made = {name for name, one in alarms.items() if one.get("Condition") in {None, *holding}}
    (shown,) = (one["properties"]["alarms"] for one in dashboard(*holding) if one["type"] == "alarm")
    assert sorted(shown) == sorted(f"${{{name}.Arn}}" for name in made)


def test_an_endpoint_is_idle_where_its_instances_run_and_every_hour_has_no_request() -> None:
    alarm = of_type(APP, "AWS::CloudWatch::Alarm")["IdleAlarm"]
    *expressions, invocations, processors = alarm["Metrics"]
    assert [one["Expression"] for one in expressions] == ["SUM([invocations, none])", "processors * 0"]
    metrics = [invocations, processors]
    assert [(one["Id"], one["MetricStat"]["Metric"]["MetricName"]) for one in metrics] == [
        ("invocations", "Invocations"),
        # SageMaker sends it every minute while an instance runs, and never for a serverless endpoint.
        ("processors", "CPUUtilization"),
    ]
    assert {str(flat(one["MetricStat"]["Metric"]["Dimensions"])) for one in metrics} == {str(VARIANT)}
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert flat(alarm["EvaluationPeriods"]) == "IdleHours"
    assert "DatapointsToAlarm" not in alarm
    hours = transformed(APP)["Parameters"]["IdleHours"]
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert hours["MaxValue"] * metrics[0]["MetricStat"]["Period"] == 7 * 86_400
    assert transformed(APP)["Conditions"]["WatchesIdle"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "IdleHours"}, 0]}]}


def test_an_update_of_the_endpoint_is_not_rolled_back_because_nobody_asks_it() -> None:
    idle = of_type(APP, "AWS::CloudWatch::Alarm")["IdleAlarm"]
    names = {one["MetricStat"]["Metric"]["MetricName"] for one in idle["Metrics"] if "MetricStat" in one}
    assert not names & ERRORS_AND_LATENCIES


def test_the_metrics_of_ours_that_alarms_and_dashboard_show_are_those_that_are_made() -> None:
    emitted = set().union(*(calls(source(function), "metrics", "add_metric") for function in FUNCTIONS))
    emitted |= {one["MetricName"] for one in published()}
    filtered = {
        flat(one["MetricName"])
        for metric_filter in of_type(APP, "AWS::Logs::MetricFilter").values()
        for one in metric_filter["MetricTransformations"]
    }
    alarms = of_type(APP, "AWS::CloudWatch::Alarm").values()
    alarmed = {flat(alarm["MetricName"]) for alarm in alarms if alarm.get("Namespace") == NAMESPACE}
    assert alarmed <= emitted | filtered
    shown: set[str] = set()
    for widget in dashboard():
        namespace = ""
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                shown |= set(re.findall(rf'^SEARCH.*{NAMESPACE},.*MetricName="(\w+)"', metric[0]["expression"]))
                continue
            if metric[0] == "...":
                continue
            namespace = namespace if metric[0] == "." else metric[0]
            shown |= {metric[1]} if namespace == NAMESPACE else set()
    assert shown == emitted | filtered


def dashboard(*holding: str) -> list[dict[str, Any]]:
    """Return the dashboard's widgets, a number in place of each parameter that is one; conditions as for `under`."""
    body, values = of_type(APP, "AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    for name, value in flat(under(values, *holding)).items():
        body = body.replace(f"${{{name}}}", value)
    return list(json.loads(re.sub(r"(?<![\w\"])\$\{Max\w+\}", "0.5", body))["widgets"])


def test_the_dashboards_widgets_do_not_cover_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for one in dashboard():
        cells = {
            (x, y) for x in range(one["x"], one["x"] + one["width"]) for y in range(one["y"], one["y"] + one["height"])
        }
        assert not taken & cells
        assert max(x for x, _ in cells) < 24
        taken |= cells
