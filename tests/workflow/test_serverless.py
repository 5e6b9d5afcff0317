"""A serverless endpoint, for which Classify captures: its batches are monitored as those of any other endpoint are."""

import json
import shutil
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.outcomes import CLASSIFIED
from inference.batch import BATCHES
from inference.cases import generate_cases
from inference.run import run_cases
from local import stack
from monitoring.capture.endpoint_metrics import invocations
from monitoring.capture.records import CaptureRecord, read_capture
from monitoring.capture.sources import S3Capture
from monitoring.report.build import report_run
from monitoring.report.page import REPORT_FILE
from tests.commands import workflow
from tests.waiting import wait_until
from tests.workflow.batches import put, rows_of
from tests.workflow.conftest import ROLE, Deployed
from training.deploy import deploy
from training.sagemaker.app_stack import follow_endpoint
from training.sagemaker.endpoint import VARIANT, EndpointOptions
from training.sagemaker.stacks import DEFAULT_STACK, Stacks
from training.teardown import list_resources, teardown

BATCH = 24


@pytest.fixture
def endpoint(deployed: Deployed, request: pytest.FixtureRequest) -> Iterator[str]:
    """A serverless endpoint of the test's own, with the shared model, which the app stack calls."""
    name, options = f"idle-{zlib.crc32(request.node.name.encode())}", EndpointOptions(serverless_memory=1024)
    deployed.stack.deploy({"EndpointName": name})
    deploy(deployed.model, endpoint_name=name, bucket=stack.BUCKET, role_arn=ROLE, options=options)
    assert follow_endpoint(DEFAULT_STACK, name, 100)
    yield name
    teardown(list_resources(name))


def captured(endpoint: str) -> list[str]:
    """Return the inference ids of what was captured, in the order of the files."""
    records = [*read_capture(S3Capture(stack.BUCKET, endpoint), datetime.now(UTC) - timedelta(hours=1))]
    assert all(isinstance(one, CaptureRecord) for one in records)
    return [str(one.inference_id) for one in records if isinstance(one, CaptureRecord)]


def lost(logs: Path) -> int:
    """Return how many records Classify has counted as not captured, by its metric in the log."""
    # There is none before the first call.
    lines = [
        line for path in logs.glob("ClassifyFunction.log") for line in path.read_text(errors="replace").splitlines()
    ]
    return sum(int(json.loads(line)["CaptureFailed"][0]) for line in lines if '"CaptureFailed":' in line)


def test_what_a_batch_sent_to_the_endpoint_is_captured_and_every_verb_works_on_it(
    deployed: Deployed, endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [path.read_bytes() for path in sorted((deployed.out / deployed.dataset.folder / "test").iterdir())]
    for number in range(BATCH):
        put(f"idle/{number:03d}.png", photos[number % len(photos)])
    shutil.copytree(deployed.out, tmp_path, dirs_exist_ok=True)
    name, out = ("--name", deployed.dataset.name), ("--out", str(tmp_path))
    assert workflow("batch", "--prefix", "idle/", *out) == 0
    assert "The endpoint has started" in capsys.readouterr().out
    (folder,) = (tmp_path / BATCHES).iterdir()
    rows = rows_of(folder)
    assert (len(rows), {row["outcome"] for row in rows} - {"ACCEPTED", "REVIEW"}) == (BATCH, set())
    assert sorted(captured(endpoint)) == sorted(row["inference_id"] for row in rows)
    assert lost(deployed.stack.logs) == 0
    assert workflow("evaluate", *name, *out) == 0
    assert workflow("baseline", *out) == 0
    capsys.readouterr()
    assert workflow("drift", "--since", "1h", *out) == 0
    assert f"{BATCH} records" in capsys.readouterr().out
    assert workflow("quality", *name, *out) == 0
    # One request started the endpoint, and the evaluation sent the others.
    invoked, now = BATCH + 1 + len(photos), datetime.now(UTC)
    wait_until(lambda: sum(invocations(endpoint, [VARIANT], now - timedelta(hours=1), now).values()) == invoked)
    assert workflow("report", "--since", "1h", *out) == 0
    page = (tmp_path / REPORT_FILE).read_text()
    assert f"Data capture holds only {BATCH} of {invoked} invocations" in page
    assert "Classify captures for this serverless endpoint" in page


@pytest.mark.drill("Faults of the system")
def test_records_that_s3_refuses_fail_no_image_and_are_counted_and_reported_as_missing(
    deployed: Deployed, endpoint: str, tmp_path: Path
) -> None:
    cases = [one for one in generate_cases(stack.BUCKET, deployed.dataset.name, tmp_path, 6) if one.truth]
    machine, parameters, before = Stacks().state_machine_arn, Stacks().app.parameters, lost(deployed.stack.logs)
    deployed.stack.deploy({**parameters, "DataBucketName": "no-such-bucket"})
    unrecorded = run_cases(machine, cases[:4], tmp_path)
    assert lost(deployed.stack.logs) - before == len(unrecorded)
    deployed.stack.deploy(parameters)
    executions = run_cases(machine, cases, tmp_path, resume=True)
    assert {one.outcome for one in executions} <= {*CLASSIFIED}
    completeness = report_run(tmp_path, stack.BUCKET, endpoint, timeout=1.0).completeness
    assert (completeness.expected, completeness.joined) == (len(cases), len(cases) - len(unrecorded))
    assert completeness.missing == sorted(str(one.inference_id) for one in unrecorded)
    assert f"Data capture holds only {completeness.joined} of" in (tmp_path / REPORT_FILE).read_text()
