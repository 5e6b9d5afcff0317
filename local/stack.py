"""The local stack as others see it: its names, its options, and the requests to a running one."""

import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.errors import LocalError

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
BUCKET = "workflow-data"
ROLE_ARN = "arn:aws:iam::123456789012:role/workflow-local"
ANSWER_SECONDS = 60.0
# Under what a stack's process prints why it didn't start, in place of its environment.
REFUSAL = "refusal"


class NotDeployed(LocalError):
    """The local stack couldn't deploy the app stack."""


@dataclass(frozen=True)
class Options:
    """How a stack is run.

    `logs` is the folder for its logs, `concurrency` the number of workers that a function may have, `parameters` those
    of the template, `port` that of its address (0: any; None: that of the state, or any), `algorithms` the folder of
    the container programs, each in a folder named as its image, and `container_address` the address under which
    Docker's containers reach this machine (empty: none does). A serverless endpoint's container ends after
    `serverless_idle_seconds` without a request. `state` is the folder that keeps what was made (empty: none does).
    """

    logs: str
    concurrency: int = 4
    parameters: Mapping[str, str] | None = None
    port: int | None = None
    algorithms: str = str(ROOT / "training/algorithms")
    container_address: str = ""
    serverless_idle_seconds: float = 300.0
    state: str = ""


def new_credentials() -> dict[str, str]:
    """Return an access key that nobody can guess, and the region, as the variables that SDKs read."""
    return {
        "AWS_ACCESS_KEY_ID": f"LOCAL{secrets.token_hex(8).upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def in_use() -> bool:
    """Whether this process's environment points to a stack on this machine, where nothing costs money."""
    return urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in {"127.0.0.1", "localhost"}


@dataclass(frozen=True)
class Running:
    """A stack in a process of its own; `environment` are the variables by which verbs and SDKs find it."""

    environment: Mapping[str, str]
    pid: int
    logs: Path

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Deploy the app stack again, with other parameters; raise NotDeployed where it is refused."""
        try:
            self._put("/_local/app", dict(parameters))
        except urllib.error.HTTPError as error:
            raise NotDeployed(json.loads(error.read())["message"]) from error

    def interrupt_spot(self, job: str) -> None:
        """Take the instance from a spot training job, as SageMaker may at any time; the job then starts again."""
        self._put(f"/_local/training-jobs/{job}/interruption", {})

    def throttle(self, share: float, seconds: float) -> None:
        """Let InvokeEndpoint answer ThrottlingException to a share of its calls, from 0 to 1, for some seconds."""
        self._put("/_local/throttling", {"share": share, "seconds": seconds})

    def processes(self) -> dict[str, list[int]]:
        """Return the ids of the running processes by the name of their function or endpoint."""
        found: dict[str, list[int]] = self._ask("GET", "/_local/processes", None)
        return found

    def _put(self, path: str, body: Mapping[str, object]) -> None:
        self._ask("PUT", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        url = self.environment["AWS_ENDPOINT_URL"] + path
        data = None if body is None else json.dumps(body).encode()
        keys = Credentials(self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"])
        signed = AWSRequest(method, url, data=data)
        SigV4Auth(keys, "local", REGION).add_auth(signed)
        request = urllib.request.Request(url, data, dict(signed.headers.items()), method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - our own loopback address
            return json.loads(answer.read() or b"null")
