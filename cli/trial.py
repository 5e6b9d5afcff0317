"""The verbs that try the model and the workflow by the test images."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.captured import threshold_line
from cli.options import DEFAULT_OUT, Bucket, Concurrency, Endpoint, Json, Name, Out, Stack, StateMachine, error_rate
from cli.show import print_json, say, show, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from monitoring.quality.diagnosis import Diagnosis

app = Verbs()


@app.command()
def evaluate(
    bucket: Bucket = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    name: Name = "sample",
    max_error: Annotated[
        float | None,
        typer.Option(
            parser=error_rate,
            metavar="SHARE",
            help="Highest error rate among accepted images; by default the one that training was told.",
        ),
    ] = None,
    concurrency: Concurrency = 2,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Judge the model by the test images.

    Says whether it is usable and why. The images judge the threshold that came with the model; where none did, half of
    the images choose one, and the other half judge it.
    """
    from monitoring.quality.diagnosis import diagnose
    from monitoring.quality.evaluate import evaluate_endpoint
    from monitoring.quality.evaluation import EVALUATION_FILE, MAX_ERROR
    from monitoring.quality.show import view
    from monitoring.report.panels import evaluation_sketch, write_png
    from training.model import MODEL_FILE, Model

    release = Model.read(out / MODEL_FILE).release if (out / MODEL_FILE).exists() else None
    if max_error is None:
        max_error = release.threshold.max_error if release else MAX_ERROR
    stacks = Stacks(stack)
    bucket, endpoint = bucket or stacks.bucket, endpoint or stacks.endpoint
    found = evaluate_endpoint(bucket, name, endpoint, out, max_error, concurrency)
    write_png(out, evaluation_sketch(found))
    diagnosis = diagnose(found)
    if as_json:
        print_json(_record(diagnosis) | {"file": out / EVALUATION_FILE})
        return
    show(view(diagnosis))
    if line := threshold_line(stacks, found):
        say(line)
    say(f"Evaluation: {out / EVALUATION_FILE}")


def _record(diagnosis: "Diagnosis") -> dict[str, object]:
    """Return a diagnosis for JSON, without what evaluation.json has of each image."""
    evaluation = diagnosis.evaluation
    return {
        "dataset": evaluation.dataset,
        "endpoint": evaluation.endpoint,
        "release": evaluation.terms and evaluation.terms.release,
        "images": evaluation.images,
        "accuracy": evaluation.accuracy,
        "accuracy_interval": evaluation.accuracy_interval,
        "chance": evaluation.chance,
        "max_error": evaluation.max_error,
        "judged": evaluation.judged,
        "unfamiliar": evaluation.unfamiliar,
        "expected_calibration_error": evaluation.expected_calibration_error,
        "verdict": diagnosis.verdict,
        "classes": diagnosis.classes,
        "confusions": diagnosis.confusions,
        "suspects": diagnosis.suspects,
        "remedies": diagnosis.remedies,
    }


@app.command()
def cases(
    bucket: Bucket = None,
    stack: Stack = DEFAULT_STACK,
    name: Name = "sample",
    images: Annotated[int | None, typer.Option(min=1, help="Test images to make a case of; all by default.")] = None,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Make events for `workflow run`.

    Takes a data set's test images, and adds broken ones.
    """
    from contracts.locks import exclusive
    from inference.cases import CASES_FILE, generate_cases

    bucket = bucket or Stacks(stack).bucket
    with exclusive(out):
        generated = generate_cases(bucket, name, out, images)
    if as_json:
        print_json({"cases": len(generated), "folder": out / "events", "file": out / CASES_FILE})
    else:
        say(f"{len(generated)} cases: {out / 'events'}")


@app.command()
def run(
    state_machine: StateMachine = None,
    stack: Stack = DEFAULT_STACK,
    concurrency: Concurrency = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what an earlier run finished.")] = False,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Run the state machine on each event.

    Writes the outcomes to executions.jsonl. The exit code is 1 if executions failed.
    """
    from collections import Counter

    from contracts.locks import exclusive
    from contracts.outcomes import Outcome
    from inference.cases import CASES_FILE, read_cases
    from inference.executions import EXECUTIONS_FILE
    from inference.failures import failures_of, require_success
    from inference.run import run_cases

    listed = read_cases(out / CASES_FILE)
    machine = state_machine or Stacks(stack).state_machine_arn
    with exclusive(out):
        executions = run_cases(machine, listed, out, concurrency, resume=resume)
    counts = Counter(one.outcome for one in executions)
    outcomes = {outcome: counts[outcome] for outcome in Outcome}
    if as_json:
        failures, file = failures_of(executions), out / EXECUTIONS_FILE
        print_json({"executions": len(executions), "outcomes": outcomes, "failures": failures, "file": file})
    else:
        table(("outcome", "images"), sorted(counts.items()))
        say(f"Executions: {out / EXECUTIONS_FILE}")
    require_success(executions)
