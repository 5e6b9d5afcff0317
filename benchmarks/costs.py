"""Measure what an image takes on the local stack, for `workflow costs`: python -m benchmarks.costs --photos FOLDER.

Trains on four of five photographs of each class, and sends the fifth through the state machine, one at a time. Does so
three times, and writes the fastest round, which other work on the machine disturbed least, to
inference/costs/typical.json.
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import boto3
from rich.console import Console

from benchmarks import logs
from benchmarks.batch import ENDPOINT, processor_seconds
from contracts.outcomes import CLASSIFIED
from inference.cases import Case
from inference.costs.measured import DeployedFunction, Measured, measure_executions
from inference.costs.typical import TYPICAL_FILE, Typical
from inference.executions import Execution
from inference.run import run_cases
from local import launch, stack
from local.template import Template
from monitoring.capture.records import CaptureRecord, read_capture_until
from monitoring.capture.sources import S3Capture
from training.deploy import deploy
from training.stage import stage
from training.train import train

# Every fifth photograph goes through the state machine. With fewer to train on, no threshold would accept anything.
SENT = 5
ROUNDS = 3
# The first executions start the functions' workers.
WARM_UP = 5
# How many executions and captured records are looked at for the bytes that they take.
LOOKED_AT = 20
CAPTURE_SECONDS = 60.0


def separate(photos: Path, folder: Path) -> list[Path]:
    """Return every fifth photograph of each class, and copy the others to `folder`, for training."""
    sent: list[Path] = []
    for source in sorted(path for path in photos.iterdir() if path.is_dir()):
        files = sorted(path for path in source.iterdir() if path.is_file())
        (folder / source.name).mkdir(parents=True)
        sent += files[::SENT]
        for path in sorted({*files} - {*sent}):
            shutil.copy(path, folder / source.name)
    return sent


def deploy_model(folder: Path) -> None:
    """Train on the photographs of a folder, and put the model behind the endpoint."""
    dataset = stage(str(folder), folder.parent, bucket=stack.BUCKET, name="photographs")
    model = train(dataset, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN, out=folder.parent, quiet=True)
    deploy(model, endpoint_name=ENDPOINT, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN)


def run(running: stack.Running, photos: Sequence[Path], out: Path) -> list[Execution]:
    """Send photographs through ClassifyImage, one at a time; each must be classified."""
    s3 = boto3.client("s3")
    cases = []
    for number, path in enumerate(photos):
        key = f"photographs/{number:06d}{path.suffix}"
        s3.upload_file(str(path), stack.BUCKET, key)
        cases.append(Case(f"photograph-{number}", {"s3_bucket": stack.BUCKET, "s3_key": key}, None, CLASSIFIED))
    found = run_cases(running.environment["WORKFLOW_STATE_MACHINE_ARN"], cases, out, 1)
    if bad := [one for one in found if one.outcome not in CLASSIFIED]:
        raise SystemExit(f"{len(bad)} photographs were not classified, the first by {bad[0].error}: {bad[0].cause}")
    return found


def model_seconds(images: int, since: datetime) -> float:
    """Return the sum of ModelLatency, once CloudWatch has that of all images."""
    cloudwatch = boto3.client("cloudwatch")
    dimensions: Any = [{"Name": "EndpointName", "Value": ENDPOINT}, {"Name": "VariantName", "Value": "AllTraffic"}]
    while True:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="ModelLatency",
            Dimensions=dimensions,
            StartTime=since,
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=86_400,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        if sum(one["SampleCount"] for one in points) >= images:
            return sum(one["Sum"] for one in points) / 1e6
        time.sleep(0.5)


def captured(executions: Sequence[Execution], since: datetime) -> dict[str, float]:
    """Return the mean bytes of a request, of an answer and of a line of captured data."""
    ids = {str(one.inference_id) for one in executions}
    end = datetime.now(UTC) + timedelta(minutes=1)
    # From before the warm-up, so that every line of every file is counted.
    found = read_capture_until(S3Capture(stack.BUCKET, ENDPOINT), ids, CAPTURE_SECONDS, since - timedelta(hours=1), end)
    records = [one for one in found if isinstance(one, CaptureRecord)]
    if missing := ids - {str(one.inference_id) for one in records}:
        raise SystemExit(f"{len(missing)} answers were not captured.")
    bodies = [one.payload() for one in records]
    runtime, s3 = boto3.client("sagemaker-runtime"), boto3.client("s3")
    answers = [
        runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType=one.content_type, Body=body)["Body"].read()
        for one, body in zip(records[:LOOKED_AT], bodies, strict=False)
    ]
    files = {one.file for one in records}
    size = sum(s3.head_object(Bucket=stack.BUCKET, Key=key)["ContentLength"] for key in files)
    return {
        "request_bytes": fmean(map(len, bodies)),
        "answer_bytes": fmean(map(len, answers)),
        "captured_bytes": size / len(records),
    }


def named(measured: Measured) -> Measured:
    """Let the functions go by their names in template.yaml, not by the ARN of their alias."""
    seconds = {arn.split(":")[-2]: value for arn, value in measured.function_seconds.items()}
    return replace(measured, function_seconds=seconds)


def express_bytes(executions: Sequence[Execution]) -> float:
    """Return what an Express execution of the same states would log, on the average of some."""
    states = boto3.client("stepfunctions")
    return fmean(logs.express_bytes(states, str(one.execution_arn)) for one in executions[:LOOKED_AT])


def functions() -> dict[str, DeployedFunction]:
    """Return memory and architecture of the template's functions by name."""
    template = Template(stack.ROOT / "template.yaml", {"DataBucketName": stack.BUCKET}, stack.REGION)
    return {spec.name: DeployedFunction(spec.memory, spec.architecture) for spec in template.functions()}


def machine() -> dict[str, Any]:
    """Say what kind of machine this is, and how many processes were waiting for its processors."""
    kind = {"processors": len(os.sched_getaffinity(0)), "architecture": platform.machine()}
    system = {"system": platform.system(), "python": platform.python_version()}
    return kind | system | {"load": os.getloadavg()[0]}


@dataclass(frozen=True)
class Round:
    """One time that all photographs were sent: the executions, and means per image."""

    executions: list[Execution]
    model_seconds: float
    processor_seconds: Mapping[str, float]
    log_bytes: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """How long an execution took."""
        return fmean(one.seconds or 0.0 for one in self.executions)


def rounds(running: stack.Running, photographs: Sequence[Path], folder: Path) -> Iterator[Round]:
    """Send all photographs several times."""
    since, images, latency = datetime.now(UTC), len(photographs), 0.0
    for number in range(1, ROUNDS + 1):
        before, logged = processor_seconds(running.pid), logs.function_bytes(running.logs)
        executions = run(running, photographs, folder / str(number))
        after, now = processor_seconds(running.pid), model_seconds(number * images, since)
        yield Round(
            executions,
            (now - latency) / images,
            {name: (used - before.get(name, 0.0)) / images for name, used in after.items()},
            logs.bytes_an_image(logged, logs.function_bytes(running.logs), images),
        )
        latency = now


def measure(photos: Path, folder: Path) -> Typical:
    """Run the benchmark on a stack of its own."""
    kind = machine()
    with launch.running(stack.Options(logs=str(folder / "logs"), concurrency=1)) as running:
        os.environ.update(running.environment)
        photographs = separate(photos, folder / "photographs")
        deploy_model(folder / "photographs")
        run(running, photographs[:WARM_UP], folder / "warm-up")
        since = datetime.now(UTC)
        best = min(rounds(running, photographs, folder), key=lambda one: one.seconds)
        measured = measure_executions(boto3.client("stepfunctions"), best.executions, len(best.executions))
        return Typical(
            date=f"{since:%Y-%m-%d}",
            machine=kind,
            images="photographs",
            measured=named(measured),
            functions=functions(),
            model_seconds=best.model_seconds,
            processor_seconds=best.processor_seconds,
            log_bytes={**best.log_bytes, "express": express_bytes(best.executions)},
            **captured(best.executions, since),
        )


def rounded(value: Any) -> Any:
    """Return a record whose numbers have five significant digits."""
    if isinstance(value, Mapping):
        return {key: rounded(one) for key, one in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main() -> None:
    """Write what was measured, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of <class>/<image> files")
    parser.add_argument("--json", type=Path, default=TYPICAL_FILE, help="file to write to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = rounded(asdict(measure(options.photos, Path(folder))))
    options.json.write_text(json.dumps(record, indent=2) + "\n")
    Console().print_json(data=record)


if __name__ == "__main__":
    main()
