"""Checks of the app: stacks, endpoint, labels and threshold, alarms and queues."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from checks.check import Check, Status, client, judged
from checks.scope import Scope
from checks.status.alarms import alarms_of_stack
from local.stack import ROOT
from local.template import output_keys
from monitoring.quality.evaluation import EVALUATION_FILE, read_evaluation
from training.errors import StackError
from training.model import MODEL_FILE, Model
from training.sagemaker.app_stack import CAPTURE, INSTANCES, KIND
from training.sagemaker.stacks import Outputs
from training.sagemaker.update import is_serverless

READ = "Read them with `aws sqs receive-message`; docs/deploy.md explains them."
# The outputs that are queues, and what to do about messages; reviews are expected.
QUEUES = {
    "ReviewQueueUrl": "",
    "ReviewDeadLettersUrl": READ,
    "UploadDeadLettersUrl": READ,
    "FailedExecutionsQueueUrl": "See their errors, then start them again with `workflow redrive`.",
}
# Evaluate prints four decimals.
THRESHOLD_TOLERANCE = 5e-5


def stacks(scope: Scope) -> Iterator[Check]:
    """Check that both stacks are deployed, have their templates' outputs, and use the same bucket."""
    found: dict[str, Outputs] = {}
    for kind, path in (("data", ROOT / "training/template.yaml"), ("app", ROOT / "template.yaml")):
        try:
            outputs = scope.stacks.data if kind == "data" else scope.stacks.app
        except StackError as error:
            yield Check(f"{kind} stack", Status.BAD, str(error))
            continue
        found[kind] = outputs
        missing = sorted(output_keys(path) - outputs.values.keys())
        what = f"{outputs.stack} lacks {', '.join(missing)}" if missing else outputs.stack
        yield judged(f"{kind} stack", not missing, what, f"Deploy this version of {path.relative_to(ROOT)}.")
    if len(found) == 2:
        buckets = found["data"].values.get("BucketName"), found["app"].values.get("DataBucketName")
        advice = f"Deploy the app stack with DataBucketName={buckets[0]}."
        yield judged("stacks' bucket", buckets[0] == buckets[1], " and ".join(map(str, dict.fromkeys(buckets))), advice)


def endpoint(scope: Scope) -> Iterator[Check]:
    """Check that the endpoint is in service, that the app stack knows how it serves, and that one of them captures."""
    name = scope.endpoint
    try:
        found = client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        if "Could not find" not in str(error):
            raise
        yield Check("endpoint", Status.BAD, f"there is no {name}", "Create it with `workflow deploy`.")
        return
    status, reason = found["EndpointStatus"], found.get("FailureReason", "")
    what = f"{name} is {status}" + (f" ({reason})" if reason else "")
    yield judged("endpoint", status == "InService", what, "Wait while it changes; if it failed, run `workflow deploy`.")
    serverless = is_serverless(found)
    try:
        yield from _kind(scope, serverless)
    except StackError as error:
        yield Check("endpoint's kind", Status.SKIPPED, str(error))
    if serverless:
        return
    capture = found.get("DataCaptureConfig", {})
    on = capture.get("CaptureStatus") == "Started"
    what = f"{capture.get('CurrentSamplingPercentage')}% to {capture.get('DestinationS3Uri')}" if on else "off"
    yield judged("endpoint's data capture", on, what, "Reports and drift need it: `workflow deploy --capture 100`.")


def _kind(scope: Scope, serverless: bool) -> Iterator[Check]:
    """Check the parameters by which the app stack knows how its endpoint serves, and captures in its place."""
    app = scope.stacks.app
    if app.values.get("EndpointName") != scope.endpoint:
        yield Check("endpoint's kind", Status.SKIPPED, f"{app.stack} calls another endpoint")
        return
    given = INSTANCES | dict(app.parameters)
    wanted = "serverless" if serverless else INSTANCES[KIND]
    what = f"{wanted}, and {KIND}={given[KIND]} in the stack"
    yield judged("endpoint's kind", given[KIND] == wanted, what, f"Deploy the app stack with {KIND}={wanted}.")
    on = given[CAPTURE] != "0"
    if serverless:
        what = f"{given[CAPTURE]}% of the requests" if on else "off, and a serverless endpoint has no data capture"
        advice = f"Reports and drift need it: deploy the app stack with {CAPTURE}=100."
        yield judged("Classify's capture", on, what, advice)
    elif on:
        what = f"{given[CAPTURE]}%, beside the endpoint's own data capture"
        yield Check("Classify's capture", Status.BAD, what, f"Deploy the app stack with {CAPTURE}=0.")


def labels(scope: Scope) -> Iterator[Check]:
    """Check that the model names its labels, and that those that the app stack gives are the same."""
    path = scope.out / MODEL_FILE
    if not path.exists():
        yield Check("labels", Status.SKIPPED, f"there is no {path} to compare the stack's with")
        return
    model, given = Model.read(path), scope.stacks.app.values.get("ClassLabels")
    trained = ",".join(model.labels)
    if given is None and model.release is not None:
        yield Check("labels", Status.OK, f"{trained}, as the model names them")
        return
    what = trained if given == trained else f"{given or 'none'} in the stack, {trained} in {path}"
    yield judged("labels", given == trained, what, f"Deploy the app stack with ClassLabels={trained}.")


def threshold(scope: Scope) -> Iterator[Check]:
    """Check that a threshold that the app stack gives is at least the one that the evaluation judged."""
    path = scope.out / EVALUATION_FILE
    if not path.exists():
        yield Check("threshold", Status.SKIPPED, f"there is no {path} to compare the stack's with")
        return
    evaluation = read_evaluation(path)
    if evaluation.endpoint != scope.endpoint:
        yield Check("threshold", Status.SKIPPED, f"{path} belongs to the endpoint {evaluation.endpoint}")
        return
    most = f"an error of at most {evaluation.max_error:.1%}"
    if evaluation.threshold is None:
        advice = "Train a better model, or tolerate more errors by a higher --max-error."
        yield Check("threshold", Status.BAD, f"no threshold keeps {most} among accepted images", advice)
        return
    wanted, given = evaluation.threshold, scope.stacks.app.values.get("ConfidenceThreshold")
    if given is None and evaluation.terms is not None:
        yield Check("threshold", Status.OK, f"{wanted:.4f} for {most}, as the model names it")
        return
    what = f"{given or 'none'} in the stack, {wanted:.4f} in the evaluation for {most}"
    advice = f"Deploy the app stack with ConfidenceThreshold={wanted:.4f}."
    enough = given is not None and float(given) >= wanted - THRESHOLD_TOLERANCE
    yield judged("threshold", enough, what, advice)


def alarms(scope: Scope) -> Iterator[Check]:
    """Check that no alarm of the app stack is in ALARM."""
    found = alarms_of_stack(client("cloudwatch"), scope.stack)
    if not found:
        yield Check("alarms", Status.BAD, f"none of the stack {scope.stack}", "Deploy the app stack.")
        return
    firing = sorted(one["AlarmName"] for one in found if one["StateValue"] == "ALARM")
    what = f"in ALARM: {', '.join(firing)}" if firing else f"none of {len(found)} in ALARM"
    yield judged("alarms", not firing, what, "docs/deploy.md explains each alarm.")


def queues(scope: Scope) -> Iterator[Check]:
    """Count the messages in each queue; all but the review queue must be empty."""
    outputs = scope.stacks.app.values
    for key, advice in QUEUES.items():
        if key not in outputs:
            continue
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = client("sqs").get_queue_attributes(QueueUrl=outputs[key], AttributeNames=names)["Attributes"]
        count = sum(int(attributes[name]) for name in names)
        queue = outputs[key].rpartition("/")[2]
        yield judged(
            f"queue {key.removesuffix('Url')}", count == 0 or not advice, f"{count} messages in {queue}", advice
        )
