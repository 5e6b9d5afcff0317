"""What a month costs, from executions on the local stack and the functions as they are deployed there."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from checks.template_setup import template_setup
from contracts.outcomes import Outcome
from inference.costs.measured import DeployedFunction, measure_executions, read_batch_size, read_functions
from inference.costs.month import Month
from inference.costs.typical import read_typical
from inference.costs.use import measured_use
from inference.costs.ways import batch, course_project, instance
from inference.executions import EXECUTIONS_FILE, Execution, write_executions
from local.template import Template
from tests.conftest import ROOT
from tests.workflow.batches import end_of, machine, put
from tests.workflow.conftest import Deployed
from training.sagemaker.costs import PRICES

FUNCTIONS = {"SerializeFunction", "ClassifyFunction", "ThresholdFunction"}


def executed(deployed: Deployed, name: str, image: bytes) -> Execution:
    """Run one image, and return its record."""
    states = boto3.client("stepfunctions")
    arn = deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"]
    given = {"s3_bucket": deployed.stack.environment["WORKFLOW_BUCKET"], "s3_key": put(f"priced/{name}.png", image)}
    started = states.start_execution(stateMachineArn=arn, name=name, input=json.dumps(given))["executionArn"]
    end = end_of(started)
    fields: dict[str, Any] = dict.fromkeys(Execution.__dataclass_fields__)
    known = {"case": name, "input": given, "outcome": Outcome.ACCEPTED, "inference_id": "i", "execution_arn": started}
    known |= {"started": end["startDate"].isoformat()}
    return Execution(**fields | known | {"seconds": (end["stopDate"] - end["startDate"]).total_seconds()})


def test_a_batch_costs_at_most_a_tenth_of_an_execution_an_image(deployed: Deployed, images: list[bytes]) -> None:
    states = boto3.client("stepfunctions")
    measured = measure_executions(states, [executed(deployed, "priced", images[0])])
    assert measured.transitions >= 3
    assert measured.seconds > 0
    # How long an image takes here depends on what else the machine does; the claim is about a second.
    measured = replace(measured, seconds=1.0)
    functions = read_functions(boto3.client("lambda"), measured.function_seconds)
    assert len(functions) == len(FUNCTIONS)
    setup = replace(template_setup("ml.m5.large", 1, 2048), batch_size=read_batch_size(states, machine(deployed)))
    month = Month(10_000, measured_use(read_typical(), measured, functions), setup, PRICES)
    assert batch(month).orchestration <= course_project(month).orchestration / 10
    assert batch(month).total < instance(month).total


def test_what_is_read_is_what_was_deployed(deployed: Deployed, images: list[bytes]) -> None:
    assert images
    parameters = {"DataBucketName": deployed.stack.environment["WORKFLOW_BUCKET"]}
    specs = Template(ROOT / "template.yaml", parameters, "us-east-1").functions()
    expected = {spec.name: DeployedFunction(spec.memory, spec.architecture) for spec in specs}
    assert set(expected) >= FUNCTIONS
    assert read_functions(boto3.client("lambda"), FUNCTIONS) == {name: expected[name] for name in FUNCTIONS}


def test_the_verb_reads_the_stack_and_not_the_template(deployed: Deployed, images: list[bytes], tmp_path: Path) -> None:
    deployed.stack.deploy({"BatchSize": "10"})
    write_executions(tmp_path / EXECUTIONS_FILE, [executed(deployed, "priced-by-the-verb", images[0])])
    command = [sys.executable, "-m", "cli", "costs", "--json", "--images-a-day", "1000", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    deployed.stack.deploy({"BatchSize": "20"})
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["source"].startswith(f"1 executions of {tmp_path / EXECUTIONS_FILE}")
    terms = {bill["name"]: {one["name"]: one for one in bill["terms"]} for bill in record["bills"]}
    # A hundred children of ten images a day, and the state machine's own four states.
    assert terms["batch"]["state transitions"]["quantity"] == pytest.approx(104 * record["days"])
    # One execution was looked at, so that its states are a whole number.
    states = terms["instance"]["state transitions"]["quantity"] / (1000 * record["days"])
    assert states == pytest.approx(round(states))
    assert states >= 3
