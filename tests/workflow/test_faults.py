"""Parts that die during a run: every image is still accounted for."""

import json
import os
import signal
from pathlib import Path

import boto3
import pytest

from inference.cases import generate_cases
from inference.run import run_cases
from local import stack
from tests.processes import children, command
from tests.workflow.conftest import ENDPOINT, Deployed, wait_until_answered


@pytest.mark.parametrize("part", ["serve.py", "awslambdaric"])
@pytest.mark.drill("Processes that are killed")
def test_a_part_killed_during_a_run_costs_no_image(deployed: Deployed, part: str, tmp_path: Path) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.5"})
    cases = generate_cases(stack.BUCKET, deployed.dataset.name, tmp_path)
    states = boto3.client("stepfunctions")
    begun, killed = [], []

    def kill_after_the_third(**_: object) -> None:
        begun.append(True)
        if len(begun) == 3:
            of_part = [one for one in children(deployed.stack.pid) if part in command(one)]
            killed.append(next(one for one in of_part if "supervisor" not in command(one)))
            os.kill(killed[0], signal.SIGKILL)

    # Two run at once: when the third begins, one has ended, so that every part has a process, and one is under way.
    states.meta.events.register("after-call.sfn.StartExecution", kill_after_the_third)
    machine = deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"]
    executions = run_cases(machine, cases, tmp_path, concurrency=2, client=states)
    assert len(killed) == 1
    assert [one.case for one in executions] == [case.name for case in cases]
    assert [(one.error, one.cause) for one in executions if one.outcome == "FAILED"] == []
    wait_until_answered()
    lines = (tmp_path / "executions.jsonl").read_text().splitlines()
    assert len({json.loads(line)["case"] for line in lines}) == len(cases)
