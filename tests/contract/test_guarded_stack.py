"""A running stack does nothing for requests that aren't its user's own: unsigned, of another key, host or page."""

import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local import stack
from tests.conftest import led_to
from tests.processes import bare_environment
from tests.waiting import LONGEST_SECONDS

# One request for each part of the stack: service, method, path, X-Amz-Target, body. Each would change something.
REQUESTS: dict[str, tuple[str, str, str, str, bytes]] = {
    "deploy": ("local", "PUT", "/_local/app", "", b'{"EndpointName": "foreign"}'),
    "throttle": ("local", "PUT", "/_local/throttling", "", b'{"share": 1.0, "seconds": 600}'),
    "processes": ("local", "GET", "/_local/processes", "", b""),
    "interruption": ("local", "PUT", "/_local/training-jobs/any/interruption", "", b"{}"),
    "put an object": ("s3", "PUT", f"/{stack.BUCKET}/foreign", "", b"foreign"),
    "delete an object": ("s3", "DELETE", f"/{stack.BUCKET}/precious", "", b""),
    "read an object": ("s3", "GET", f"/{stack.BUCKET}/precious", "", b""),
    "make a bucket": ("s3", "PUT", "/foreign-bucket", "", b""),
    "invoke a function": (
        "lambda",
        "POST",
        "/2015-03-31/functions/ThresholdFunction/invocations",
        "",
        b'{"inferences": [0.9, 0.1]}',
    ),
    "create a model": (
        "sagemaker",
        "POST",
        "/",
        "SageMaker.CreateModel",
        json.dumps({"ModelName": "foreign", "ExecutionRoleArn": stack.ROLE_ARN}).encode(),
    ),
    "invoke an endpoint": ("sagemaker", "POST", "/endpoints/any/invocations", "", b"image"),
    "start an execution": ("states", "POST", "/", "AWSStepFunctions.ListStateMachines", b"{}"),
    "reset everything": ("local", "POST", "/moto-api/reset", "", b""),
}


@pytest.fixture(scope="module")
def guarded(running: stack.Running) -> Iterator[stack.Running]:
    """The stack, led to, with an object that nobody else may touch."""
    with led_to(running.environment):
        boto3.client("s3").put_object(Bucket=stack.BUCKET, Key="precious", Body=b"precious")
        yield running
        boto3.client("s3").delete_object(Bucket=stack.BUCKET, Key="precious")


def signed(name: str, url: str, keys: Mapping[str, str], host: str = "") -> dict[str, str]:
    """Return the headers of a request, signed by an access key, for a host."""
    service, method, path, target, body = REQUESTS[name]
    headers = {"Host": host or urlsplit(url).netloc, "Content-Type": "application/x-amz-json-1.1"}
    headers |= {"X-Amz-Target": target} if target else {}
    request = AWSRequest(method, f"http://{headers['Host']}{path}", headers, body)
    SigV4Auth(Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]), service, stack.REGION).add_auth(
        request
    )
    return dict(request.headers.items())


def ask(name: str, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    _, method, path, _, body = REQUESTS[name]
    with closing(http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=LONGEST_SECONDS)) as connection:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        assert not [header for header, _ in answer.getheaders() if header.lower().startswith("access-control")]
        return answer.status, answer.read()


def state() -> list[Any]:
    """Return what the requests would change, or show to a stranger."""
    s3, states = boto3.client("s3"), boto3.client("stepfunctions")
    machines = states.list_state_machines()["stateMachines"]
    return [
        [(one["Key"], one["ETag"]) for one in s3.list_objects_v2(Bucket=stack.BUCKET)["Contents"]],
        [one["Name"] for one in s3.list_buckets()["Buckets"]],
        [one["ModelName"] for one in boto3.client("sagemaker").list_models()["Models"]],
        boto3.client("cloudformation").describe_stacks()["Stacks"][0].get("Outputs"),
        [states.describe_state_machine(stateMachineArn=one["stateMachineArn"])["definition"] for one in machines],
    ]


Strange = Callable[[str, str, Mapping[str, str]], dict[str, str]]
STRANGERS: dict[str, Strange] = {
    "unsigned": lambda name, _url, _keys: {"X-Amz-Target": REQUESTS[name][3]} if REQUESTS[name][3] else {},
    "another key": lambda name, url, _keys: signed(name, url, stack.new_credentials()),
    "another secret": lambda name, url, keys: signed(
        name, url, {**stack.new_credentials(), "AWS_ACCESS_KEY_ID": keys["AWS_ACCESS_KEY_ID"]}
    ),
    "another host": lambda name, url, keys: signed(name, url, keys, f"rebound.example:{urlsplit(url).port}"),
    "a page": lambda name, url, keys: {**signed(name, url, keys), "Origin": "https://example.com"},
    "a page of no origin": lambda name, url, keys: {**signed(name, url, keys), "Origin": "null"},
    "a page's image": lambda name, url, keys: {**signed(name, url, keys), "Sec-Fetch-Site": "cross-site"},
}


@pytest.mark.drill("Hostile programs and pages")
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_is_refused_everywhere_and_changes_nothing(guarded: stack.Running, stranger: str) -> None:
    url, keys = guarded.environment["AWS_ENDPOINT_URL"], guarded.environment
    before = state()
    pids = guarded.processes()
    for name in REQUESTS:
        status, body = ask(name, url, STRANGERS[stranger](name, url, keys))
        assert (name, status) == (name, 403)
        assert b"precious" not in body
    assert state() == before
    assert guarded.processes() == pids


def test_the_same_requests_are_answered_when_the_user_signs_them(guarded: stack.Running) -> None:
    url = guarded.environment["AWS_ENDPOINT_URL"]
    for name in ("processes", "read an object", "invoke a function", "start an execution"):
        assert (name, ask(name, url, signed(name, url, guarded.environment))[0]) == (name, 200)
    # These reach the control path and SageMaker, where the job and the endpoint are unknown.
    for name, said in (("interruption", b"is not a spot training job"), ("invoke an endpoint", b"not found")):
        status, body = ask(name, url, signed(name, url, guarded.environment))
        assert status == 400
        assert said in body


@pytest.mark.drill("Hostile programs and pages")
def test_a_page_may_not_even_ask_whether_it_may(guarded: stack.Running) -> None:
    url = guarded.environment["AWS_ENDPOINT_URL"]
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "PUT"}
    for _, _, path, _, _ in REQUESTS.values():
        with closing(http.client.HTTPConnection("127.0.0.1", urlsplit(url).port)) as connection:
            connection.request("OPTIONS", path, headers=asked)
            answer = connection.getresponse()
            assert answer.status == 403
            assert not [name for name, _ in answer.getheaders() if name.lower().startswith("access-control")]


def run(environment: Mapping[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with the variables that `workflow local` prints, and no other that leads to AWS."""
    return subprocess.run(
        command,
        env=bare_environment() | dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * LONGEST_SECONDS,
    )


def test_a_verb_in_a_process_of_its_own_works_with_the_printed_variables_alone(guarded: stack.Running) -> None:
    verb = [sys.executable, "-m", "cli", "teardown", "--endpoint", "none", "--dry-run"]
    done = run(guarded.environment, *verb)
    assert (done.returncode, done.stderr) == (0, "")
    strangers = {**guarded.environment, **stack.new_credentials()}
    refused = run(strangers, *verb)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "workflow local" in refused.stderr


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI isn't installed")
def test_the_aws_cli_works_with_the_printed_variables_alone(guarded: stack.Running) -> None:
    done = run(guarded.environment, "aws", "s3", "cp", f"s3://{stack.BUCKET}/precious", "-")
    assert (done.returncode, done.stdout) == (0, "precious"), done.stderr
    listed = run(guarded.environment, "aws", "stepfunctions", "list-state-machines", "--output", "json")
    assert len(json.loads(listed.stdout)["stateMachines"]) > 0
    refused = run({**guarded.environment, **stack.new_credentials()}, "aws", "s3", "ls", f"s3://{stack.BUCKET}")
    assert refused.returncode != 0
    assert not refused.stdout
