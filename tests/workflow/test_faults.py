"""Parts that die during a run: every image is still accounted for."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from local import stack
from monitoring.cases import generate
from monitoring.run import run
from tests.processes import children, command
from tests.workflow.conftest import ENDPOINT, Deployed, wait_until_answered


def kill_once_found(pid: int, part: str, stop: threading.Event) -> None:
    """Kill the stack's process whose command names a part, once."""
    while not stop.is_set():
        for child in children(pid):
            if part in command(child) and "leash" not in command(child):
                os.kill(child, signal.SIGKILL)
                return
        time.sleep(0.05)


@pytest.mark.parametrize("part", ["serve.py", "awslambdaric"])
def test_a_part_killed_during_a_run_costs_no_image(deployed: Deployed, part: str, tmp_path: Path) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.5"})
    cases = generate(stack.BUCKET, deployed.dataset.name, tmp_path)
    stop = threading.Event()
    killer = threading.Timer(0.5, kill_once_found, [deployed.stack.pid, part, stop])
    killer.start()
    executions = run(deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"], cases, tmp_path, concurrency=2)
    stop.set()
    killer.join()
    assert [one.case for one in executions] == [case.name for case in cases]
    assert not [one for one in executions if one.outcome == "FAILED"]
    wait_until_answered()
    lines = (tmp_path / "executions.jsonl").read_text().splitlines()
    assert len({json.loads(line)["case"] for line in lines}) == len(cases)
