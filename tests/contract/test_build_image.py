"""Building and pushing a container, with a program in Docker's place that writes down what it is asked for."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local import stack
from training.errors import ImageBuildError
from training.sagemaker.build_image import build_image

DOCKER = """#!{python}
import json, sys
from pathlib import Path
words = sys.argv[1:]
given = sys.stdin.read() if "--password-stdin" in words else ""
with Path({log!r}).open("a") as log:
    log.write(json.dumps([words, given]) + "\\n")
sys.exit(1 if words[0] == {failing!r} else 0)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What that docker was asked for, one line a call."""
    install_docker(tmp_path, monkeypatch)
    return tmp_path / "log"


def install_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str = "") -> None:
    script = folder / "docker"
    script.write_text(DOCKER.format(python=sys.executable, log=str(folder / "log"), failing=failing))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def calls(log: Path) -> list[Any]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture
def no_repository(programs: stack.Running) -> Iterator[None]:
    """ECR without the repository, as in a new account; the stack's own comes back with its image."""
    assert programs.pid
    ecr = boto3.client("ecr")
    (image,) = ecr.batch_get_image(repositoryName="mirror_ridge", imageIds=[{"imageTag": "latest"}])["images"]
    ecr.delete_repository(repositoryName="mirror_ridge", force=True)
    yield
    ecr.put_image(repositoryName="mirror_ridge", imageTag="latest", imageManifest=image["imageManifest"])


@pytest.mark.usefixtures("no_repository")
def test_an_image_is_built_and_pushed_to_a_repository_that_is_made_once(log: Path) -> None:
    uri = build_image("mirror_ridge")
    assert uri == build_image("mirror_ridge")
    assert uri == f"123456789012.dkr.ecr.{stack.REGION}.amazonaws.com/mirror_ridge:latest"
    (made,) = boto3.client("ecr").describe_repositories(repositoryNames=["mirror_ridge"])["repositories"]
    assert uri == f"{made['repositoryUri']}:latest"
    (build, _), (login, password), (push, _) = calls(log)[:3]
    assert (build[0], login[0], push) == ("build", "login", ["push", uri])
    assert build[-1].endswith("training/algorithms/mirror_ridge")
    assert "linux/amd64" in build
    assert password
    assert password not in login


def test_an_image_that_is_not_pushed_needs_no_account(log: Path) -> None:
    assert build_image("mirror_ridge", push=False) == "mirror_ridge:latest"
    assert [words[0] for words, _ in calls(log)] == ["build"]


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("step", ["build", "login", "push"])
def test_what_docker_can_not_do_ends_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    install_docker(tmp_path, monkeypatch, step)
    with pytest.raises(ImageBuildError, match=f"`docker {step}` ended with 1"):
        build_image("mirror_ridge")
    assert calls(tmp_path / "log")[-1][0][0] == step


def test_without_docker_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageBuildError, match="no docker on PATH"):
        build_image("mirror_ridge")


@pytest.mark.usefixtures("log")
def test_only_our_algorithms_are_built() -> None:
    with pytest.raises(ImageBuildError, match="there are mirror_ridge"):
        build_image("image-classification")
