"""The app stack's template and what it refers to must agree."""

import re
import tomllib
from pathlib import Path

import pytest

from checks.template_setup import template_setup
from inference.costs.setup import Monitoring
from tests.conftest import ROOT
from tests.template.app_stack import DRIFT, FUNCTIONS, calls, published, source
from tests.template.transformed import APP, DATA, flat, of_type, resources, transformed

# Read by Powertools and by the SDK.
READ_BY_LIBRARIES = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "AWS_ENDPOINT_URL"}


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
        ("ClassLabels", ["", "bicycle,motorcycle", "a b,c,d"], ["bicycle", "a,,b", ",a", "a,"]),
        ("ConfidenceThreshold", ["", "0", "1", "1.0", "0.8", ".95"], ["1.1", "-0.1", "2", "NaN", "1e-2", "0.8 ", "."]),
        ("ClassifyCapture", ["0", "7", "10", "99", "100"], ["", "101", "00", "07", "1.5", "-1", "100 ", "1e1"]),
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
    # That of an idle endpoint is there unless it is turned off.
    alarms = [alarm for name, alarm in found.items() if resources(APP)[name].get("Condition") in {None, "WatchesIdle"}]
    watched = [one for alarm in alarms for one in alarm.get("Metrics", [alarm]) if "Expression" not in one]
    made = set().union(*(calls(source(function), "metrics", "add_metric") for function in FUNCTIONS))
    custom = len(made) + len(of_type(APP, "AWS::Logs::MetricFilter"))
    guide = " ".join((ROOT / "docs/deploy.md").read_text().split())
    assert f"{custom} custom metrics" in guide
    assert f"{len(watched)} metrics that {len(alarms)} alarms watch" in guide
    setup = template_setup("ml.m5.large", 1, 1024)
    dashboards = len(of_type(APP, "AWS::CloudWatch::Dashboard"))
    assert setup.monitoring == Monitoring(len(watched), custom, dashboards)
    assert setup.capturing == Monitoring(len(watched) + 1, custom, dashboards)
    assert f"{len(published())} custom metrics and {len(found.keys() & DRIFT)} alarms more" in guide
    assert len(found) == len(alarms) + len(found.keys() & DRIFT) + 1
    assert "one more alarm while Classify captures" in guide
