"""A healthy deployment on the local stack, for `workflow doctor` to examine."""

from pathlib import Path

import pytest

from checks.scope import Scope
from local import stack
from tests.conftest import led_to
from tests.containers import model_of
from tests.contract.doctor.examined import write_evaluation
from training.deploy import deploy
from training.model import MODEL_FILE
from training.sagemaker.stacks import DEFAULT_ENDPOINT, DEFAULT_STACK


@pytest.fixture(scope="package")
def healthy(stack_of_programs: stack.Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model behind the endpoint, and an evaluation that recommends the threshold of the template; their folder."""
    out = tmp_path_factory.mktemp("out")
    with led_to(stack_of_programs.environment):
        model = model_of("mirror_ridge")
        model.write(out / MODEL_FILE)
        deploy(model, endpoint_name=DEFAULT_ENDPOINT, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN)
    write_evaluation(out, 0.8)
    return out


@pytest.fixture
def scope(programs: stack.Running, healthy: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """What is examined, found by the variables of the SDKs alone."""
    for name in programs.environment:
        if name.startswith("WORKFLOW_"):
            monkeypatch.delenv(name)
    return Scope(DEFAULT_STACK, healthy)
