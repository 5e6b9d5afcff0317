"""A check's result: what was found, and what to do about it."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contracts.errors import WorkflowError
from training.errors import StackError
from training.sagemaker import aws_errors

PERMISSION = re.compile(r"AccessDenied.*|UnauthorizedOperation|NotAuthorized|AuthorizationError|403")
PATIENCE = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=10, read_timeout=30)


class CheckError(WorkflowError):
    """A check, or something that it needs, is impossible; the message is one sentence for the user."""


class Status(StrEnum):
    """The result of a check; DENIED: a permission is missing, SKIPPED: it can't be made for another reason."""

    OK = "ok"
    BAD = "bad"
    SKIPPED = "skipped"
    DENIED = "denied"


@dataclass(frozen=True)
class Check:
    """What a check found, and, unless it is ok, what to do."""

    name: str
    status: Status
    found: str
    advice: str = ""

    @property
    def line(self) -> str:
        """The check as one line of text."""
        said = f"{self.found.rstrip('.')}. {self.advice}" if self.advice else self.found
        return f"{self.status:<8} {self.name}: {said}"


def client(service: str) -> Any:
    """Return a client of a service, with short timeouts."""
    return boto3.client(service, config=PATIENCE)  # type: ignore[call-overload]  # services by name


def judged(name: str, good: bool, found: str, advice: str) -> Check:
    """Return a check that is ok or bad; the advice is for a bad one."""
    return Check(name, Status.OK, found) if good else Check(name, Status.BAD, found, advice)


def attempt(name: str, examine: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Yield what a check finds; if it can't be made, one result of that name that says why."""
    try:
        yield from examine()
    except ClientError as error:
        yield _refused(name, error)
    except StackError as error:
        # The stacks have their own checks, which say what to do.
        yield Check(name, Status.SKIPPED, str(error))
    except BotoCoreError as error:
        yield Check(name, Status.BAD, aws_errors.sentence(error))
    except WorkflowError as error:
        yield Check(name, Status.BAD, str(error))


def _refused(name: str, error: ClientError) -> Check:
    code, status = error.response["Error"]["Code"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if PERMISSION.fullmatch(code):
        action = f"{error.operation_name} ({code})"
        return Check(name, Status.DENIED, f"you may not call {action}", "Ask for this permission, then check again.")
    if status >= 500:
        message = error.response["Error"].get("Message") or code
        return Check(name, Status.SKIPPED, f"{error.operation_name} has no answer here: {message}")
    return Check(name, Status.BAD, aws_errors.sentence(error))
