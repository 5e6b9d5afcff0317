"""One data set, model and endpoint for the tests of the workflow, made by the verbs themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from contracts.dataset import DatasetRecord
from local import stack
from tests.conftest import led_to
from tests.images import encoded, gradient
from tests.newcomer import Newcomer, arrive, blocks
from tests.waiting import wait_until
from tests.workflow.review_queue import waiting_for_review
from training.datasets.sample import sample_archive
from training.deploy import deploy
from training.model import Model
from training.stage import stage
from training.train import train

ENDPOINT = "image-classification"
ROLE = stack.ROLE_ARN


@dataclass(frozen=True)
class Deployed:
    """What is deployed on the running stack: its data set and model, and the folder they were written to."""

    stack: stack.Running
    dataset: DatasetRecord
    model: Model
    out: Path


@dataclass(frozen=True)
class Demonstrated:
    """A newcomer who has typed README's first command, what it printed, and the folder that it wrote to."""

    newcomer: Newcomer
    printed: str
    out: Path


@pytest.fixture(scope="session")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Demonstrated:
    newcomer = arrive(tmp_path_factory.mktemp("newcomer"))
    first = blocks((newcomer.project / "README.md").read_text())[0]
    return Demonstrated(newcomer, newcomer.types(first), newcomer.project / "out/demo")


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small archive of drawn images in CIFAR-100's layout."""
    return sample_archive(
        tmp_path_factory.mktemp("archive"), ("bicycle", "motorcycle"), counts={"train": 60, "test": 15}
    )


@pytest.fixture(scope="session")
def deployed(running: stack.Running, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Return a running stack with an endpoint whose model was trained on it."""
    out = tmp_path_factory.mktemp("out")
    with led_to(running.environment):
        dataset = stage("cifar100", out, bucket=stack.BUCKET, archive=archive, verify=False, name="small")
        model = train(dataset, bucket=stack.BUCKET, role_arn=ROLE, out=out, quiet=True)
        deploy(model, endpoint_name=ENDPOINT, bucket=stack.BUCKET, role_arn=ROLE)
    return Deployed(running, dataset, model, out)


@pytest.fixture(autouse=True)
def led_to_stack(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lead a test that uses the running stack to it."""
    if "running" not in request.fixturenames:
        yield
        return
    with led_to(request.getfixturevalue("running").environment):
        yield


def wait_until_answered() -> None:
    """Wait until the endpoint answers again, for whatever comes next."""
    runtime = boto3.client("sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}))

    def answers() -> bool:
        try:
            runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType="application/x-image", Body=encoded(gradient()))
        except runtime.exceptions.ServiceUnavailable:
            return False
        return True

    wait_until(answers)


@pytest.fixture
def images(deployed: Deployed) -> list[bytes]:
    """Return the test images, after the app stack got the endpoint's name and the review queue was emptied."""
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.8"})
    list(waiting_for_review())
    return [path.read_bytes() for path in sorted((deployed.out / deployed.dataset.folder / "test").iterdir())]


@pytest.fixture(autouse=True)
def poll_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at batches more often than users need to."""
    monkeypatch.setattr("inference.batch.POLL_SECONDS", 0.1)
