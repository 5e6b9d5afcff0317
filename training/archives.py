"""Archives that came from elsewhere: read within bounds, nothing is written to disk and nothing in them is run."""

import gzip
import tarfile
import zlib
from typing import IO, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from contracts.addresses import S3Address
from training.errors import ArchiveError
from training.sagemaker import aws_errors

DAMAGE = (EOFError, OSError, zlib.error, tarfile.TarError)
"""What reading a damaged archive raises."""
UNPACKED_BYTES = 2 << 30
"""Far above what a model has unpacked."""


class BoundedGzip(gzip.GzipFile):
    """A gzip file of which no more than so many bytes are unpacked, whatever the headers of a tar file ask for."""

    def __init__(self, stream: IO[bytes], bound: int, shown: object) -> None:
        """Read from a stream; `shown` names it in errors."""
        super().__init__(fileobj=stream, mode="rb")
        self.bound, self.shown = bound, shown

    def read(self, size: int | None = -1) -> bytes:
        """Read as any gzip file does; raises ArchiveError where that would lead beyond the bound."""
        if size is None or size < 0 or self.tell() + size > self.bound:
            raise ArchiveError(f"{self.shown} unpacks to more than {self.bound:,} bytes")
        return super().read(size)


def read_file(archive: S3Address, name: str, bound: int) -> bytes | None:
    """Read one file of a .tar.gz in S3; None where the archive has no such file.

    Raises:
        ArchiveError: the archive isn't there or is damaged, or the file has more than `bound` bytes.
    """
    try:
        body = boto3.client("s3").get_object(Bucket=archive.bucket, Key=archive.key)["Body"]
        # Of a stream nothing but its `read` is used.
        stream = BoundedGzip(cast("IO[bytes]", body), UNPACKED_BYTES, archive)
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if member.name.removeprefix("./") == name and member.isfile():
                    return _content(tar, member, archive, bound)
    except (ClientError, BotoCoreError) as error:
        raise ArchiveError(f"{archive} can't be read: {aws_errors.sentence(error)}") from error
    except DAMAGE as error:
        raise ArchiveError(f"{archive} can't be read: {error}") from error
    return None


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: S3Address, bound: int) -> bytes:
    if member.size > bound:
        raise ArchiveError(f"{member.name} in {archive} has more than {bound:,} bytes")
    file = tar.extractfile(member)
    assert file is not None  # of a regular file there always is one
    return file.read()
