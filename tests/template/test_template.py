"""The app stack's template and what it wires: they must say the same."""

import ast
import importlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from inference.run import LONGEST_EXECUTION
from local.template import substitute
from monitoring.drift.verdict import FEWEST, NAMESPACE, judge, publish
from monitoring.drift.window import Window
from tests.conftest import ROOT
from tests.template.transformed import APP, DATA, flat, of_type, resources, transformed
from tests.unit.samples import baseline

FUNCTIONS = {"SerializeFunction": "serialize", "ClassifyFunction": "classify", "ThresholdFunction": "threshold"}
CLIENTS = {"SerializeFunction": "S3", "ClassifyFunction": "RUNTIME"}
# Read by Powertools and by the SDK.
READ_BY_LIBRARIES = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "AWS_ENDPOINT_URL"}
ENDPOINT = "watched"
# These come with the condition ChecksDrift, some of them made by SAM.
DRIFT = {
    "DriftFunction",
    "DriftFunctionAliaslive",
    "DriftFunctionEventInvokeConfig",
    "DriftFunctionHourly",
    "DriftRole",
    "DriftScheduleRole",
    "DriftLogs",
    "DriftAlarm",
    "DriftCheckAlarm",
}


def source(function: str) -> ast.Module:
    code: str = of_type(APP, "AWS::Lambda::Function")[function]["Code"]["S3Key"]
    return ast.parse((ROOT / code / "app.py").read_text())


def published() -> list[dict[str, Any]]:
    """Return the metrics that the drift check puts for a window with a verdict."""
    images = baseline(FEWEST)
    cloudwatch = Mock()
    publish(judge(ENDPOINT, images, Window(images.classes, images.image_size), images.sample), cloudwatch)
    return list(cloudwatch.put_metric_data.call_args.kwargs["MetricData"])


def calls(tree: ast.Module, owner: str, method: str) -> set[str]:
    """Return the first argument of each call of a method of something with that name."""
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == f"{owner}.{method}"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def definition(machine: str) -> tuple[str, dict[str, Any]]:
    """Return a state machine's text before its substitutions, and these."""
    properties = of_type(APP, "AWS::StepFunctions::StateMachine")[machine]
    return (ROOT / properties["DefinitionS3Location"]["Key"]).read_text(), properties["DefinitionSubstitutions"]


def states_of(machine: str) -> dict[str, Any]:
    """Return a state machine's definition with what each substitution refers to in its place."""
    text, substitutions = definition(machine)
    return dict(json.loads(substitute(text, {name: flat(value) for name, value in substitutions.items()})))


def tasks_of(function: str) -> list[dict[str, Any]]:
    """Return the states of the single-image machine that call a function."""
    states = states_of("ClassifyImage")["States"].values()
    return [state for state in states if state.get("Parameters", {}).get("FunctionName") == f"{function}Aliaslive"]


@pytest.mark.parametrize("path", [APP, DATA], ids=lambda path: path.parent.name)
def test_every_parameter_says_what_it_is_and_refuses_what_it_cannot_be(path: Path) -> None:
    for name, parameter in transformed(path)["Parameters"].items():
        assert parameter["Description"].endswith("."), name
        bounded = "AllowedPattern" in parameter or "AllowedValues" in parameter
        assert bounded or {"MinValue", "MaxValue"} <= parameter.keys(), name


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("AlarmEmail", ["", "a.b@example.org"], ["nobody", "a@b", "a b@c.d", "a@b.c, d@e.f"]),
        ("ClassLabels", ["bicycle,motorcycle", "a b,c,d"], ["bicycle", "a,,b", ",a", "a,"]),
        ("EndpointName", ["image-classification", "a"], ["", "-a", "a_b", "a" * 64]),
        ("DataBucketName", ["my-bucket.1"], ["Upper", "a", "-ab", "ab-"]),
    ],
)
def test_a_parameters_pattern_takes_good_values_and_refuses_bad_ones(
    name: str, good: list[str], bad: list[str]
) -> None:
    pattern = transformed(APP)["Parameters"][name]["AllowedPattern"]
    assert all(re.fullmatch(pattern, value) for value in good)
    assert not any(re.fullmatch(pattern, value) for value in bad)


@pytest.mark.parametrize("function", [*FUNCTIONS, "DriftFunction"])
def test_a_function_reads_the_variables_that_the_template_sets_and_no_others(function: str) -> None:
    variables = of_type(APP, "AWS::Lambda::Function")[function]["Environment"]["Variables"]
    assert set(variables) - READ_BY_LIBRARIES == calls(source(function), "environment", "get")
    assert set(variables) >= READ_BY_LIBRARIES


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


def test_the_drift_alarm_watches_what_the_check_publishes() -> None:
    alarm = of_type(APP, "AWS::CloudWatch::Alarm")["DriftAlarm"]
    assert alarm["Namespace"] == NAMESPACE
    dimensions = [one["Dimensions"] for one in published() if one["MetricName"] == alarm["MetricName"]]
    assert dimensions == [[{"Name": one["Name"], "Value": ENDPOINT} for one in alarm["Dimensions"]]]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_sdk_gives_up_before_lambda_and_lambda_before_the_task(function: str) -> None:
    timeout = of_type(APP, "AWS::Lambda::Function")[function]["Timeout"]
    (task,) = tasks_of(function)
    assert timeout < task["TimeoutSeconds"]
    if function in CLIENTS:
        app = importlib.import_module(f"functions.{FUNCTIONS[function]}.app")
        config = getattr(app, CLIENTS[function]).meta.config
        attempts = config.retries["total_max_attempts"]
        # Between two attempts the SDK's standard mode waits a second at most.
        assert attempts * (config.connect_timeout + config.read_timeout) + (attempts - 1) < timeout


@pytest.mark.parametrize("machine", ["ClassifyImage", "ClassifyImageExpress", "ClassifyBatch"])
def test_a_definition_and_its_substitutions_name_the_same_things_and_they_exist(machine: str) -> None:
    text, substitutions = definition(machine)
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(substitutions)
    known = set(resources(APP)) | set(transformed(APP)["Parameters"])
    assert {flat(value) for value in substitutions.values() if not isinstance(value, int)} <= known


def test_the_express_and_the_standard_machine_differ_in_how_long_they_retry_alone() -> None:
    (text, standard), (same, express) = definition("ClassifyImage"), definition("ClassifyImageExpress")
    assert text == same
    differing = {name for name in standard if standard[name] != express[name]}
    assert differing == {"MaxAttempts", "MaxDelaySeconds", "TimeoutSeconds"}


def longest_waits(retry: dict[str, Any]) -> list[float]:
    """Return the upper bound of each wait of a retrier; with full jitter a wait is half of it on average."""
    waits = (retry["IntervalSeconds"] * retry["BackoffRate"] ** number for number in range(retry["MaxAttempts"]))
    return [min(wait, retry["MaxDelaySeconds"]) for wait in waits]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_transient_error_is_retried_for_minutes_and_a_crash_is_not(function: str) -> None:
    transient, crash = tasks_of(function)[0]["Retry"]
    assert 5 * 60 < sum(longest_waits(transient)) / 2 < sum(longest_waits(transient)) < 20 * 60
    assert sum(longest_waits(crash)) < 60
    assert set(crash["ErrorEquals"]) == {
        "Runtime.ExitError",
        "Runtime.OutOfMemory",
        "Sandbox.Timedout",
        "States.Timeout",
    }


def test_a_standard_execution_outlasts_the_retries_of_two_states_and_an_express_one_ends_within_5_minutes() -> None:
    machine = states_of("ClassifyImage")
    retried = [sum(longest_waits(one["Retry"][0])) for one in machine["States"].values() if "Retry" in one]
    assert 2 * max(retried) < machine["TimeoutSeconds"] < LONGEST_EXECUTION
    assert states_of("ClassifyImageExpress")["TimeoutSeconds"] < 300


def test_executions_are_traced_and_logged_without_the_image() -> None:
    for machine in of_type(APP, "AWS::StepFunctions::StateMachine").values():
        assert machine["TracingConfiguration"] == {"Enabled": True}
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


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


def test_the_input_of_an_execution_that_fails_times_out_or_is_aborted_is_kept_in_a_queue_with_an_alarm() -> None:
    rule = of_type(APP, "AWS::Events::Rule")["FailedExecutionsRule"]
    detail = flat(rule["EventPattern"])["detail"]
    assert detail == {"status": ["FAILED", "TIMED_OUT", "ABORTED"], "stateMachineArn": ["ClassifyImage"]}
    assert flat(rule["Targets"][0]["Arn"]) == "FailedExecutions.Arn"
    (statement,) = flat(of_type(APP, "AWS::SQS::QueuePolicy")["FailedExecutionsPolicy"]["PolicyDocument"]["Statement"])
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": "FailedExecutionsRule.Arn"}}
    alarm = of_type(APP, "AWS::CloudWatch::Alarm")["FailedAgeAlarm"]
    assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
    assert flat(alarm["Dimensions"]) == [{"Name": "QueueName", "Value": "FailedExecutions.QueueName"}]


def test_every_alarm_tells_the_topic_and_is_quiet_where_nothing_happens() -> None:
    alarms = of_type(APP, "AWS::CloudWatch::Alarm")
    for alarm in alarms.values():
        assert flat(alarm["AlarmActions"]) == ["AlarmTopic"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmDescription"].endswith(".")


@pytest.mark.parametrize("checks_drift", [False, True])
def test_the_dashboard_shows_every_alarm_that_the_stack_has(checks_drift: bool) -> None:
    alarms = {name for name, one in resources(APP).items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    (shown,) = (one["properties"]["alarms"] for one in dashboard(checks_drift) if one["type"] == "alarm")
    assert sorted(shown) == sorted(f"${{{name}.Arn}}" for name in alarms - (set() if checks_drift else DRIFT))


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


def dashboard(checks_drift: bool = False) -> list[dict[str, Any]]:
    """Return the dashboard's widgets, a number in place of each parameter that is one."""
    body, values = of_type(APP, "AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    for name, value in values.items():
        condition, on, off = value["Fn::If"]
        assert condition == "ChecksDrift"
        body = body.replace(f"${{{name}}}", flat(on if checks_drift else off))
    return list(json.loads(re.sub(r"(?<!\")\$\{(MaxReviewRate|ConfidenceThreshold)\}", "0.5", body))["widgets"])


def test_the_dashboards_widgets_do_not_cover_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for one in dashboard():
        cells = {
            (x, y) for x in range(one["x"], one["x"] + one["width"]) for y in range(one["y"], one["y"] + one["height"])
        }
        assert not taken & cells
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_queues_are_encrypted_keep_two_weeks_and_what_nobody_can_finish_goes_to_dead_letters() -> None:
    queues = of_type(APP, "AWS::SQS::Queue")
    assert all(one["SqsManagedSseEnabled"] is True for one in queues.values())
    assert all(one["MessageRetentionPeriod"] == 14 * 24 * 3600 for one in queues.values())
    assert flat(queues["ReviewQueue"]["RedrivePolicy"])["deadLetterTargetArn"] == "ReviewDeadLetters.Arn"
    (target,) = of_type(APP, "AWS::Events::Rule")["UploadRule"]["Targets"]
    assert flat(target["DeadLetterConfig"]) == {"Arn": "UploadDeadLetters.Arn"}


@pytest.mark.parametrize("path", [ROOT / "samconfig.toml", ROOT / "training/samconfig.toml"])
def test_every_environment_deploys_to_a_stack_of_its_own_without_flags(path: Path) -> None:
    environments = tomllib.loads(path.read_text())
    del environments["version"]
    stacks = {one["global"]["parameters"]["stack_name"] for one in environments.values()}
    assert len(stacks) == len(environments)
    for one in environments.values():
        assert one["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
        assert one["deploy"]["parameters"]["resolve_s3"] is True


def test_the_costs_that_the_guide_names_count_the_metrics_and_alarms_of_the_template() -> None:
    found = of_type(APP, "AWS::CloudWatch::Alarm")
    alarms = [alarm for name, alarm in found.items() if name not in DRIFT]
    watched = [one for alarm in alarms for one in alarm.get("Metrics", [alarm]) if "Expression" not in one]
    made = set().union(*(calls(source(function), "metrics", "add_metric") for function in FUNCTIONS))
    custom = len(made) + len(of_type(APP, "AWS::Logs::MetricFilter"))
    guide = " ".join((ROOT / "docs/deploy.md").read_text().split())
    assert f"{custom} custom metrics" in guide
    assert f"{len(watched)} metrics that {len(alarms)} alarms watch" in guide
    assert f"{len(published())} custom metrics and {len(found) - len(alarms)} alarms more" in guide
