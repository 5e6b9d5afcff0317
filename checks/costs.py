"""The bill of a month, from executions and the deployed stack where there are any, else from the benchmark."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from checks.check import client
from contracts.errors import WorkflowError
from inference.costs.crossings import Crossing, crossings, most_images
from inference.costs.measured import measure_executions, read_batch_size, read_functions
from inference.costs.month import DAYS, LEFT_OUT, Month
from inference.costs.setup import Setup
from inference.costs.typical import read_typical
from inference.costs.use import ImageUse, measured_use, typical_use
from inference.costs.ways import bills, cheapest
from inference.executions import EXECUTIONS_FILE, read_executions
from training.sagemaker import aws_errors
from training.sagemaker.costs import PRICES
from training.sagemaker.stacks import Stacks


@dataclass(frozen=True)
class Basis:
    """What a bill rests on: what an image uses, how the workflow is deployed, and in words where that comes from."""

    use: ImageUse
    setup: Setup
    source: str


def typical_basis(setup: Setup) -> Basis:
    """Return what the benchmark measured, with its own account of where and when."""
    typical = read_typical()
    return Basis(typical_use(typical), setup, f"{typical.sentence}; `workflow run` measures yours.")


def basis(setup: Setup, out: Path, machine: str | None, stack: str) -> Basis:
    """Measure the executions of *out*; where there are none, or they can't be read, take the benchmark's figures.

    *machine* is the ARN of the ClassifyBatch whose batch size counts, None for that of *stack*.
    """
    path = out / EXECUTIONS_FILE
    if not path.exists():
        return typical_basis(setup)
    typical = read_typical()
    try:
        states = client("stepfunctions")
        measured = measure_executions(states, read_executions(path))
        functions = read_functions(client("lambda"), measured.function_seconds)
        batch_size = read_batch_size(states, machine or Stacks(stack).batch_state_machine_arn)
    except (WorkflowError, ClientError, BotoCoreError) as error:
        why = str(error) if isinstance(error, WorkflowError) else aws_errors.sentence(error)
        return Basis(typical_use(typical), setup, f"{typical.sentence}, as {path} can't be measured: {why}")
    source = f"{measured.executions} executions of {path}; the model's time and all bytes are from {typical.sentence}."
    return Basis(measured_use(typical, measured, functions), replace(setup, batch_size=batch_size), source)


@dataclass(frozen=True)
class Comparison:
    """The bills of a month on every way, and where the ways cross."""

    month: Month
    crossings: list[Crossing]
    source: str

    def to_record(self) -> dict[str, Any]:
        """All of it, as `--json` prints it."""
        found = bills(self.month)
        return {
            "images_a_day": self.month.images_a_day,
            "days": DAYS,
            "prices": {name: PRICES[name] for name in ("date", "region", "currency")},
            "source": self.source,
            "left_out": LEFT_OUT,
            "setup": asdict(self.month.setup),
            "busy": self.month.busy,
            "most_images_a_day": most_images(self.month),
            "cheapest": cheapest(found).name,
            "bills": [bill.to_record() for bill in found],
            "crossings": [asdict(one) for one in self.crossings],
        }


def compare(images_a_day: int, given: Basis) -> Comparison:
    """Return the bills at a number of images a day; raises CostsError where there is no price of the instances."""
    month = Month(images_a_day, given.use, given.setup, PRICES)
    return Comparison(month, crossings(month), given.source)
