"""Say what is wrong and what to do, for the errors of AWS that a user can meet."""

import re
from typing import NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, of which its errors of the network are made
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

GET_EITHER = (
    "for AWS, run `aws configure` or `aws sso login`; to work without an account, start `workflow local` in another "
    "terminal and export the variables that it prints"
)


class Advice(NamedTuple):
    """What to do where an error's code and message match."""

    code: str
    message: str
    what: str


# The first that matches counts. SageMaker says ValidationException to most, so its message must tell.
ADVICE = (
    Advice(
        r"ExpiredToken.*|RequestExpired|TokenRefreshRequired",
        "",
        "The credentials have expired; log in again (`aws sso login`), or set new ones.",
    ),
    Advice(
        r"UnrecognizedClient.*|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|AuthFailure",
        "",
        "The credentials aren't valid here; see `aws sts get-caller-identity`.",
    ),
    Advice(
        "",
        r"could not assume role|cannot be assumed|unable to assume|role .*(invalid|not exist)|iam:PassRole",
        "Give the ARN of a role that exists, that SageMaker may assume, and that you may pass on.",
    ),
    Advice(
        r"AccessDenied.*|UnauthorizedOperation|403",
        "",
        "The credentials lack this permission; ask for it, by its name.",
    ),
    Advice(
        r"NoSuchBucket",
        "",
        "Name a bucket that exists, with --bucket or WORKFLOW_BUCKET.",
    ),
    Advice("", r"NoSuchBucket|bucket .*does not exist", "Name a bucket that exists, with --bucket or WORKFLOW_BUCKET."),
    Advice(
        r"ResourceLimitExceeded|LimitExceeded.*|ServiceQuotaExceeded.*",
        "",
        "Choose another --instance-type, stop what uses the quota, or ask for more under Service Quotas.",
    ),
    Advice(
        r".*Throttl.*|TooManyRequests.*|RequestLimitExceeded",
        "",
        "AWS takes no more calls at the moment; try again in a minute.",
    ),
    Advice(
        "",
        r"(capacity|CapacityError|InsufficientInstanceCapacity).*|insufficient .*instances",
        "AWS has none of these instances free; try later, another --instance-type, or another region.",
    ),
    Advice(
        r"RepositoryNotFound.*|ImageNotFound.*",
        "",
        "Build and push the container with `workflow build-image`.",
    ),
    Advice(
        "",
        r"(could not find|no) endpoint|endpoint \S+ of account \S+ not found",
        "Deploy one with `workflow deploy`, or name another with --endpoint or WORKFLOW_ENDPOINT.",
    ),
    Advice(r".*NonExistentQueue|QueueDoesNotExist", "", "Name a queue that exists."),
    Advice(
        "",
        r"(image|repository).*(not exist|not found|cannot be found|can't be found)|Cannot find .*image",
        "Build and push the container with `workflow build-image`, in this account and region.",
    ),
    Advice("ResourceInUse|.*AlreadyExists.*", "", "The name is taken; choose another, or take down what has it."),
    Advice("", r"already exist", "The name is taken; choose another, or take down what has it."),
    Advice(r"NoSuchKey", "", "It was deleted, or never written; name another --bucket, or write it again."),
    Advice("", r"No S3 objects found", "Stage the data set into this bucket first."),
    Advice("", r"Could not find model data", "The model's archive is gone from the bucket; train again."),
    Advice("", r"in-progress endpoint", "Wait until the endpoint is in service, then try again."),
)


def advice(message: str, code: str = "") -> str:
    """Return what to do about an error's message and code, nothing where that isn't known."""
    for case in ADVICE:
        if re.fullmatch(case.code or ".*", code) and re.search(case.message, message, re.IGNORECASE):
            return case.what
    return ""


def with_advice(message: str, code: str = "") -> str:
    """Return a message on one line, and after it what to do."""
    line = " ".join(message.split()).rstrip(".")
    return f"{line}. {advice(line, code)}".rstrip()


def sentence(error: ClientError | BotoCoreError) -> str:
    """Return what to tell the user of an error of the SDK, on one line."""
    if isinstance(error, ClientError):
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message") or str(error)
        # S3 names the object or the bucket beside its message.
        named = [str(error.response["Error"].get(name, "")) for name in ("Key", "BucketName")]
        what = "".join(f" {name}" for name in named if name)
        return with_advice(f"{error.operation_name}{what}: {message} ({code})", code)
    if isinstance(error, NoCredentialsError | PartialCredentialsError | TokenRetrievalError | SSOError):
        return f"{str(error).rstrip('.')}: {GET_EITHER}."
    if isinstance(error, NoRegionError):
        return f"No region is set, as by AWS_DEFAULT_REGION: {GET_EITHER}."
    if isinstance(error, ConnectionError):
        return f"{error} Is the network up, or the local stack still running?"
    return " ".join(str(error).split())
