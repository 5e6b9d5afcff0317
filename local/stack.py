"""The local stack: the services that the workflow uses on AWS, on loopback, ended with whoever started them.

`python -m local.stack OPTIONS` is the stack's own process; `running` starts it and gives its environment.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from local.errors import LocalError

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
BUCKET = "workflow-data"
ROLE_ARN = "arn:aws:iam::123456789012:role/workflow-local"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}
START_SECONDS = 60.0


class StackNotStarted(LocalError):
    """The local stack's process ended or said nothing before it was ready."""


class NotDeployed(LocalError):
    """The local stack couldn't put the app stack in place."""


@dataclass(frozen=True)
class Options:
    """How a stack is run.

    Where its logs go, how many workers a function may have, the template's parameters, the address's port (0: any), and
    the folder of the container programs, each in a folder named as its image.
    """

    logs: str
    concurrency: int = 4
    parameters: Mapping[str, str] | None = None
    port: int = 0
    algorithms: str = str(ROOT / "training/algorithms")


class Stack:
    """All services in this process; moto and the SDKs read the process's environment, so there is one at a time."""

    def __init__(self, options: Options) -> None:
        """Bind the address and start to answer; the app stack comes with `deploy`."""
        os.environ.update(CREDENTIALS)
        os.environ.pop("AWS_PROFILE", None)
        import boto3
        from moto.core.config import default_user_config

        from local import mends
        from local.moto_front import Front

        mends.apply()
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        self._options = options
        self._logs = Path(options.logs)
        self._logs.mkdir(parents=True, exist_ok=True)
        self._work = tempfile.TemporaryDirectory(prefix="workflow-local-")
        self._front = Front(REGION, self.deploy)
        self._server = self._front.serve(options.port)
        os.environ["MOTO_PORT"] = str(self._server.port)
        os.environ["AWS_ENDPOINT_URL"] = self.url
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._client = boto3.client
        self._client("s3").create_bucket(Bucket=BUCKET)
        self._client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self._start_sagemaker()
        self.deploy(options.parameters or {})

    @property
    def url(self) -> str:
        """The stack's address."""
        return f"http://127.0.0.1:{self._server.port}"

    def environment(self) -> dict[str, str]:
        """Return the variables under which every verb and SDK uses this stack."""
        arn = f"arn:aws:states:{REGION}:123456789012:stateMachine:ClassifyImage"
        return CREDENTIALS | {
            "AWS_ENDPOINT_URL": self.url,
            "WORKFLOW_BUCKET": BUCKET,
            "WORKFLOW_ROLE_ARN": ROLE_ARN,
            "WORKFLOW_STATE_MACHINE_ARN": arn,
        }

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Put the app stack of template.yaml in place, or anew with other parameters."""
        from local.lambdas import Function
        from local.template import Template

        queues = self._client("sqs")

        def attribute(name: str, what: str) -> str | None:
            if name not in template.resources("AWS::SQS::Queue"):
                return None
            return {"Ref": f"{self.url}/123456789012/{name}", "QueueName": name}.get(what)

        template = Template(ROOT / "template.yaml", {"DataBucketName": BUCKET} | dict(parameters), REGION, attribute)
        for name in template.resources("AWS::SQS::Queue"):
            queues.create_queue(QueueName=name)
        environment = CREDENTIALS | {"AWS_ENDPOINT_URL": self.url}
        old = self._front.functions
        self._front.functions = {
            spec.name: Function(spec, REGION, environment, self._logs, self._options.concurrency)
            for spec in template.functions()
        }
        for function in old.values():
            function.stop()
        states = self._client("stepfunctions")
        known = {
            machine["name"]: machine["stateMachineArn"] for machine in states.list_state_machines()["stateMachines"]
        }
        for machine in template.state_machines():
            if machine.name in known:
                states.update_state_machine(stateMachineArn=known[machine.name], definition=machine.definition)
            else:
                states.create_state_machine(
                    name=machine.name,
                    type=machine.type,
                    definition=machine.definition,
                    roleArn=ROLE_ARN,
                )

    def stop(self) -> None:
        """End every process, then the server, and leave nothing behind but the logs."""
        for function in self._front.functions.values():
            function.stop()
        self._front.sagemaker.stop()
        self._metrics.stop()
        self._server.shutdown()
        self._server.server_close()
        self._work.cleanup()

    def _start_sagemaker(self) -> None:
        from local.alarms import Alarms
        from local.fleet import Fleet
        from local.metrics import Metrics
        from local.sagemaker import SageMaker
        from local.training_jobs import LOG_GROUP, TrainingJob

        algorithms, work, s3, logs = (
            Path(self._options.algorithms),
            Path(self._work.name),
            self._client("s3"),
            self._client("logs"),
        )
        logs.create_log_group(logGroupName=LOG_GROUP)

        def start_job(record: dict[str, Any]) -> TrainingJob:
            return TrainingJob(record, algorithms, work, s3, logs)

        def start_fleet(name: str, config: dict[str, Any], model: dict[str, Any]) -> Fleet:
            return Fleet(name, config, model, algorithms, work, self._logs / f"endpoint-{name}.log", s3)

        cloudwatch = self._client("cloudwatch")
        self._metrics = Metrics(cloudwatch)
        self._front.sagemaker = SageMaker(
            REGION, ROLE_ARN, start_job, start_fleet, self._metrics, Alarms(cloudwatch, self._metrics)
        )


@dataclass(frozen=True)
class Running:
    """A stack in a process of its own, and the environment under which it is used."""

    environment: Mapping[str, str]
    pid: int

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Put the app stack in place anew, with parameters."""
        try:
            self._put("/_local/app", dict(parameters))
        except urllib.error.HTTPError as error:
            raise NotDeployed(json.loads(error.read())["message"]) from error

    def interrupt_spot(self, job: str) -> None:
        """Take the instance from a spot training job, as SageMaker may at any time; the job then begins again."""
        self._put(f"/_local/training-jobs/{job}/interruption", {})

    def _put(self, path: str, body: Mapping[str, str]) -> None:
        url = self.environment["AWS_ENDPOINT_URL"] + path
        request = urllib.request.Request(url, json.dumps(body).encode(), method="PUT")  # noqa: S310
        with urllib.request.urlopen(request, timeout=START_SECONDS):  # noqa: S310 - our own loopback address
            pass


@contextmanager
def running(options: Options) -> Iterator[Running]:
    """Run a stack in a process of its own; it ends with the block, or with this process however that ends."""
    Path(options.logs).mkdir(parents=True, exist_ok=True)
    with (Path(options.logs) / "stack.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.stack", json.dumps(asdict(options))],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise StackNotStarted(f"The local stack didn't start; {options.logs}/stack.log says why.")
        yield Running(json.loads(line), process.pid)
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def serve(options: Options, console: Console) -> None:
    """Run a stack until Ctrl-C or SIGTERM, and print the variables to export."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running(options) as stack:
        for name, value in stack.environment.items():
            console.print(f"export {name}={value}", highlight=False, soft_wrap=True)
        console.print(f"# Logs: {options.logs}. Stop with Ctrl-C.", highlight=False)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    console.print("# Stopped.")


def main() -> None:
    """Run a stack until standard input ends; print its environment as one line of JSON when it answers."""
    # Ctrl-C reaches the whole process group; whoever started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING)
    # Moto logs every failed state as an error of its own; executions and their history tell it.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    options = Options(**json.loads(sys.argv[1]))
    stack = Stack(options)
    try:
        print(json.dumps(stack.environment()), flush=True)  # noqa: T201
        sys.stdin.buffer.read()
    finally:
        stack.stop()


if __name__ == "__main__":
    main()
