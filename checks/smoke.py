"""Deploy everything under a random name, test it and delete it; on AWS this costs money, which it reports."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import boto3

from checks.check import Check, Status, attempt, judged
from checks.faults import faults
from checks.throwaway import Copy, new_copy, torn_down
from contracts.layout import Prefix
from contracts.outcomes import CLASSIFIED
from inference.batch import Request, require_account, run_batch
from local.stack import ROOT
from monitoring.capture.records import CaptureRecord, read_capture
from monitoring.capture.sources import S3Capture
from monitoring.capture.span import Span
from monitoring.drift.check import check_drift
from monitoring.drift.make_baseline import make_baseline
from monitoring.drift.result import Verdict
from monitoring.quality.evaluate import evaluate_endpoint
from monitoring.quality.evaluation import EVALUATION_FILE, read_evaluation
from training.deploy import deploy, rollback
from training.model import MODEL_FILE, Model
from training.sagemaker.build_image import build_image
from training.sagemaker.endpoint import EndpointOptions
from training.sagemaker.polling import pauses
from training.sagemaker.update import canary_of
from training.stage import stage
from training.teardown import list_resources
from training.train import train

ALGORITHM = "mirror_ridge"
DATASET = "sample"
OPTIONS = EndpointOptions(instances=2)  # A canary takes at most half.
UPLOADS = 3
BAKE = 60
LONGEST_WAIT = 900.0
Step = Callable[[Copy], Iterator[Check]]


def smoke(report: Callable[[Check], None], copy: Copy | None = None, *, build: bool = True) -> None:
    """Report each step's checks, then the teardown's and the cost; `build` makes and pushes the container first."""
    copy = copy or new_copy(Path("out"))
    report(Check("copy", Status.OK, f"stacks {copy.name} and {copy.stacks.data_name}, bucket {copy.bucket}"))
    try:
        with torn_down(copy):
            _deploy(report, copy, build=build)
    finally:
        report(Check("cost", Status.OK, copy.meter.sentence(boto3.Session().region_name or "")))
    left = [f"{thing.kind} {thing.name}" for thing in list_resources(copy.name)]
    found = ", ".join(left) or "log groups and the container image are left"
    report(judged("teardown", not left, found, "Delete them; they cost money."))


def _deploy(report: Callable[[Check], None], copy: Copy, *, build: bool) -> None:
    if build:
        build_image(ALGORITHM)
    copy.deploy(copy.stacks.data_name, ROOT / "training", [f"DataBucketName={copy.bucket}"])
    role = copy.stacks.role_arn
    dataset = stage(DATASET, copy.out, bucket=copy.bucket)
    model = train(dataset, bucket=copy.bucket, role_arn=role, out=copy.out, algorithm=ALGORITHM)
    copy.meter.add("ml.m5.large", model.billable_seconds)
    report(Check("training", Status.OK, f"{model.training_job}, {model.billable_seconds} s billed"))
    with copy.meter.running(OPTIONS.instance_type, OPTIONS.instances):
        deploy(model, endpoint_name=copy.name, bucket=copy.bucket, role_arn=role, options=OPTIONS)
        report(Check("endpoint", Status.OK, f"{copy.name} is in service"))
        evaluate_endpoint(copy.bucket, dataset.name, copy.name, copy.out)
        _deploy_app(copy, model)
        report(Check("app stack", Status.OK, copy.name))
        for name, step in STEPS.items():
            for check in attempt(name, partial(step, copy)):
                report(check)


def _deploy_app(copy: Copy, model: Model) -> None:
    parameters = [
        f"DataBucketName={copy.bucket}",
        f"EndpointName={copy.name}",
        *(f"{name}={value}" for name, value in model.image_parameters.items()),
    ]
    copy.sam(["build"], ROOT)
    copy.deploy(copy.name, ROOT, parameters)


def uploads(copy: Copy) -> Iterator[Check]:
    """Check that uploads to incoming/ are classified."""
    s3, states = boto3.client("s3"), boto3.client("stepfunctions")
    test = sorted((copy.out / "datasets" / DATASET / "test").glob("*.png"))[:UPLOADS]
    keys = {f"{Prefix.INCOMING}{path.name}" for path in test}
    for path in test:
        s3.put_object(Bucket=copy.bucket, Key=f"{Prefix.INCOMING}{path.name}", Body=path.read_bytes())
    machine = copy.stacks.state_machine_arn
    outcomes: dict[str, str] = {}
    for waited in pauses():
        for listed in states.list_executions(stateMachineArn=machine)["executions"]:
            execution = states.describe_execution(executionArn=listed["executionArn"])
            key = json.loads(execution["input"]).get("s3_key")
            if key in keys and execution["status"] != "RUNNING":
                output = json.loads(execution.get("output") or "{}")
                outcomes[key] = output.get("outcome", execution["status"])
        if outcomes.keys() == keys or waited > LONGEST_WAIT:
            break
    good = outcomes.keys() == keys and {*outcomes.values()} <= {*CLASSIFIED}
    what = f"{len(outcomes)} of {len(keys)} ended: {', '.join(sorted(outcomes.values()))}"
    yield judged("uploads", good, what, "See the executions' history.")


def classify_batch(copy: Copy) -> Iterator[Check]:
    """Check that a batch accounts for every image."""
    request = Request(copy.bucket, copy.stacks.batch_state_machine_arn, prefix=f"datasets/{DATASET}/test/")
    ended = run_batch(request, copy.out)
    require_account(ended)
    account = ended.account
    what = f"{account.listed} images: {account.accepted} accepted, {account.review} for review, {account.failed} failed"
    yield judged("batch", account.failed == 0 and account.listed > 0, what, f"See {ended.folder}.")


def capture(copy: Copy) -> Iterator[Check]:
    """Check that the endpoint captures its data."""
    records = 0
    for waited in pauses():
        found = read_capture(S3Capture(copy.bucket, copy.name))
        records = sum(isinstance(record, CaptureRecord) for record in found)
        if records or waited > LONGEST_WAIT:
            break
    yield judged("capture", records > 0, f"{records} records", "See the endpoint's data capture.")


def drift(copy: Copy) -> Iterator[Check]:
    """Check drift detection: the test images themselves must not count as drift."""
    evaluation = read_evaluation(copy.out / EVALUATION_FILE)
    reference = make_baseline(copy.bucket, evaluation, copy.out)
    found = check_drift(copy.name, reference, S3Capture(copy.bucket, copy.name), Span()).drift
    what = f"{found.verdict}, {found.records} records"
    drifted = ", ".join(check.name for check in found.drifted)
    yield judged("drift", found.verdict is not Verdict.DRIFT, what, f"Drifted: {drifted}.")


def canary(copy: Copy) -> Iterator[Check]:
    """Check that an update by canary succeeds and can be rolled back, watched by the endpoint's alarms."""
    model = Model.read(copy.out / MODEL_FILE)
    sagemaker = boto3.client("sagemaker")

    def config() -> str:
        return sagemaker.describe_endpoint(EndpointName=copy.name)["EndpointConfigName"]

    before, role = config(), copy.stacks.role_arn
    options = EndpointOptions(instances=OPTIONS.instances, capture_percentage=50)
    # A second fleet runs beside the first meanwhile.
    with copy.meter.running(OPTIONS.instance_type, OPTIONS.instances):
        watched = canary_of(copy.name, 50, BAKE, ())
        deploy(model, endpoint_name=copy.name, bucket=copy.bucket, role_arn=role, options=options, canary=watched)
        yield judged("canary", config() != before, f"{config()} after {before}", "See the endpoint.")
        rollback(copy.name)
        yield judged("rollback", config() == before, f"{config()}, {before} before", "See the endpoint.")


STEPS: dict[str, Step] = {
    "uploads": uploads,
    "batch": classify_batch,
    "capture": capture,
    "drift": drift,
    "canary": canary,
    "faults": faults,
}
