"""A SageMaker training job as a process that keeps the training container contract.

The contract: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html.
"""

import json
import math
import re
import subprocess
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.addresses import S3Address
from local.errors import LocalError
from local.sagemaker import container
from local.sagemaker import object_store as store

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
REASON_CHARACTERS = 1024
DEFAULT_MAX_RUNTIME = 86_400


class ChannelEmpty(LocalError):
    """A channel of a training job has no object in S3."""


class TrainingJob:
    """Runs one job to its end in a thread of its own; `record` is the request with its times and ARN."""

    def __init__(
        self, record: dict[str, Any], algorithms: Path, work: Path, s3: "S3Client", logs: "CloudWatchLogsClient"
    ) -> None:
        self._record = record
        self._program = container.program_of(record["AlgorithmSpecification"]["TrainingImage"], algorithms)
        self._work = work
        self._s3 = s3
        self._logs = logs
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping: str | None = None
        self._interrupted = False
        self._seconds = 0.0
        self._lock = threading.Lock()
        self._transitions: list[dict[str, Any]] = []
        self._state: dict[str, Any] = {"TrainingJobStatus": "InProgress", "FinalMetricDataList": []}
        self._enter("Starting")
        threading.Thread(target=self._run, daemon=True).start()

    def state(self) -> dict[str, Any]:
        """Return the status, times, metrics, artifact and failure reason as DescribeTrainingJob names them."""
        with self._lock:
            return self._state | {"SecondaryStatusTransitions": list(self._transitions)}

    def stop(self, status: str = "Stopped") -> None:
        """Ask the job to end; it becomes `Stopped`, with the secondary status given."""
        with self._lock:
            if self._state["TrainingJobStatus"] != "InProgress" or self._stopping:
                return
            self._stopping = status
            self._state["TrainingJobStatus"] = "Stopping"
            process = self._process
        if process:
            container.end(process)

    def interrupt(self) -> bool:
        """Take a spot job's instance away, so that it begins again; return whether there was one to take."""
        with self._lock:
            process = self._process
            if not self._record.get("EnableManagedSpotTraining") or self._stopping or process is None:
                return False
            self._interrupted = True
        container.end(process)
        return True

    def _run(self) -> None:
        try:
            while self._run_once():
                self._enter("Interrupted")
                self._enter("Starting")
        except Exception as error:  # noqa: BLE001 - whatever goes wrong ends the job, and the job says what it was
            self._fail(f"ClientError: {error}")

    def _run_once(self) -> bool:
        """Train on one instance to the job's end; return whether the instance was taken away before."""
        with tempfile.TemporaryDirectory(dir=self._work, prefix="training-") as folder:
            base = Path(folder)
            self._enter("Downloading")
            self._prepare(base)
            if self._stopping:
                self._finish("Stopped", self._stopping)
                return False
            self._enter("Training", TrainingStartTime=self._state.get("TrainingStartTime", _now()))
            began = time.monotonic()
            code = self._train(base)
            self._seconds += time.monotonic() - began
            self._keep_checkpoints(base)
            if self._stopping:
                self._finish("Stopped", self._stopping)
            elif self._interrupted:
                self._interrupted = False
                return True
            elif code != 0:
                self._fail(f"AlgorithmError: {self._reason(base)}, exit code: {code}")
            else:
                self._enter("Uploading")
                self._upload(base)
                self._finish("Completed", "Completed")
            return False

    def _prepare(self, base: Path) -> None:
        for folder in ("input/config", "model", "output", "checkpoints"):
            (base / folder).mkdir(parents=True)
        channels = {channel["ChannelName"]: channel for channel in self._record.get("InputDataConfig", [])}
        configuration = {
            "hyperparameters": self._record.get("HyperParameters", {}),
            "inputdataconfig": {
                name: {
                    "ContentType": channel.get("ContentType"),
                    "TrainingInputMode": "File",
                    "S3DistributionType": "FullyReplicated",
                    "RecordWrapperType": "None",
                }
                for name, channel in channels.items()
            },
            "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
        }
        for name, content in configuration.items():
            (base / f"input/config/{name}.json").write_text(json.dumps(content))
        for name, channel in channels.items():
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            if not self._download(uri, base / "input/data" / name):
                raise ChannelEmpty(f"No S3 objects found under S3 URL {uri!r} given in input data source of {name}.")
        if uri := self._record.get("CheckpointConfig", {}).get("S3Uri"):
            self._download(f"{uri.rstrip('/')}/", base / "checkpoints")

    def _download(self, uri: str, folder: Path) -> int:
        """Fetch what lies under a prefix, and return how many objects there were."""
        address = S3Address.parse(uri)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=address.bucket, Prefix=address.key)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        for key in keys:
            # As on SageMaker, what follows the prefix's last slash is the path inside the channel.
            target = folder / key[address.key.rfind("/") + 1 :]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(store.read(address.bucket, key))
        return len(keys)

    def _keep_checkpoints(self, base: Path) -> None:
        if uri := self._record.get("CheckpointConfig", {}).get("S3Uri"):
            address = S3Address.parse(uri.rstrip("/"))
            for path in sorted((base / "checkpoints").rglob("*")):
                if path.is_file():
                    key = f"{address.key}/{path.relative_to(base / 'checkpoints')}"
                    self._s3.put_object(Bucket=address.bucket, Key=key, Body=path.read_bytes())

    def _train(self, base: Path) -> int:
        environment = {"TRAINING_JOB_NAME": self._record["TrainingJobName"]}
        process = container.start(self._program / "train.py", base, environment, subprocess.PIPE)
        with self._lock:
            self._process = process
            stopped = self._stopping
        if stopped:
            container.end(process)
        limit = self._record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME)
        timer = threading.Timer(limit, self.stop, ["MaxRuntimeExceeded"])
        timer.daemon = True
        timer.start()
        try:
            self._follow(process)
            return process.wait()
        finally:
            timer.cancel()
            with self._lock:
                self._process = None

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        # In milliseconds, as a spot job may begin again within the second.
        stream = f"{self._record['TrainingJobName']}/algo-1-{int(_now() * 1000)}"
        self._logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
        definitions = self._record["AlgorithmSpecification"].get("MetricDefinitions", [])
        metrics: dict[str, dict[str, Any]] = {}
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip("\n")
            event = {"timestamp": int(_now() * 1000), "message": line or " "}
            self._logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=[event])  # type: ignore[list-item]
            for definition in definitions:
                if match := re.search(definition["Regex"], line):
                    name = definition["Name"]
                    metrics[name] = {"MetricName": name, "Value": float(match[1]), "Timestamp": _now()}
        with self._lock:
            self._state["FinalMetricDataList"] = list(metrics.values())

    def _upload(self, base: Path) -> None:
        archive = base / "model.tar.gz"
        container.pack(base / "model", archive)
        uri = f"{self._record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self._record['TrainingJobName']}"
        artifact = S3Address.parse(f"{uri}/output/model.tar.gz")
        self._s3.put_object(Bucket=artifact.bucket, Key=artifact.key, Body=archive.read_bytes())
        with self._lock:
            self._state["ModelArtifacts"] = {"S3ModelArtifacts": str(artifact)}

    def _reason(self, base: Path) -> str:
        failure = base / "output" / "failure"
        return failure.read_text(errors="replace")[:REASON_CHARACTERS] if failure.is_file() else "no reason was written"

    def _enter(self, status: str, **more: Any) -> None:
        now = _now()
        with self._lock:
            if self._transitions:
                self._transitions[-1]["EndTime"] = now
            self._transitions.append({"Status": status, "StartTime": now, "StatusMessage": status})
            self._state |= {"SecondaryStatus": status, "LastModifiedTime": now} | more

    def _finish(self, status: str, secondary: str, **more: Any) -> None:
        now = _now()
        self._enter(
            secondary,
            TrainingJobStatus=status,
            TrainingEndTime=now,
            TrainingTimeInSeconds=math.ceil(now - self._state.get("TrainingStartTime", now)),
            BillableTimeInSeconds=math.ceil(self._seconds),
            **more,
        )

    def _fail(self, reason: str) -> None:
        self._finish("Failed", "Failed", FailureReason=reason[:REASON_CHARACTERS])


def _now() -> float:
    return datetime.now(UTC).timestamp()
