"""A SageMaker training job as a process that keeps the training container contract.

The contract: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html.
"""

import logging
import math
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.sagemaker import container
from local.sagemaker.job_states import JobStates, State
from local.sagemaker.training_files import REASON_CHARACTERS, TrainingFiles
from local.sagemaker.training_log import write_log

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

DEFAULT_MAX_RUNTIME = 86_400

logger = logging.getLogger(__name__)


class TrainingJob:
    """Runs one job to its end in a thread of its own; `record` is the request with its times and ARN."""

    def __init__(
        self, record: dict[str, Any], algorithms: Path, work: Path, s3: "S3Client", logs: "CloudWatchLogsClient"
    ) -> None:
        """Start the job; raise ProgramNotFound where its image has no program in `algorithms`."""
        self._record = record
        self._program = container.program_of(record["AlgorithmSpecification"]["TrainingImage"], algorithms)
        self._work = work
        self._s3 = s3
        self._logs = logs
        self._states = JobStates()
        # Guards the process, which its own thread starts and others end, and the state that a stop leads to.
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stops_as = State.STOPPED
        self._seconds = 0.0
        threading.Thread(target=self._run, daemon=True).start()

    def describe(self) -> dict[str, Any]:
        """Return the status, times, metrics, artifact and failure reason as DescribeTrainingJob names them."""
        return self._states.describe()

    def stop(self, stops_as: State = State.STOPPED) -> None:
        """Ask the job to end in the state given; a job that has ended, or uploads its model, is left alone."""
        with self._lock:
            if not self._states.enter(State.STOPPING):
                return
            self._stops_as = stops_as
        self._end_process()

    def interrupt(self) -> bool:
        """Take a spot job's instance away, so that it starts again; return whether there was one to take."""
        if not self._record.get("EnableManagedSpotTraining") or not self._states.enter(State.INTERRUPTED):
            return False
        self._end_process()
        return True

    def _run(self) -> None:
        try:
            while self._run_once():
                pass
        except Exception as error:  # noqa: BLE001 - whatever goes wrong fails the job, which reports it
            self._fail(f"ClientError: {error}")

    def _run_once(self) -> bool:
        """Train on one instance; return whether it was taken away, so that another must be started."""
        with tempfile.TemporaryDirectory(dir=self._work, prefix="training-") as folder:
            files = TrainingFiles(Path(folder), self._record, self._s3)
            if self._states.enter(State.DOWNLOADING):
                files.prepare()
            if self._states.enter(State.TRAINING):
                code = self._train(files.base)
                files.upload_checkpoints()
                # Refused where the program has ended because the job was stopped or interrupted.
                if self._states.enter(State.UPLOADING):
                    self._finish(files, code)
            if self._states.current is State.STOPPING:
                with self._lock:
                    self._states.enter(self._stops_as, **self._billed())
            return self._states.enter(State.STARTING)

    def _finish(self, files: TrainingFiles, code: int) -> None:
        if code != 0:
            self._fail(f"AlgorithmError: {files.failure_reason()}, exit code: {code}")
            return
        artifact = {"S3ModelArtifacts": files.upload_model()}
        self._states.enter(State.COMPLETED, ModelArtifacts=artifact, **self._billed())

    def _train(self, base: Path) -> int:
        """Run the program, and return its exit code."""
        environment = self._record.get("Environment", {}) | {"TRAINING_JOB_NAME": self._record["TrainingJobName"]}
        began = time.monotonic()
        process = container.start(self._program / "train.py", base, environment, subprocess.PIPE)
        with self._lock:
            self._process = process
        if self._states.current is not State.TRAINING:
            container.end(process)
        limit = self._record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME)
        timer = threading.Timer(limit, self.stop, [State.MAX_RUNTIME_EXCEEDED])
        timer.daemon = True
        timer.start()
        try:
            assert process.stdout is not None
            self._states.note(FinalMetricDataList=write_log(process.stdout, self._record, self._logs))
            return process.wait()
        finally:
            timer.cancel()
            with self._lock:
                self._process = None
            self._seconds += time.monotonic() - began

    def _end_process(self) -> None:
        with self._lock:
            process = self._process
        if process:
            container.end(process)

    def _billed(self) -> dict[str, int]:
        return {"BillableTimeInSeconds": math.ceil(self._seconds)}

    def _fail(self, reason: str) -> None:
        if not self._states.enter(State.FAILED, FailureReason=reason[:REASON_CHARACTERS], **self._billed()):
            logger.error("%s failed after it had ended: %s", self._record["TrainingJobName"], reason)
