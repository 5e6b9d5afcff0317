"""The local stack's own process: `python -m local.server OPTIONS`, ended by the end of its standard input."""

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.scheduler.models import scheduler_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from werkzeug.serving import make_server

from contracts.errors import WorkflowError
from contracts.scratch import scratch_folder
from local import data_stack, sam, stack_outputs
from local.app_stack import AppStack
from local.errors import LocalError
from local.gateway import Gateway
from local.guard import Guard
from local.moto_patches import patches
from local.sagemaker.alarms import Alarms
from local.sagemaker.control_plane import KINDS, SageMaker
from local.sagemaker.endpoint_operations import EndpointOperations
from local.sagemaker.fleets import Fleets
from local.sagemaker.metrics import Metrics
from local.sagemaker.model_operations import ModelOperations
from local.sagemaker.records import Records
from local.sagemaker.training_jobs import TrainingJob
from local.sagemaker.training_log import LOG_GROUP
from local.sagemaker.training_operations import TrainingOperations
from local.scheduler import Scheduler
from local.stack import BUCKET, REFUSAL, REGION, ROLE_ARN, ROOT, Options
from local.state.kept import Kept, kept
from local.template import ACCOUNT_ID, STACK_NAME, parameter_names
from training.sagemaker.stacks import Stacks

LOOPBACK = "127.0.0.1"

logger = logging.getLogger(__name__)


class AddressTaken(LocalError):
    """The stack can't listen on the address that was asked for."""


class Handler(MotoRequestHandler):
    """Moto's request handler, without its log of requests."""

    disable_nagle_algorithm = True

    def log(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def serving(options: Options) -> Iterator[dict[str, str]]:
    """Run all services in this process and yield the variables by which verbs and SDKs find them.

    Moto and the SDKs read the process's environment, so a process runs one stack at a time. At the end every process
    that was started is ended, and only the logs are left.
    """
    logs = Path(options.logs)
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        before = ending.enter_context(kept(options.state))
        work = ending.enter_context(scratch_folder("workflow-local-"))
        listener = ending.enter_context(_listen(LOOPBACK, before.port(options.port)))
        port, credentials = listener.getsockname()[1], before.credentials()
        url = _set_environment(credentials, port)
        cloudwatch = boto3.client("cloudwatch")
        metrics = Metrics(cloudwatch)
        alarms = Alarms(cloudwatch, metrics)
        sagemaker = _sagemaker(options, work, metrics, alarms)
        app_stack = AppStack(credentials | {"AWS_ENDPOINT_URL": url}, logs, options.concurrency)
        gateway = Gateway(REGION, app_stack, sagemaker)
        patches.apply(gateway, gateway.direct_calls())
        scheduler = Scheduler(scheduler_backends[ACCOUNT_ID][REGION], stepfunctions_parser_backends[ACCOUNT_ID][REGION])
        guard = Guard(gateway, credentials, {options.container_address} - {""})
        ending.enter_context(_answering(guard, listener))
        if address := sam.address_to_bind(options.container_address):
            beside = ending.enter_context(_listen(address, port))
            ending.enter_context(_answering(guard, beside))
        # At the end everything else is stopped first, and what it still writes is saved.
        ending.callback(before.stop)
        for service in (metrics, alarms, scheduler):
            service.start()
            ending.callback(service.stop)
        for started in (sagemaker, app_stack):
            ending.callback(started.stop)
        _deploy(options, app_stack, sagemaker, before)
        environment = credentials | _environment(url, app_stack.outputs)
        before.start(sagemaker, app_stack, port, environment)
        yield environment


def _set_environment(credentials: Mapping[str, str], port: int) -> str:
    """Let moto and every SDK in this process use the stack on a port, and return its address."""
    os.environ.update(credentials)
    os.environ.pop("AWS_PROFILE", None)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    url = f"http://{LOOPBACK}:{port}"
    os.environ["MOTO_PORT"], os.environ["AWS_ENDPOINT_URL"] = str(port), url
    return url


def _sagemaker(options: Options, work: Path, metrics: Metrics, alarms: Alarms) -> SageMaker:
    algorithms, logs, s3 = Path(options.algorithms), Path(options.logs), boto3.client("s3")
    job_logs = boto3.client("logs")

    def start_job(record: dict[str, Any]) -> TrainingJob:
        return TrainingJob(record, algorithms, work, s3, job_logs)

    fleets = Fleets(algorithms, work, logs, s3, metrics, options.serverless_idle_seconds)
    records = Records(REGION, KINDS)
    scaling = boto3.client("application-autoscaling")
    return SageMaker(
        records,
        TrainingOperations(records, ROLE_ARN, start_job),
        ModelOperations(records, ROLE_ARN),
        EndpointOperations(records, fleets.start, metrics, alarms, scaling),
    )


def _deploy(options: Options, app_stack: AppStack, sagemaker: SageMaker, before: Kept) -> None:
    data = data_stack.deploy()
    stack_outputs.publish(Stacks(STACK_NAME).data_name, data.outputs(), data.parameters)
    data_stack.list_images(Path(options.algorithms))
    boto3.client("logs").create_log_group(logGroupName=LOG_GROUP)
    before.restore(sagemaker)
    app_stack.deploy(_known(before.parameters()) | dict(options.parameters or {}))


def _known(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return those parameters of an earlier run that the template still has."""
    names = parameter_names(ROOT / "template.yaml")
    for name in sorted({*parameters} - names):
        logger.warning("The template no longer has the parameter %s, which was %s.", name, parameters[name])
    return {name: value for name, value in parameters.items() if name in names}


def _environment(url: str, outputs: dict[str, str]) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "WORKFLOW_BUCKET": BUCKET,
        "WORKFLOW_ROLE_ARN": ROLE_ARN,
        "WORKFLOW_FAILED_EXECUTIONS_QUEUE_URL": outputs["FailedExecutionsQueueUrl"],
        "WORKFLOW_STATE_MACHINE_ARN": outputs["StateMachineArn"],
        "WORKFLOW_BATCH_STATE_MACHINE_ARN": outputs["BatchStateMachineArn"],
    }


def _listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 lets the system pick one."""
    try:
        return socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise AddressTaken(
            f"The stack can't listen on {address}, port {port}: {reason}; choose another by --port, or any free one by "
            "--port 0."
        ) from error


@contextmanager
def _answering(guard: Guard, listener: socket.socket) -> Iterator[None]:
    """Answer the requests that reach a socket."""
    address, port = listener.getsockname()[:2]
    server = make_server(address, port, guard, threaded=True, request_handler=Handler, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    """Run a stack until standard input ends; print its environment as one line of JSON when it answers.

    Where it can't be run, print the reason.
    """
    # Ctrl-C reaches the whole process group; whoever started this process ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    logging.basicConfig(level=logging.WARNING)
    # Moto logs every failed state as an error of its own; executions and their history have it already.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    try:
        with serving(Options(**json.loads(sys.argv[1]))) as environment:
            print(json.dumps(environment), flush=True)  # noqa: T201
            sys.stdin.buffer.read()
    except WorkflowError as error:
        # To the log first: whoever reads the other may end this process at once.
        print(error, file=sys.stderr, flush=True)  # noqa: T201
        print(json.dumps({REFUSAL: str(error)}), flush=True)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
