"""Where a batch's images come from: the keys under a prefix, a manifest in S3, or a folder on this machine."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from rich.progress import track

from contracts.addresses import AddressError, S3Address
from contracts.errors import refusal
from inference.errors import InferenceError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

COLUMNS = ("s3_bucket", "s3_key", "s3_version_id")
JSON_BYTES = 64 * 1024 * 1024
# What the message about a manifest shows of its bad rows.
SHOWN = 5


class SourceError(InferenceError):
    """The images of a batch can't be listed, or there are none."""


@dataclass(frozen=True, order=True)
class Image:
    """An object that holds an image; an empty version is the newest."""

    s3_bucket: str
    s3_key: str
    s3_version_id: str = ""


def under_prefix(s3: "S3Client", bucket: str, prefix: str) -> Iterator[Image]:
    """Every object under a prefix, also empty ones and the markers that consoles make of folders.

    Raises SourceError where the bucket can't be listed.
    """
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                yield Image(bucket, item["Key"])
    except ClientError as error:
        raise SourceError(f"{S3Address(bucket, prefix)} can't be listed: {refusal(error.response)}.") from error


def in_manifest(s3: "S3Client", uri: str) -> Iterator[Image]:
    """Every image that a manifest names, in its order and as often as it does.

    A manifest is a CSV file whose first row names the columns, or a JSON array of objects (by its ending, `.json`);
    s3_bucket and s3_key are needed, s3_version_id may be there. A CSV file is read as it comes, however large it is.
    Raises SourceError where there is no such object, or after its end where it has bad rows.
    """
    try:
        address = S3Address.parse(uri)
    except AddressError as error:
        raise SourceError(f"A manifest is named as s3://bucket/key, not {uri}.") from error
    if not address.key:
        raise SourceError(f"A manifest is named as s3://bucket/key, and {uri} names no key.")
    try:
        answer = s3.get_object(Bucket=address.bucket, Key=address.key)
    except ClientError as error:
        raise SourceError(f"The manifest {uri} can't be read: {refusal(error.response)}.") from error
    bad: list[str] = []
    try:
        for number, row in _rows(answer["Body"], answer["ContentLength"], address.key.endswith(".json")):
            if image := _image(row):
                yield image
            else:
                bad.append(f"row {number}: {json.dumps(row)[:80]}")
    except (ValueError, TypeError, csv.Error) as error:
        raise SourceError(f"The manifest {uri} can't be read: {error}.") from error
    if bad:
        shown = "; ".join(bad[:SHOWN]) + ("; …" if len(bad) > SHOWN else "")
        raise SourceError(f"The manifest {uri} has {len(bad)} rows without s3_bucket and s3_key as text: {shown}.")


def upload(s3: "S3Client", folder: Path, bucket: str, prefix: str) -> None:
    """Put every file of a folder under a prefix, by its path in the folder.

    Raises SourceError where the folder has no files.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise SourceError(f"{folder} has no files.")
    for path in track(files, "Uploading", transient=True):
        s3.upload_file(str(path), bucket, prefix + path.relative_to(folder).as_posix())


def write_manifest(images: Iterable[Image], path: Path) -> Path:
    """Write the CSV file that the state machine reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((image.s3_bucket, image.s3_key, image.s3_version_id) for image in images)
    return path


def _image(row: Any) -> Image | None:
    """Return the image that a row names; None for a bad row."""
    if not isinstance(row, dict):
        return None
    values = [row.get(name) for name in COLUMNS]
    bucket, key, version = values[0], values[1], values[2] or ""
    if not all(isinstance(value, str) for value in (bucket, key, version)) or not bucket or not key:
        return None
    return Image(bucket, key, version)


def _rows(body: "StreamingBody", size: int, json_array: bool) -> Iterator[tuple[int, Any]]:
    """Yield a manifest's rows with their numbers."""
    if not json_array:
        # Not by characters: str.splitlines knows ends of lines that a key may hold.
        yield from _table(line.decode("utf-8-sig") for line in body.iter_lines(keepends=True))
        return
    if size > JSON_BYTES:
        raise ValueError(f"it has {size:,} bytes; write more than {JSON_BYTES:,} as CSV, which may have any size")
    rows = json.loads(body.read())
    if not isinstance(rows, list):
        raise TypeError("it isn't a JSON array")
    yield from enumerate(rows, 1)


def _table(text: Iterator[str]) -> Iterator[tuple[int, Any]]:
    """Yield a CSV file's rows with their numbers; one with too many or too few fields is None."""
    lines = csv.reader(text, strict=True)
    header = next(lines, [])
    if not {"s3_bucket", "s3_key"} <= set(header):
        raise ValueError(f"its first row must name the columns s3_bucket and s3_key, and is {','.join(header)[:80]!r}")
    for number, row in enumerate(lines, 1):
        yield number, dict(zip(header, row, strict=True)) if len(row) == len(header) else row
