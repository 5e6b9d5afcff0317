"""Checks of the bucket's settings that the workflow needs."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from checks.check import Check, Status, client, judged
from checks.scope import Scope

ADVICE = "Deploy the data stack again (training/template.yaml), or change the bucket."


def versioning(scope: Scope) -> Iterator[Check]:
    """Check versioning: an upload that is overwritten is still classified as it was."""
    status = client("s3").get_bucket_versioning(Bucket=scope.bucket).get("Status", "off")
    yield judged("bucket's versioning", status == "Enabled", f"{status} on {scope.bucket}", ADVICE)


def encryption(scope: Scope) -> Iterator[Check]:
    """Check that objects are encrypted by default."""
    try:
        answer = client("s3").get_bucket_encryption(Bucket=scope.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        yield Check("bucket's encryption", Status.BAD, "off", ADVICE)
        return
    (rule, *_) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    yield Check("bucket's encryption", Status.OK, rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])


def public_access(scope: Scope) -> Iterator[Check]:
    """Check that public access is blocked."""
    try:
        answer = client("s3").get_public_access_block(Bucket=scope.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        yield Check("bucket's public access", Status.BAD, "not blocked", ADVICE)
        return
    open_ = sorted(name for name, blocked in answer["PublicAccessBlockConfiguration"].items() if not blocked)
    yield judged("bucket's public access", not open_, f"not set: {', '.join(open_)}" if open_ else "blocked", ADVICE)


def notifications(scope: Scope) -> Iterator[Check]:
    """Check that uploads start executions."""
    answer = client("s3").get_bucket_notification_configuration(Bucket=scope.bucket)
    on = "EventBridgeConfiguration" in answer
    found = "on" if on else "off, so that no upload is classified"
    yield judged("bucket's EventBridge notifications", on, found, ADVICE)
