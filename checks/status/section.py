"""A section of the status: what was read, or why there is nothing to show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from checks.check import CheckError
from contracts.errors import WorkflowError
from monitoring.quality.verdict import Finding, Level
from training.sagemaker import aws_errors

Read = TypeVar("Read")


class NothingYet(CheckError):
    """There is nothing to read, and nothing is wrong: no endpoint is deployed, no batch ran, nobody decided."""


class Section(Protocol):
    """What was read; a frozen dataclass."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The section as sentences, each with how good or bad it is."""


@dataclass(frozen=True)
class Missing:
    """A section without anything to show; `readable` is False where something is there that could not be read."""

    why: str
    readable: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The reason; what can't be read counts as bad, so that nobody takes it for good."""
        return (Finding(Level.NOTICE if self.readable else Level.BAD, self.why),)


class Unreadable(CheckError):
    """A file of a folder of results is not what its name says."""


def attempt(read: Callable[[], Read]) -> Read | Missing:
    """Return what is read, or why it isn't: an error of AWS or an expected one never ends the rest."""
    try:
        return read()
    except NothingYet as error:
        return Missing(str(error), readable=True)
    except ClientError as error:
        return Missing(aws_errors.sentence(error), readable=False)
    except BotoCoreError as error:
        return Missing(aws_errors.sentence(error), readable=False)
    except WorkflowError as error:
        return Missing(str(error), readable=False)
