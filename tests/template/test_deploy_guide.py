"""docs/deploy.md says what the templates and the verbs have."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer

import cli
from tests.conftest import ROOT
from tests.template.transformed import APP, DATA, of_type, transformed
from training.sagemaker.costs import PRICES

GUIDE = (ROOT / "docs/deploy.md").read_text()
PARAMETERS = {name: one for path in (APP, DATA) for name, one in transformed(path)["Parameters"].items()}
SIGNS = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}
SAM = tomllib.loads((ROOT / "samconfig.toml").read_text())


def table(first: str) -> list[list[str]]:
    """Return the rows of the table whose first column has a name, without its head."""
    lines = GUIDE[GUIDE.index(f"| {first} |") :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def limit(alarm: dict[str, Any]) -> str:
    """Return how the guide writes when an alarm fires."""
    threshold = alarm["Threshold"]
    if isinstance(threshold, dict):
        threshold = f"{PARAMETERS[threshold['Ref']]['Default']} (`{threshold['Ref']}`)"
    seconds = {one["MetricStat"]["Period"] for one in alarm.get("Metrics", ()) if "MetricStat" in one}
    (period,) = seconds or {alarm["Period"]}
    number = alarm["EvaluationPeriods"]
    if isinstance(number, dict):
        periods = f"each of {PARAMETERS[number['Ref']]['Default']} (`{number['Ref']}`) periods of "
    else:
        periods = f"{alarm.get('DatapointsToAlarm', number)} of {number} periods of " if number > 1 else ""
    return f"{SIGNS[alarm['ComparisonOperator']]} {threshold} in {periods}{period // 60} min"


def variables() -> Iterator[str]:
    """Yield the environment variables that options of the verbs read."""
    for verb in typer.main.get_command(cli.app).commands.values():  # type: ignore[attr-defined]  # it is a group
        for option in verb.params:
            yield from [option.envvar] if isinstance(option.envvar, str) else option.envvar or ()


def test_every_alarm_has_its_limit() -> None:
    written = {f"{name}Alarm": row[2] for row in table("alarm") for name in row[0].split(", ")}
    assert written == {name: limit(alarm) for name, alarm in of_type(APP, "AWS::CloudWatch::Alarm").items()}


def test_every_variable_that_a_verb_reads_is_named_and_no_other() -> None:
    named = {name for row in table("variable") for name in re.findall("`(WORKFLOW_[A-Z_]+)`", row[0])}
    assert named == set(variables())
    for path in (ROOT / "cli").glob("*.py"):
        assert set(re.findall(r"environ(?:\.get)?[\[(]\W*(\w+)", path.read_text())) <= named, path


def test_a_default_in_brackets_behind_a_parameter_is_the_templates() -> None:
    told = re.findall(r"`(\w+)` \((\d+)\)", GUIDE)
    assert {"CaptureDays", "OldVersionDays", "LogRetentionDays"} <= {name for name, _ in told}
    for name, value in told:
        assert PARAMETERS[name]["Default"] == int(value)


def test_the_requests_that_capture_a_million_images_cost_what_the_guide_says() -> None:
    assert f"For 1,000,000 images that is ${PRICES['s3_put'] * 1_000_000:.2f} in S3" in " ".join(GUIDE.split())


def test_queues_keep_messages_as_long_as_the_guide_says() -> None:
    days = {queue["MessageRetentionPeriod"] / 86_400 for queue in of_type(APP, "AWS::SQS::Queue").values()}
    (row,) = [row for row in table("where") if "queues" in row[0]]
    assert {f"{day:g} days" for day in days} == {row[2]}


def test_a_review_goes_to_the_dead_letters_as_late_as_the_guide_and_the_output_say() -> None:
    policy = of_type(APP, "AWS::SQS::Queue")["ReviewQueue"]["RedrivePolicy"]
    said = f"received {policy['maxReceiveCount']} times and not finished"
    (row,) = [row for row in table("alarm") if row[0] == "DeadLetters"]
    assert said in row[1]
    assert said in transformed(APP)["Outputs"]["ReviewDeadLettersUrl"]["Description"]


@pytest.mark.parametrize("command", ["local_invoke", "local_start_lambda"])
@pytest.mark.parametrize("environment", [name for name in SAM if name != "version"])
def test_a_function_of_sam_local_reaches_nothing_unless_it_is_told_to(environment: str, command: str) -> None:
    path = ROOT / SAM[environment][command]["parameters"]["env_vars"]
    url = urlsplit(json.loads(path.read_text())["Parameters"]["AWS_ENDPOINT_URL"])
    # Nothing in a container listens on the port of the discard service.
    assert (url.scheme, url.hostname, url.port) == ("http", "127.0.0.1", 9)
    for name, function in of_type(APP, "AWS::Lambda::Function").items():
        # SAM sets no variable that the template doesn't declare.
        assert "AWS_ENDPOINT_URL" in function["Environment"]["Variables"], name
