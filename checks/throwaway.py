"""A temporary copy of the whole deployment, under a random name: deployed, always deleted, and metered."""

import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from checks.check import CheckError
from local.stack import ROOT
from training.model import JOB_FILE, Job
from training.sagemaker.costs import PRICES, instance_cost
from training.sagemaker.polling import pauses
from training.sagemaker.stacks import StackMissing, Stacks, read_outputs
from training.teardown import list_resources, teardown

LONGEST_WAIT = 300.0
ENDED = {"Completed", "Failed", "Stopped"}


@dataclass
class Meter:
    """Instance seconds by type, as they were measured."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, instance_type: str, seconds: float) -> None:
        """Add the seconds that instances of a type ran, each counted."""
        self.seconds[instance_type] = self.seconds.get(instance_type, 0.0) + seconds

    @contextmanager
    def running(self, instance_type: str, instances: int) -> Iterator[None]:
        """Measure the block, also one that is left by an error."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(instance_type, (time.monotonic() - started) * instances)

    def sentence(self, region: str) -> str:
        """Return what the seconds cost by the price table, and what isn't included."""
        costs = {kind: instance_cost(kind, 1, region).hourly for kind in self.seconds}
        unknown = sorted(kind for kind, cost in costs.items() if cost is None)
        total = sum(self.seconds[kind] / 3600 * cost for kind, cost in costs.items() if cost is not None)
        used = ", ".join(f"{seconds:.0f} s of {kind}" for kind, seconds in self.seconds.items())
        said = f"${total:.2f} for {used or 'no instance'} ({PRICES['region']}, prices of {PRICES['date']})"
        return (
            said
            + (f"; no price is known of {', '.join(unknown)}" if unknown else "")
            + ("; requests, logs and storage come on top")
        )


@dataclass(frozen=True)
class Copy:
    """The copy's names, and how `sam` is called in a folder of the repository."""

    name: str
    bucket: str
    out: Path
    sam: Callable[[Sequence[str], Path], None]
    meter: Meter = field(default_factory=Meter)

    @property
    def stacks(self) -> Stacks:
        """Its stacks, read anew."""
        return Stacks(self.name)

    def deploy(self, stack: str, folder: Path, parameters: Sequence[str]) -> None:
        """Deploy one of its two stacks."""
        words = ["deploy", "--stack-name", stack, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"]
        self.sam([*words, "--no-confirm-changeset", "--parameter-overrides", *parameters], folder)


def new_copy(out: Path) -> Copy:
    """Name a copy that nothing in the account is called."""
    name = f"smoke-{secrets.token_hex(4)}"
    account = boto3.client("sts").get_caller_identity()["Account"]
    return Copy(name, f"{name}-{account}", out / name, run_sam)


def run_sam(words: Sequence[str], folder: Path) -> None:
    """Run the SAM CLI in a folder, its output shown.

    Raises:
        CheckError: it isn't installed, or failed.
    """
    sam = shutil.which("sam")
    if sam is None:
        raise CheckError("The smoke test needs the SAM CLI: there is no `sam` on PATH.")
    ended = subprocess.run([sam, *words], cwd=folder, check=False)  # noqa: S603 - our own words
    if ended.returncode:
        raise CheckError(f"`sam {words[0]}` ended with {ended.returncode}; its output above says why.")


@contextmanager
def torn_down(copy: Copy) -> Iterator[None]:
    """Delete the copy after the block, whether that ends normally, by an error, or by SIGINT or SIGTERM.

    Every part is attempted, even if others fail. Signals are ignored meanwhile.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as parts:
        # The last comes first.
        for number, handler in before.items():
            parts.callback(signal.signal, number, handler)
        parts.callback(_delete_stack, copy, copy.stacks.data_name, ROOT / "training")
        parts.callback(_delete_bucket, copy)
        parts.callback(_delete_endpoint, copy)
        parts.callback(_stop_training, copy)
        parts.callback(_delete_stack, copy, copy.name, ROOT)
        parts.callback(_ignore_signals)
        yield


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _delete_stack(copy: Copy, stack: str, folder: Path) -> None:
    try:
        read_outputs(stack)
    except StackMissing:
        return
    copy.sam(["delete", "--stack-name", stack, "--no-prompts"], folder)


def _stop_training(copy: Copy) -> None:
    if not (copy.out / JOB_FILE).exists():
        return
    sagemaker = boto3.client("sagemaker")
    name = Job.read(copy.out / JOB_FILE).training_job
    jobs = sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
    if any(job["TrainingJobStatus"] not in ENDED for job in jobs):
        sagemaker.stop_training_job(TrainingJobName=name)


def _delete_endpoint(copy: Copy) -> None:
    teardown(list_resources(copy.name))


def _delete_bucket(copy: Copy) -> None:
    """Delete the bucket, which outlives its stack, with all that is in it; there may be none yet."""
    s3: Any = boto3.client("s3")
    if not any(bucket["Name"] == copy.bucket for bucket in s3.list_buckets()["Buckets"]):
        return
    for waited in pauses():
        boto3.resource("s3").Bucket(copy.bucket).object_versions.delete()
        try:
            s3.delete_bucket(Bucket=copy.bucket)
        except ClientError as error:
            # What the endpoint captured last may come after it is gone.
            if error.response["Error"]["Code"] != "BucketNotEmpty" or waited > LONGEST_WAIT:
                raise
        else:
            return
