"""Addresses of objects in S3: `s3://bucket/key`."""

from dataclasses import dataclass

from contracts.errors import WorkflowError

SCHEME = "s3://"


class AddressError(WorkflowError):
    """A text is not an address in S3."""


@dataclass(frozen=True)
class S3Address:
    """A bucket, and a key or the beginning of keys; an empty key is the whole bucket."""

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        """Write `s3://bucket/key`."""
        return f"{SCHEME}{self.bucket}/{self.key}"

    @classmethod
    def parse(cls, text: str) -> "S3Address":
        """Read `s3://bucket/key`, `s3://bucket/` or `s3://bucket`.

        Raises AddressError where the scheme or the bucket is missing.
        """
        bucket, _, key = text.removeprefix(SCHEME).partition("/")
        if not is_s3_address(text) or not bucket:
            raise AddressError(f"{text!r} is not an address of the form s3://bucket/key.")
        return cls(bucket, key)


def is_s3_address(text: str) -> bool:
    """Whether a text is meant as an address in S3 rather than as a path on this machine."""
    return text.startswith(SCHEME)
