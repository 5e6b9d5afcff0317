"""Each function as `sam build` packs it, run by `sam local invoke` in a real container, against the local stack."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from local import launch, sam, stack
from local.sagemaker.container_client import reserve_port
from tests.conftest import led_to
from tests.waiting import wait_until
from training.datasets.sample import sample_archive
from training.deploy import deploy
from training.stage import stage
from training.train import train

pytestmark = pytest.mark.container

EVENTS = stack.ROOT / "events"
EXPECTED: dict[str, dict[str, Any]] = json.loads((EVENTS / "expected.json").read_text())
NAMES = [
    "serialize_happy",
    "serialize_missing_object",
    "classify_happy",
    "classify_not_an_image",
    "threshold_happy",
    "threshold_low_confidence",
]
# Where `make sam` installs it.
SAM = str(stack.ROOT / ".venv-sam/bin/sam")
MEGABYTES = 1_000_000
# In megabytes; Lambda unpacks 250 at most.
LIMITS = {"SerializeFunction": 65, "ClassifyFunction": 40, "ThresholdFunction": 40, "DriftFunction": 200}


def said(*command: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=stack.ROOT, **options)


@pytest.fixture(scope="module")
def bridge() -> str:
    """Return the address of Docker's bridge on this machine."""
    for program in ("docker", SAM, "python3.13"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    answer = said("docker", "network", "inspect", "bridge", "--format", gateway)
    if answer.returncode:
        pytest.skip("no Docker engine answers")
    address = answer.stdout.strip()
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            pytest.skip(f"Docker's bridge {address} is not on this machine")
    return address


@pytest.fixture(scope="module")
def built(bridge: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 - without Docker nothing is built
    """Return the folder of the functions as `sam build` packs them."""
    folder = tmp_path_factory.mktemp("build")
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0"}
    answer = said(SAM, "build", "--build-dir", str(folder), "--no-cached", env=environment)
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.fixture(scope="module")
def reachable(bridge: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the env.json of a stack that containers reach and that has an endpoint."""
    out = tmp_path_factory.mktemp("out")
    options = stack.Options(logs=str(out / "logs"), container_address=bridge)
    with launch.running(options) as started, led_to(started.environment):
        archive = sample_archive(out, ("bicycle", "motorcycle"), counts={"train": 60, "test": 15})
        dataset = stage("cifar100", out, bucket=stack.BUCKET, archive=archive, verify=False, name="small")
        model = train(dataset, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN, out=out, quiet=True)
        deploy(model, endpoint_name="image-classification", bucket=stack.BUCKET, role_arn=stack.ROLE_ARN)
        sam.upload_samples()
        yield sam.write_environment(started, options)


@pytest.mark.parametrize("function", LIMITS)
def test_a_built_function_is_small(built: Path, function: str) -> None:
    size = sum(path.stat().st_size for path in (built / function).rglob("*") if path.is_file())
    assert size < LIMITS[function] * MEGABYTES


def configured(built: Path) -> list[str]:
    """Return the options for what was built; without them SAM looks for samconfig.toml beside the built template."""
    return ["--template", str(built / "template.yaml"), "--config-file", str(stack.ROOT / "samconfig.toml")]


def invoke(built: Path, function: str, *options: str) -> Any:
    """Return what a built function answers in its container."""
    answer = said(
        SAM, "local", "invoke", function, *configured(built), *options,
        env=os.environ | {"SAM_CLI_TELEMETRY": "0"},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_in_a_container_answers_its_event_as_recorded(built: Path, reachable: Path, name: str) -> None:
    expected = EXPECTED[name]
    event = str(EVENTS / f"{name}.json")
    record = invoke(built, expected["function"], "--event", event, "--env-vars", str(reachable))
    if "error" in expected:
        assert record["errorType"] == expected["error"], record
    else:
        assert record == record | expected["answer"]


@pytest.mark.parametrize(
    ("function", "error"), [("SerializeFunction", "ImageReadFailed"), ("DriftFunction", "BaselineError")]
)
def test_a_function_reaches_nothing_where_samconfig_alone_sets_it_up(built: Path, function: str, error: str) -> None:
    overrides = ("--parameter-overrides", "DataBucketName=any-bucket DriftCheck=on")
    record = invoke(built, function, "--event", str(EVENTS / "serialize_happy.json"), *overrides)
    assert record["errorType"] == error
    assert "http://127.0.0.1:9/" in record["errorMessage"]


def test_start_lambda_answers_an_sdk_where_samconfig_alone_sets_it_up(built: Path) -> None:
    with closing(reserve_port()) as reserved:
        port = reserved.getsockname()[1]
    command = [SAM, "local", "start-lambda", *configured(built), "--port", str(port)]
    client = boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{port}",
        config=Config(signature_version=UNSIGNED, read_timeout=300, retries={"total_max_attempts": 1}),
        region_name=stack.REGION,
    )
    with subprocess.Popen(command, cwd=stack.ROOT, stderr=subprocess.DEVNULL) as server:

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0 or server.poll() is not None

        try:
            wait_until(listens)
            event = (EVENTS / "threshold_happy.json").read_bytes()
            answer = json.load(client.invoke(FunctionName="ThresholdFunction", Payload=event)["Payload"])
        finally:
            server.send_signal(signal.SIGINT)
    assert answer == answer | EXPECTED["threshold_happy"]["answer"]
