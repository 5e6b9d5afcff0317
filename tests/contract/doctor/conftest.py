"""A healthy deployment on the local stack, for `workflow doctor` to examine."""

import dataclasses
from pathlib import Path

import pytest

from checks.scope import Scope
from contracts.release import Release, Threshold
from local import stack
from tests.conftest import led_to
from tests.containers import LABELS, OLD_RELEASE, model_of
from tests.contract.doctor.examined import write_evaluation
from training.deploy import deploy
from training.model import MODEL_FILE
from training.sagemaker.stacks import DEFAULT_ENDPOINT, DEFAULT_STACK

RELEASE = Release(
    release=str(OLD_RELEASE.release),
    labels=LABELS,
    features="backbone",
    network="efficientnet",
    threshold=Threshold(OLD_RELEASE.threshold, 0.02, 0.95, images=1000, accepted=900, wrong=9, error_upper=0.018),
    familiarity_limit=0.05,
    dataset_sha256="0" * 64,
    metrics={},
)


@pytest.fixture(scope="package")
def healthy(stack_of_programs: stack.Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model behind the endpoint, that describes itself, and an evaluation of it; their folder."""
    out = tmp_path_factory.mktemp("out")
    with led_to(stack_of_programs.environment):
        model = dataclasses.replace(model_of("old_release"), release=RELEASE)
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
