"""The whole workflow on this machine: the verbs' functions, one after the other, against the local stack."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from local.errors import LocalError
from local.launch import Starting, starting
from local.stack import Options, Running

if TYPE_CHECKING:
    from contracts.dataset import DatasetRecord
    from monitoring.quality.evaluation import Evaluation
    from training.model import Model

ENDPOINT = "image-classification"
SUMMARY_FILE = "summary.json"
CAPTURE_SECONDS = 30.0


class UnexpectedEnd(LocalError):
    """A test case didn't end as expected."""


@dataclass(frozen=True)
class Request:
    """The options of the demo; `images` None means all test images, `threshold` None that of the evaluation."""

    dataset: str = "sample"
    archive: Path | None = None
    verify: bool = True
    classes: tuple[str, ...] = ()
    images: int | None = None
    threshold: float | None = None
    max_error: float = 0.02
    concurrency: int = 2
    out: Path = Path("out/demo")


class Clock:
    """Times the steps and prints which one runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, what: str) -> Iterator[None]:
        """Time the block as step `name`."""
        self._console.print(f"[bold]{name}[/bold] {what}", highlight=False)
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 2)

    def total(self) -> dict[str, float]:
        """Return the seconds by step, and in total."""
        return self.seconds | {"total": round(time.monotonic() - self._started, 2)}


def run_demo(request: Request, console: Console) -> None:
    """Run every step, and write `summary.json` and everything else to `request.out`.

    Raises UnexpectedEnd where a case didn't end as expected, after everything is written.
    """
    clock = Clock(console)
    # The import takes seconds, and so does the start of the stack's process: both run beside the first step.
    threading.Thread(target=import_module, args=("training.train",), daemon=True).start()
    options = Options(logs=str(request.out / "logs"), concurrency=request.concurrency)
    with starting(options) as stack:
        summary = _steps(request, clock, stack, console)
    summary["seconds"] = clock.total()
    (request.out / SUMMARY_FILE).write_text(json.dumps(summary, indent=2) + "\n")
    _show(summary, request.out, console)
    if summary["unexpected"]:
        raise UnexpectedEnd(" ".join(summary["unexpected"]))


def _steps(request: Request, clock: Clock, stack: Starting, console: Console) -> dict[str, Any]:
    dataset, running = _stage(request, clock, stack)
    model = _serve(request, clock, running, dataset, console)
    from inference.cases import generate_cases
    from inference.run import run_cases
    from monitoring.quality.evaluate import evaluate_endpoint
    from monitoring.report.build import report_run
    from monitoring.report.findings import unexpected_ends
    from monitoring.report.panels import evaluation_sketch, write_png

    out, bucket = request.out, running.environment["WORKFLOW_BUCKET"]
    with clock.step("evaluate", "classify all test images, and choose the threshold"):
        evaluation = evaluate_endpoint(bucket, dataset.name, ENDPOINT, out, request.max_error, request.concurrency)
        write_png(out, evaluation_sketch(evaluation))
        threshold = _threshold(request, evaluation)
        parameters = {"EndpointName": ENDPOINT, "ClassLabels": ",".join(model.labels)}
        parameters |= model.image_parameters
        parameters |= {"ConfidenceThreshold": str(threshold)} if threshold is not None else {}
        running.deploy(parameters)
    with clock.step("cases", "make test cases, also from broken images"):
        cases = generate_cases(bucket, dataset.name, out, request.images)
    with clock.step("run", "send them through the state machine"):
        executions = run_cases(running.environment["WORKFLOW_STATE_MACHINE_ARN"], cases, out, request.concurrency)
    with clock.step("report", "match the captured data with the executions, and report"):
        figures = report_run(out, bucket, ENDPOINT, threshold=threshold, timeout=CAPTURE_SECONDS)
    return {
        "dataset": dataset.name,
        "classes": dataset.classes,
        "train_images": dataset.count("train"),
        "test_images": dataset.count("test"),
        "accuracy": evaluation.accuracy,
        "threshold": next((one.threshold for one in executions if one.threshold is not None), threshold),
        "outcomes": figures.outcomes,
        "executions": figures.executions,
        "reached_endpoint": figures.completeness.expected,
        "capture_records": figures.completeness.joined,
        "execution_seconds": figures.seconds,
        "unexpected": unexpected_ends(cases, executions),
    }


def _stage(request: Request, clock: Clock, stack: Starting) -> "tuple[DatasetRecord, Running]":
    """Prepare the data set while the stack starts, and lead this process to the stack."""
    from training import explore, stage

    with clock.step("stage", "get the images, check them, and put them into S3"):
        dataset = stage.stage(
            request.dataset, request.out, archive=request.archive, verify=request.verify, classes=request.classes
        )
        running = stack.ready()
        os.environ.update(running.environment)
        stage.upload(dataset, request.out, running.environment["WORKFLOW_BUCKET"])
    with clock.step("explore", "count, measure and draw samples"):
        explore.explore(dataset.name, request.out)
    return dataset, running


def _serve(request: Request, clock: Clock, running: Running, dataset: "DatasetRecord", console: Console) -> "Model":
    """Train a model, deploy it, and classify one image."""
    from training import deploy, predict, train

    bucket, role = running.environment["WORKFLOW_BUCKET"], running.environment["WORKFLOW_ROLE_ARN"]
    with clock.step("train", "run a SageMaker training job"):
        model = train.train(dataset, bucket=bucket, role_arn=role, out=request.out)
    with clock.step("deploy", "serve the model by an endpoint that captures its data"):
        deploy.deploy(model, endpoint_name=ENDPOINT, bucket=bucket, role_arn=role)
    with clock.step("predict", "classify one image by the endpoint"):
        first = sorted((request.out / dataset.folder / "test").iterdir())[0]
        for one in predict.predict(ENDPOINT, [str(first)], labels=model.labels):
            console.print(f"  {first.name}: {one.answer.label if one.answer else one.error}", highlight=False)
    return model


def _threshold(request: Request, evaluation: "Evaluation") -> float | None:
    """Return the threshold asked for, else the one that was judged; None leaves the template's."""
    return evaluation.threshold if request.threshold is None else request.threshold


def _show(summary: dict[str, Any], out: Path, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("images", f"{summary['train_images']} to train, {summary['test_images']} to test")
    table.add_row("accuracy", f"{summary['accuracy']:.3f} on the test images")
    table.add_row("threshold", str(summary["threshold"]))
    table.add_row("outcomes", ", ".join(f"{count} {outcome}" for outcome, count in summary["outcomes"].items()))
    captured = f"{summary['capture_records']} of {summary['reached_endpoint']}"
    table.add_row("captured", f"{captured} executions that reached the endpoint")
    table.add_row("seconds", ", ".join(f"{step} {seconds:.1f}" for step, seconds in summary["seconds"].items()))
    console.print(table)
    console.print(f"Report: {out / 'report.html'}")
