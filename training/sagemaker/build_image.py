"""Build the container of one of our algorithms with Docker, and push it to the account's registry."""

import base64
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import boto3

from training.errors import ImageBuildError
from training.sagemaker.recipes import OWN, own_algorithms

if TYPE_CHECKING:
    from collections.abc import Sequence

PLATFORM = "linux/amd64"
STDERR = 2


def build_image(algorithm: str, *, push: bool = True) -> str:
    """Build the image of an algorithm and return its URI; the repository is made where there is none.

    Raises:
        ImageBuildError: there is no such algorithm or no Docker, or Docker failed; its output has been shown.
    """
    if algorithm not in own_algorithms():
        raise ImageBuildError(f"{algorithm!r} is no algorithm of ours; there are {', '.join(own_algorithms())}.")
    docker = shutil.which("docker")
    if docker is None:
        raise ImageBuildError("There is no docker on PATH; install Docker, or train on the local stack without it.")
    if not push:
        _run([docker, "build", "--platform", PLATFORM, "--tag", f"{algorithm}:latest", str(OWN / algorithm)])
        return f"{algorithm}:latest"
    registry, password = _registry(algorithm)
    uri = f"{registry}/{algorithm}:latest"
    _run([docker, "build", "--platform", PLATFORM, "--tag", uri, str(OWN / algorithm)])
    _run([docker, "login", "--username", "AWS", "--password-stdin", registry], stdin=password)
    _run([docker, "push", uri])
    return uri


def _registry(repository: str) -> tuple[str, str]:
    """Make the repository if there is none; return the registry's host and a password for it."""
    ecr: Any = boto3.client("ecr")  # its types are no dependency of ours
    try:
        uri = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]["repositoryUri"]
    except ecr.exceptions.RepositoryNotFoundException:
        made = ecr.create_repository(repositoryName=repository, imageScanningConfiguration={"scanOnPush": True})
        uri = made["repository"]["repositoryUri"]
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return str(uri).partition("/")[0], base64.b64decode(token).decode().partition(":")[2]


def _run(command: "Sequence[str]", stdin: str | None = None) -> None:
    # SageMaker takes no image index, which is what buildx makes when it adds its attestations.
    environment = {**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    # Its output is no result of the verb: it goes to standard error.
    result = subprocess.run(command, input=stdin, text=True, check=False, env=environment, stdout=STDERR)  # noqa: S603 - our own words
    if result.returncode:
        raise ImageBuildError(f"`docker {command[1]}` ended with {result.returncode}; its output above says why.")
