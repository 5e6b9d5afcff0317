"""Follow a training job: its log as it comes, and a line of progress read from the log."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from training.sagemaker.polling import pauses

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeTrainingJobResponseTypeDef

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
ENDED = frozenset({"Completed", "Failed", "Stopped"})
# The built-in algorithm writes "Epoch[3] Validation-accuracy=0.83", ours "validation-accuracy=0.91".
EPOCH = re.compile(r"\bEpoch\[(\d+)\]")
ACCURACY = re.compile(r"(?<![\w-])(train|validation)-accuracy=([0-9.]+)", re.IGNORECASE)


class Log:
    """The log of one training job in CloudWatch Logs, which may have several streams."""

    def __init__(self, job: str, client: "CloudWatchLogsClient") -> None:
        self._job = job
        self._client = client
        self._tokens: dict[str, str] = {}

    def new_lines(self) -> Iterator[str]:
        """Yield what was written since the last call."""
        for stream in self._streams():
            while True:
                token = self._tokens.get(stream)
                asked: GetLogEventsRequestTypeDef = {
                    "logGroupName": LOG_GROUP,
                    "logStreamName": stream,
                    "startFromHead": True,
                }
                if token:
                    asked["nextToken"] = token
                answer = self._client.get_log_events(**asked)
                self._tokens[stream] = answer["nextForwardToken"]
                yield from (event["message"] for event in answer["events"])
                if answer["nextForwardToken"] == token:
                    break

    def _streams(self) -> list[str]:
        try:
            answer = self._client.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self._job}/")
        except self._client.exceptions.ResourceNotFoundException:
            return []  # The account's first job makes the group when it writes its first line.
        return [stream["logStreamName"] for stream in answer["logStreams"]]


def watch(name: str, sagemaker: "SageMakerClient", *, quiet: bool = False) -> "DescribeTrainingJobResponseTypeDef":
    """Wait until the training job has ended, printing its log, and return its last description.

    `quiet` leaves the log out and shows the progress alone.
    """
    log = Log(name, boto3.client("logs"))
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    # The log is the output; only a terminal shows what moves below it.
    console = Console(soft_wrap=True, markup=False, highlight=False)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        summary = Summary()
        polls = pauses()
        while True:
            next(polls)
            job = sagemaker.describe_training_job(TrainingJobName=name)
            # What it wrote before it ended is there by now.
            for line in log.new_lines():
                summary.read(line)
                if not quiet:
                    console.print(line)
            progress.update(task, description=f"{name}: {job['SecondaryStatus']} {summary}".rstrip())
            if job["TrainingJobStatus"] in ENDED:
                return job


class Summary:
    """The latest epoch and accuracies in a log."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def read(self, line: str) -> None:
        """Read the values in a line."""
        if match := EPOCH.search(line):
            self._values["epoch"] = match[1]
        for split, value in ACCURACY.findall(line):
            self._values[f"{split.lower()} accuracy"] = value

    def __str__(self) -> str:
        """All of it on one line."""
        return ", ".join(f"{name} {value}" for name, value in self._values.items())
