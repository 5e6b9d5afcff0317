"""Read what an endpoint captured: JSON Lines in S3 or in a local folder.

A file lies under `<prefix>/<endpoint>/<variant>/yyyy/mm/dd/hh/` and is named for the time of its first record (UTC), so
its records may reach into the next hour. Nothing is left out in silence: a line that is not a record comes as a
`SkippedLine`. Format: SageMaker's developer guide, "Capture data from real-time endpoint".
"""

import base64
import binascii
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from PIL import Image

from contracts.answer import Answer, InvalidAnswer, read_answer
from monitoring.capture.sources import CaptureSource, place_of
from monitoring.errors import MonitoringError

FIRST_WAIT = 0.2
LONGEST_WAIT = 15.0


class CaptureError(MonitoringError):
    """The captured data can't be reached, or a record's image can't be decoded."""


@dataclass(frozen=True)
class SkippedLine:
    """A line that yields no record, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class CaptureRecord:
    """One captured invocation.

    `inference_id` is there only if the caller sent one; `endpoint` and `variant` come from the file's place;
    `answer` is None where the output was not captured, and `data` is empty where the input was not.
    """

    event_id: str
    inference_id: str | None
    time: datetime
    endpoint: str | None
    variant: str | None
    answer: Answer | None
    content_type: str
    encoding: str
    data: str
    file: str
    line: int

    def payload(self) -> bytes:
        """The request's body; CaptureError where it is not validly encoded."""
        try:
            return _decode(self.data, self.encoding)
        except ValueError as error:
            raise CaptureError(f"{self.file}, line {self.line}: {error}.") from error

    def image(self) -> Image.Image:
        """The request's image, decoded now; CaptureError where the body is not an image."""
        payload = self.payload()
        try:
            image = Image.open(io.BytesIO(payload))
            image.load()
        # What Pillow's decoders raise on data that isn't what its header says.
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            raise CaptureError(f"{self.file}, line {self.line}: the input is not an image ({error}).") from error
        return image


def read_capture(
    source: CaptureSource, start: datetime | None = None, end: datetime | None = None
) -> Iterator[CaptureRecord | SkippedLine]:
    """Every record of *source* with `start <= time < end`, file by file.

    An event that was already read (its `eventId` came before) is skipped and reported. Holds one file at a time.
    """
    return _Reader(source, start, end).read(source.files(start, end))


def read_capture_until(
    source: CaptureSource, inference_ids: Iterable[str], timeout: float, start: datetime, end: datetime
) -> Iterator[CaptureRecord | SkippedLine]:
    """As `read_capture`, but waits for files until each of *inference_ids* was read, at most *timeout* seconds.

    An endpoint buffers what it captures: on AWS a record may take minutes to appear. Each file is fetched once.
    """
    missing = set(inference_ids)
    reader = _Reader(source, start, end)
    known: set[str] = set()
    deadline = monotonic() + timeout
    delay = FIRST_WAIT
    while True:
        new = [file for file in source.files(start, end) if file not in known]
        known.update(new)
        for record in reader.read(new):
            if isinstance(record, CaptureRecord) and record.inference_id is not None:
                missing.discard(record.inference_id)
            yield record
        left = deadline - monotonic()
        if not missing or left <= 0:
            return
        sleep(min(delay, left))
        delay = min(2 * delay, LONGEST_WAIT)


def parse_file(file: str, content: bytes) -> Iterator[CaptureRecord | SkippedLine]:
    """The records of one capture file; blank lines are no lines."""
    endpoint, variant = place_of(file)
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _parse(line, endpoint, variant, file, number)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            yield SkippedLine(file, number, reason)


class _Reader:
    """Reads files of a source, and leaves out what lies outside the window or was read before."""

    def __init__(self, source: CaptureSource, start: datetime | None, end: datetime | None) -> None:
        self._source = source
        self._start = start
        self._end = end
        self._seen: dict[str, str] = {}

    def read(self, files: Iterable[str]) -> Iterator[CaptureRecord | SkippedLine]:
        for file, content in self._source.contents(files):
            for record in parse_file(file, content):
                if isinstance(record, SkippedLine):
                    yield record
                elif not self._contains(record.time):
                    continue
                elif first := self._seen.get(record.event_id):
                    yield SkippedLine(file, record.line, f"event {record.event_id} was already read in {first}")
                else:
                    self._seen[record.event_id] = f"{file}, line {record.line}"
                    yield record

    def _contains(self, time: datetime) -> bool:
        return (self._start is None or time >= self._start) and (self._end is None or time < self._end)


def _parse(line: bytes, endpoint: str | None, variant: str | None, file: str, number: int) -> CaptureRecord:
    """ValueError, KeyError, TypeError or AttributeError where *line* is not a record."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    captured, metadata = row["captureData"], row["eventMetadata"]
    given = captured.get("endpointInput") or {"data": "", "encoding": "BASE64", "observedContentType": ""}
    answered = captured.get("endpointOutput")
    return CaptureRecord(
        event_id=str(metadata["eventId"]),
        inference_id=metadata.get("inferenceId"),
        time=_time(metadata["inferenceTime"]),
        endpoint=endpoint,
        variant=variant,
        answer=_answer(answered) if answered else None,
        content_type=given.get("observedContentType") or "",
        encoding=given["encoding"],
        data=given["data"],
        file=file,
        line=number,
    )


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def _answer(output: dict[str, Any]) -> Answer:
    text = _decode(output["data"], output["encoding"]).decode().strip()
    # A body captured in BASE64 may be JSON or CSV: JSON is known by its bracket.
    if not text.startswith(("[", "{")):
        text = f"[{text}]"
    # Some containers answer a list of the one answer.
    elif text.startswith("[[") and text.endswith("]]"):
        text = text[1:-1]
    try:
        return read_answer(text.encode())
    except InvalidAnswer as error:
        raise ValueError(f"{error} It is: {text[:80]}") from error


def _decode(data: str, encoding: str) -> bytes:
    if encoding == "BASE64":
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise ValueError(f"not BASE64: {error}") from error
    if encoding in ("JSON", "CSV"):
        return data.encode()
    raise ValueError(f"unknown encoding {encoding!r}")
