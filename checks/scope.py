"""What is checked: the stacks, and values that replace their outputs."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import boto3

from checks.check import client
from training.sagemaker.endpoint import EndpointOptions
from training.sagemaker.recipes import Recipe, recipe_of
from training.sagemaker.stacks import Stacks


@dataclass(frozen=True)
class Scope:
    """The app stack's name, the folder of results, and the user's values; None means the stacks' outputs.

    The properties raise StackError if a stack is needed and can't be read.
    """

    stack: str
    out: Path
    given_bucket: str | None = None
    given_role: str | None = None
    given_endpoint: str | None = None
    algorithm: str = "mirror_ridge"
    training_instance: str | None = None
    endpoint_instance: str = EndpointOptions.instance_type

    @cached_property
    def stacks(self) -> Stacks:
        """The two stacks, each read once."""
        return Stacks(self.stack)

    @cached_property
    def account(self) -> str:
        """The account's number."""
        return str(client("sts").get_caller_identity()["Account"])

    @property
    def region(self) -> str:
        """The Region, which has been found to be set."""
        return str(boto3.Session().region_name)

    @property
    def recipe(self) -> Recipe:
        """How the algorithm is trained."""
        return recipe_of(self.algorithm)

    @property
    def bucket(self) -> str:
        """The bucket."""
        return self.given_bucket or self.stacks.bucket

    @property
    def role_arn(self) -> str:
        """SageMaker's role."""
        return self.given_role or self.stacks.role_arn

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return self.given_endpoint or self.stacks.endpoint
