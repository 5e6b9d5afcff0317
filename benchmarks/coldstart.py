"""Time the functions' start and their warm calls: python -m benchmarks.coldstart.

Import is that of a fresh interpreter, tracing on as in Lambda, beside the same client of boto3 and Powertools alone.
Cold and warm calls go through the Runtime API to a real runtime, against the local stack's S3 and an endpoint with a
trained model. Classify is timed twice, the second time while it captures each request. The parts of a warm call are
timed inside one process; "own" is what is left of it.
"""

import argparse
import base64
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local import launch, sam, stack
from local.lambdas import Function
from local.template import FunctionSpec, Template
from training.datasets.sample import sample_archive
from training.deploy import deploy
from training.sagemaker.costs import PRICES
from training.stage import stage
from training.train import train

ENDPOINT = "image-classification"
KEY = "samples/bicycle.png"
IMPORTS = 7
COLD = 3
WARM = 300
CAPTURING = "Classify, capturing"
POWERTOOLS = "from aws_lambda_powertools import Logger, Metrics, Tracer; Logger(); Metrics(); Tracer(auto_patch=False)"


@dataclass(frozen=True)
class Subject:
    """A function: its folder, what it can't start without, and the parts of it that are timed by name."""

    folder: str
    alone: str
    parts: Mapping[str, str]


SUBJECTS = {
    "SerializeFunction": Subject(
        "serialize", f"import boto3; boto3.client('s3'); {POWERTOOLS}", {"S3": "read_object", "decode": "model_input"}
    ),
    "ClassifyFunction": Subject(
        "classify",
        f"import boto3; boto3.client('sagemaker-runtime'); {POWERTOOLS}",
        {"endpoint": "invoke", "capture": "capture"},
    ),
    "ThresholdFunction": Subject("threshold", POWERTOOLS, {}),
}


@dataclass
class Context:
    """What Lambda tells a handler of its call, as far as Powertools reads it."""

    function_name: str
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"


def importing(spec: FunctionSpec, programs: Sequence[str], environment: Mapping[str, str]) -> list[float]:
    """Return the shortest time in milliseconds that a fresh interpreter takes for each program; they take turns."""
    variables = {"PATH": os.environ["PATH"], "LAMBDA_TASK_ROOT": str(spec.code), **spec.environment, **environment}

    def once(statements: str) -> float:
        program = f"import time; t = time.perf_counter(); {statements}; print(time.perf_counter() - t)"
        answer = subprocess.run(  # noqa: S603 - statements of ours
            [sys.executable, "-c", program], cwd=spec.code, env=variables, capture_output=True, text=True, check=True
        )
        return float(answer.stdout.splitlines()[-1]) * 1000

    rounds = [[once(program) for program in programs] for _ in range(IMPORTS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def calling(spec: FunctionSpec, event: bytes, environment: Mapping[str, str], logs: Path) -> tuple[float, float]:
    """Return the median milliseconds of a first call and of a later one, through the Runtime API."""
    cold, warm = [], []
    for _ in range(COLD):
        function = Function(spec, stack.REGION, environment, logs, concurrency=1)
        try:
            cold.append(_milliseconds(function.invoke, event))
            warm += [_milliseconds(function.invoke, event) for _ in range(WARM // COLD)]
        finally:
            function.stop()
    return statistics.median(cold), statistics.median(warm)


def parting(name: str, event: Any) -> dict[str, float]:
    """Return the median milliseconds of a warm call's parts; the function reads its variables from the process."""
    subject = SUBJECTS[name]
    app = importlib.import_module(f"functions.{subject.folder}.app")
    spent: dict[str, float] = {}

    def timing(label: str, part: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return part(*arguments, **named)
            finally:
                spent[label] = (time.perf_counter() - began) * 1000

        return timed

    for label, part in subject.parts.items():
        setattr(app, part, timing(label, getattr(app, part)))
    handler = timing("total", app.lambda_handler)
    calls: list[dict[str, float]] = []
    for _ in range(WARM):
        handler(event, Context(name))
        calls.append({**spent, "own": 2 * spent["total"] - sum(spent.values())})
    return {label: statistics.median(call[label] for call in calls) for label in calls[0]}


def _milliseconds(call: Callable[[bytes], object], event: bytes) -> float:
    began = time.perf_counter()
    call(event)
    return (time.perf_counter() - began) * 1000


def measure(out: Path, console: Console) -> None:
    """Start a stack, put a model behind its endpoint, and print a row for each function."""
    table, typical = Table("", "import", "alone", "ratio", "cold", "warm", "parts of a warm call"), {}
    with launch.running(stack.Options(logs=str(out))) as running:
        os.environ.update(running.environment)
        archive = sample_archive(out, ("bicycle", "motorcycle"), counts={"train": 60, "test": 15})
        dataset = stage("cifar100", out, bucket=stack.BUCKET, archive=archive, verify=False, name="small")
        model = train(dataset, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN, out=out, quiet=True)
        deploy(model, endpoint_name=ENDPOINT, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN)
        sam.upload_samples()
        picture = (stack.ROOT / "events/images/bicycle.png").read_bytes()
        given = {"s3_bucket": stack.BUCKET, "s3_key": KEY}
        events: dict[str, Any] = {
            "SerializeFunction": given,
            "ClassifyFunction": given | {"image_data": base64.b64encode(picture).decode()},
            "ThresholdFunction": given | {"confidence": 1.0, "threshold": 0.8},
        }
        environment = {name: value for name, value in running.environment.items() if name.startswith("AWS_")}
        for title, spec in _specs().items():
            subject, event = SUBJECTS[spec.name], events[spec.name]
            ours, alone = importing(spec, ("import app", subject.alone), environment)
            cold, typical[title] = calling(spec, json.dumps(event).encode(), environment, out)
            parts = _in_a_process(spec, event, environment)
            said = ", ".join(f"{label} {value:.1f}" for label, value in parts.items() if label != "total")
            figures = (f"{ours:.0f}", f"{alone:.0f}", f"{ours / alone:.2f}", f"{cold:.0f}", f"{typical[title]:.1f}")
            table.add_row(title, *figures, said)
    console.print(
        "Milliseconds: import as the best of several, beside boto3 and Powertools alone; the rest as medians."
    )
    console.print(table)
    longer, dollars = typical[CAPTURING] / typical["Classify"], PRICES["s3_put"] * 1_000_000
    console.print(
        f"To capture takes Classify {longer:.2f} times as long, and ${dollars:.2f} in S3 for 1,000,000 images."
    )


def _specs() -> dict[str, FunctionSpec]:
    """Return the functions by their titles; Classify is there with and without capturing."""

    def named(**parameters: str) -> dict[str, FunctionSpec]:
        given = {"DataBucketName": stack.BUCKET} | parameters
        specs = Template(stack.ROOT / "template.yaml", given, stack.REGION).functions()
        return {spec.name.removesuffix("Function"): spec for spec in specs}

    return named() | {CAPTURING: named(ClassifyCapture="100")["Classify"]}


def _in_a_process(spec: FunctionSpec, event: Any, environment: Mapping[str, str]) -> dict[str, float]:
    variables = {"PATH": os.environ["PATH"], **spec.environment, **environment}
    command = [sys.executable, "-m", "benchmarks.coldstart", "--parts", spec.name, "--event", json.dumps(event)]
    answer = subprocess.run(  # noqa: S603 - this module
        command, cwd=stack.ROOT, env=variables, capture_output=True, text=True, check=True
    )
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def main() -> None:
    """Measure all functions, or in this process the parts of one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", choices=SUBJECTS, help=argparse.SUPPRESS)
    parser.add_argument("--event", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.parts:
        print(json.dumps(parting(options.parts, options.event)))  # noqa: T201
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), Console())


if __name__ == "__main__":
    main()
