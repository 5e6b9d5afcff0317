"""Where captured data lies: in a bucket or in a folder with the same tree."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contracts.addresses import S3Address
from contracts.captured import SUFFIX
from contracts.layout import capture_prefix
from monitoring.capture.span import hour_of
from monitoring.errors import MonitoringError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Fetching is waiting: this many files are on their way at once.
AHEAD = 16


class SourceError(MonitoringError):
    """The captured data can't be listed or read."""


class CaptureSource(Protocol):
    """Names the capture files of a window and reads them; a bound that is None is open."""

    def files(self, start: datetime | None, end: datetime | None) -> Iterator[str]:
        """The files that may hold records with `start <= time < end`, in order of time for each variant."""

    def contents(self, files: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each of *files* with its content, in the order given."""


class S3Capture:
    """The files that *endpoint* captured in *bucket*."""

    def __init__(self, bucket: str, endpoint: str, s3: "S3Client | None" = None) -> None:
        self._bucket = bucket
        self._root = capture_prefix(endpoint)
        config = Config(max_pool_connections=AHEAD, retries={"mode": "standard"})
        self._s3 = s3 or boto3.client("s3", config=config)

    def files(self, start: datetime | None, end: datetime | None) -> Iterator[str]:
        """Lists the variants, then only the days and hours that the window needs."""
        try:
            if start is None:
                yield from self._keys(self._root, start, end)
                return
            # A window that is open at its end is closed a day ahead: clocks differ, but not by more.
            times = list(hour_folders(start, end or datetime.now(UTC) + DAY))
            for variant in self._variants():
                for folder in times:
                    yield from self._keys(f"{variant}{folder}/", start, end)
        except (ClientError, BotoCoreError) as error:
            raise SourceError(f"{S3Address(self._bucket, self._root)} can't be listed: {error}.") from error

    def contents(self, files: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Fetches a few files ahead."""
        names = iter(files)
        with ThreadPoolExecutor(AHEAD) as pool:
            coming: deque[tuple[str, Future[bytes]]] = deque()
            for name in islice(names, AHEAD):
                coming.append((name, pool.submit(self._read, name)))
            while coming:
                name, content = coming.popleft()
                yield name, content.result()
                for following in islice(names, 1):
                    coming.append((following, pool.submit(self._read, following)))

    def _variants(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._root, Delimiter="/"
        )
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]

    def _keys(self, prefix: str, start: datetime | None, end: datetime | None) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                if found["Key"].endswith(SUFFIX) and _may_hold(found["Key"], start, end):
                    yield found["Key"]

    def _read(self, key: str) -> bytes:
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise SourceError(f"{S3Address(self._bucket, key)} can't be read: {error}.") from error


class FolderCapture:
    """The files in *folder*, with or without the tree of the bucket."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SourceError(f"{folder} is not a folder; give one that holds capture files ({SUFFIX}).")
        self._folder = folder

    def files(self, start: datetime | None, end: datetime | None) -> Iterator[str]:
        """Every file below the folder that the window needs."""
        for path in sorted(self._folder.rglob(f"*{SUFFIX}")):
            if _may_hold(path.as_posix(), start, end):
                yield path.as_posix()

    def contents(self, files: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Reads each file when it is asked for."""
        for name in files:
            try:
                content = Path(name).read_bytes()
            except OSError as error:
                raise SourceError(f"{name} can't be read: {error}.") from error
            yield name, content


def hour_folders(start: datetime, end: datetime) -> Iterator[str]:
    """`yyyy/mm/dd/hh` of the hours that may hold records of the window, or `yyyy/mm/dd` where it needs a whole day.

    The hour before *start* belongs to it: a file is named for its first record and its last ones are later.
    """
    hour = hour_of(start) - HOUR
    while hour < end:
        if hour.hour == 0 and hour + DAY <= end:
            yield f"{hour:%Y/%m/%d}"
            hour += DAY
        else:
            yield f"{hour:%Y/%m/%d/%H}"
            hour += HOUR


def place_of(file: str) -> tuple[str | None, str | None]:
    """Endpoint and variant from `…/<endpoint>/<variant>/yyyy/mm/dd/hh/<file>`; None where *file* lies elsewhere."""
    parts = file.split("/")
    if _hour_in_name(file) is None or len(parts) < 7:
        return None, None
    return parts[-7], parts[-6]


def _may_hold(file: str, start: datetime | None, end: datetime | None) -> bool:
    hour = _hour_in_name(file)
    if hour is None:
        return True
    return (start is None or hour >= hour_of(start) - HOUR) and (end is None or hour < end)


def _hour_in_name(file: str) -> datetime | None:
    try:
        return datetime.strptime("/".join(file.split("/")[-5:-1]), "%Y/%m/%d/%H").replace(tzinfo=UTC)
    except ValueError:
        return None
