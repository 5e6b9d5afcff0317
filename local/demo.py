"""The whole workflow on this machine: the verbs' functions, one after the other, against the local stack."""

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from contracts.dataset import dataset_folder, parse_lst
from local.clock import Clock
from local.errors import LocalError
from local.guidance import explain, next_steps, say
from local.launch import Starting, starting
from local.stack import Options, Running
from local.state.folder import set_aside

if TYPE_CHECKING:
    from contracts.dataset import DatasetRecord
    from monitoring.quality.diagnosis import Diagnosis
    from monitoring.quality.evaluation import Evaluation
    from training.model import Model

ENDPOINT = "image-classification"
SUMMARY_FILE = "summary.json"
STATE = "state"
CAPTURE_SECONDS = 30.0
# What later steps import takes seconds.
IMPORTED_BESIDE = ("training.train", "monitoring.report.build")
# Enough to show every outcome; the model is judged by all test images anyway.
IMAGES = 60


class UnexpectedEnd(LocalError):
    """A test case didn't end as expected, or the first image has no answer."""


@dataclass(frozen=True)
class Request:
    """The options of the demo; `images` of the test images go through the state machine, by default IMAGES.

    `threshold` overrides the model's own.
    """

    dataset: str = "sample"
    archive: Path | None = None
    verify: bool = True
    classes: tuple[str, ...] = ()
    images: int | None = None
    threshold: float | None = None
    max_error: float = 0.02
    concurrency: int = 2
    out: Path = Path("out/demo")


def run_demo(request: Request, console: Console, afterwards: Callable[[], None] | None = None) -> None:
    """Run every step, and write `summary.json` and everything else to `request.out`.

    `afterwards` is called last, while the stack still runs and this process is led to it.

    The stack's state is kept in `request.out`; that of a demo before is set aside, and one before that is gone.

    Raises UnexpectedEnd where a case didn't end as expected, after everything is written, and FolderInUse where another
    stack uses the state.
    """
    clock = Clock(console)
    # Beside the first steps, as the start of the stack's process.
    threading.Thread(target=lambda: [import_module(name) for name in IMPORTED_BESIDE], daemon=True).start()
    state = request.out / STATE
    if old := set_aside(state, "--out"):
        say(console, f"What the last demo made is now in {old}.")
    options = Options(logs=str(request.out / "logs"), concurrency=request.concurrency, state=str(state))
    with starting(options) as stack:
        summary = _steps(request, clock, stack, console)
        summary["seconds"] = clock.total()
        (request.out / SUMMARY_FILE).write_text(json.dumps(summary, indent=2) + "\n")
        _show(summary, clock, request.out, console)
        if afterwards:
            afterwards()
    say(console, *next_steps(state))
    if summary["unexpected"]:
        raise UnexpectedEnd(" ".join(summary["unexpected"]))


def _steps(request: Request, clock: Clock, stack: Starting, console: Console) -> dict[str, Any]:
    dataset, running = _stage(request, clock, stack)
    model, out_of_fold = _train(request, clock, running, dataset)
    _serve(request, clock, running, model, console)
    from inference.cases import generate_cases
    from inference.run import run_cases
    from monitoring.quality.diagnosis import diagnose
    from monitoring.quality.evaluate import evaluate_endpoint
    from monitoring.quality.show import view
    from monitoring.quality.verdict import on_other_threshold
    from monitoring.report.build import report_run
    from monitoring.report.findings import unexpected_ends
    from monitoring.report.panels import evaluation_sketch, write_png
    from monitoring.report.subject import TrainedModel

    out, bucket = request.out, running.environment["WORKFLOW_BUCKET"]
    with clock.step("evaluate", "judge the model by all test images"):
        evaluation = evaluate_endpoint(bucket, dataset.name, ENDPOINT, out, request.max_error, request.concurrency)
        write_png(out, evaluation_sketch(evaluation))
    with clock.step("run", "send test images, also broken ones, through the state machine"):
        cases = generate_cases(bucket, dataset.name, out, request.images or IMAGES)
        executions = run_cases(running.environment["WORKFLOW_STATE_MACHINE_ARN"], cases, out, request.concurrency)
    with clock.step("report", "match the captured data with the executions, and report"):
        release = model.release.release if model.release else None
        named = TrainedModel(model.training_job, model.dataset, release)
        figures = report_run(out, bucket, ENDPOINT, threshold=request.threshold, timeout=CAPTURE_SECONDS, model=named)
    diagnosis = diagnose(evaluation, out_of_fold)
    console.print(view(diagnosis))
    if request.threshold is not None and (line := on_other_threshold(evaluation, request.threshold)):
        say(console, line)
    return {
        "dataset": dataset.name,
        "classes": dataset.classes,
        "train_images": dataset.count("train"),
        "test_images": dataset.count("test"),
        **_verdict(diagnosis),
        "threshold": evaluation.threshold if request.threshold is None else request.threshold,
        "outcomes": figures.outcomes,
        "review_reasons": figures.review_reasons,
        "executions": figures.executions,
        "reached_endpoint": figures.completeness.expected,
        "capture_records": figures.completeness.joined,
        "execution_seconds": figures.seconds,
        "unexpected": unexpected_ends(cases, executions),
    }


def _verdict(diagnosis: "Diagnosis") -> dict[str, Any]:
    """What `summary.json` says of the model."""
    evaluation = diagnosis.evaluation
    return {
        "usability": diagnosis.verdict.usability,
        "release": evaluation.terms.release if evaluation.terms else None,
        "accuracy": evaluation.accuracy,
        "coverage": evaluation.judged.coverage,
        "error": evaluation.judged.error if evaluation.judged.accepted else None,
    }


def _stage(request: Request, clock: Clock, stack: Starting) -> "tuple[DatasetRecord, Running]":
    """Prepare the data set while the stack starts, and lead this process to the stack."""
    from training import stage

    with clock.step("stage", "get the images, check them, and put them into S3"):
        dataset = stage.stage(
            request.dataset, request.out, archive=request.archive, verify=request.verify, classes=request.classes
        )
        running = stack.ready()
        os.environ.update(running.environment)
        stage.upload(dataset, request.out, running.environment["WORKFLOW_BUCKET"])
    return dataset, running


def _train(
    request: Request, clock: Clock, running: Running, dataset: "DatasetRecord"
) -> "tuple[Model, Evaluation | None]":
    """Train a model, and judge it by its out-of-fold predictions."""
    from monitoring.quality.out_of_fold import MOST_BYTES, PREDICTIONS, judge_training
    from training import explore, train
    from training.archives import read_file
    from training.sagemaker.request import TrainingOptions

    out, bucket, role = request.out, running.environment["WORKFLOW_BUCKET"], running.environment["WORKFLOW_ROLE_ARN"]
    options = TrainingOptions(max_error=request.max_error)
    # The job is another process's work, and this one only waits for it.
    with clock.step("train", "run a SageMaker training job, and explore the data set meanwhile"):
        with ThreadPoolExecutor(1) as beside:
            exploring = beside.submit(explore.explore, dataset.name, out)
            model = train.train(dataset, bucket=bucket, role_arn=role, out=out, options=options)
            exploring.result()
        content = read_file(model.output, PREDICTIONS, MOST_BYTES)
        judged = None
        if content is not None and model.release is not None:
            judged = judge_training(content, model.dataset, model.training_job, model.release, out)
    return model, judged


def _serve(request: Request, clock: Clock, running: Running, model: "Model", console: Console) -> None:
    """Deploy the model and the app stack that uses it, and classify one image."""
    from training import deploy, predict

    bucket, role = running.environment["WORKFLOW_BUCKET"], running.environment["WORKFLOW_ROLE_ARN"]
    with clock.step("deploy", "serve the model by an endpoint that captures its data"):
        deploy.deploy(model, endpoint_name=ENDPOINT, bucket=bucket, role_arn=role)
        override = {} if request.threshold is None else {"ConfidenceThreshold": str(request.threshold)}
        running.deploy({"EndpointName": ENDPOINT, **model.image_parameters, **override})
    with clock.step("predict", "classify one image by the endpoint"):
        split = request.out / dataset_folder(model.dataset) / "test"
        first = parse_lst(split.with_suffix(".lst").read_text(), len(model.labels), "test.lst")[0]
        (one,) = predict.predict(ENDPOINT, [str(split / first.file)], labels=model.labels)
        if one.answer is None:
            raise UnexpectedEnd(f"{first.file}: {one.error}")
        threshold = one.answer.threshold if request.threshold is None else request.threshold
        say(console, *explain(first.file, model.labels[first.label], one.answer, threshold))


def _show(summary: dict[str, Any], clock: Clock, out: Path, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("images", f"{summary['train_images']} to train, {summary['test_images']} to test")
    table.add_row("outcomes", ", ".join(f"{count} {outcome}" for outcome, count in summary["outcomes"].items()))
    if reasons := summary["review_reasons"]:
        table.add_row("review", ", ".join(f"{count} {reason}" for reason, count in reasons.items()))
    captured = f"{summary['capture_records']} of {summary['reached_endpoint']}"
    table.add_row("captured", f"{captured} executions that reached the endpoint")
    console.print(table)
    console.print(clock.table())
    console.print(f"Report: {out / 'report.html'}")
