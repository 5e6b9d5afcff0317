"""Files out of archives in S3: what is there is read, within bounds."""

import io
import tarfile
import zlib
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from contracts.addresses import S3Address
from training import archives
from training.archives import read_file
from training.errors import ArchiveError

PLACE = S3Address("bucket", "models/job/output/model.tar.gz")


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=PLACE.bucket)
        yield


def put(content: bytes) -> None:
    boto3.client("s3").put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=content)


def packed(**files: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def test_a_file_is_read_from_anywhere_in_the_archive() -> None:
    put(packed(first=b"1" * 100_000, wanted=b"here", last=b"3"))
    assert read_file(PLACE, "wanted", 4) == b"here"
    assert read_file(PLACE, "first", 100_000) == b"1" * 100_000


def test_a_file_that_is_not_there_is_none() -> None:
    put(packed(other=b"x"))
    assert read_file(PLACE, "wanted", 4) is None


def test_only_a_regular_file_is_read() -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        link = tarfile.TarInfo("wanted")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    put(archive.getvalue())
    assert read_file(PLACE, "wanted", 1000) is None


def test_a_file_above_the_bound_is_refused() -> None:
    put(packed(wanted=b"12345"))
    with pytest.raises(ArchiveError, match="has more than 4 bytes"):
        read_file(PLACE, "wanted", 4)


def test_an_archive_that_unpacks_to_more_than_any_model_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "UNPACKED_BYTES", 1 << 20)
    put(packed(zeros=bytes(8 << 20), wanted=b"x"))
    with pytest.raises(ArchiveError, match="unpacks to more than 1,048,576"):
        read_file(PLACE, "wanted", 4)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", packed(wanted=b"x" * 10_000)[:60], zlib.compress(b"x")],
    ids=["empty", "another kind", "torn", "bare deflate"],
)
def test_a_damaged_archive_is_named(content: bytes) -> None:
    put(content)
    with pytest.raises(ArchiveError, match=r"output/model\.tar\.gz can't be read"):
        read_file(PLACE, "wanted", 100_000)


def test_a_missing_archive_is_named() -> None:
    with pytest.raises(ArchiveError, match=r"output/model\.tar\.gz can't be read"):
        read_file(PLACE, "wanted", 4)
