"""Deploys models to the local stack, asks them, and interrupts deployments."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import boto3

from local import stack
from tests.containers import model_of
from tests.processes import DIES_AFTER
from tests.waiting import LONGEST_SECONDS
from training.deploy import Deployment, deploy
from training.sagemaker.endpoint import EndpointOptions
from training.sagemaker.scaling import Scaling
from training.sagemaker.update import Canary
from training.teardown import list_resources


def serve(
    program: str,
    endpoint: str,
    canary: Canary | None = None,
    *,
    most: int | None = None,
    before_change: Callable[[], object] | None = None,
    **options: Any,
) -> Deployment:
    """Deploy the program, scaled to `most` instances if that is given."""
    return deploy(
        model_of(program),
        endpoint_name=endpoint,
        bucket=stack.BUCKET,
        role_arn=stack.ROLE_ARN,
        options=EndpointOptions(**options),
        canary=canary,
        scaling=Scaling(most, target=120.0) if most else None,
        before_change=before_change,
    )


def answer_of(endpoint: str) -> str:
    """Return what the endpoint answers to any image."""
    runtime = boto3.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x", ContentType="application/x-image")
    return answer["Body"].read().decode()


def kinds(endpoint: str) -> list[str]:
    """Name the kinds of what is deployed for the endpoint."""
    return [thing.kind for thing in list_resources(endpoint)]


def killed_after(operation: str, program: str, endpoint: str, **options: Any) -> None:
    """Serve in a process that is killed as soon as AWS has answered `service.Operation`."""
    code = (
        f"{DIES_AFTER} import json; from tests.contract.serving import serve;"
        "serve(*sys.argv[1:3], **json.loads(sys.argv[3]))"
    )
    command = [sys.executable, "-c", code, operation, program, endpoint, json.dumps(options)]
    ended = subprocess.run(command, check=False, timeout=2 * LONGEST_SECONDS)
    assert ended.returncode == -signal.SIGKILL
