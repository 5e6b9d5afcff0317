"""Test events for the state machine: a data set's test images, and inputs that are broken on purpose.

`<out>/cases.jsonl` keeps each case with its truth and what is expected of it; `<out>/events/<case>.json` is the plain
input, ready for `sam local invoke -e`.
"""

import dataclasses
import io
import json
import math
import re
import struct
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from PIL import Image
from rich.progress import track

from contracts.errors import in_words
from contracts.files import below, write_whole
from contracts.layout import cases_prefix
from contracts.outcomes import CLASSIFIED, Outcome
from inference.errors import InferenceError
from inference.staged_data import Dataset, ListedImage, read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CASES_FILE = "cases.jsonl"
REJECTED = (Outcome.REJECTED,)
PHOTOGRAPH_PIXELS = 12_000_000
BOMB_SIDE = 60_000


class CasesError(InferenceError):
    """The cases can't be made or read."""


@dataclass(frozen=True)
class Case:
    """One input of the state machine.

    `truth` is the label where it is known; `outcomes` are the ends that are right, `error` the name that a rejection
    must carry.
    """

    name: str
    event: dict[str, Any]
    truth: str | None
    outcomes: tuple[Outcome, ...]
    error: str | None = None


def generate_cases(
    bucket: str,
    dataset: str,
    out: Path,
    images: int | None = None,
    s3: "S3Client | None" = None,
) -> list[Case]:
    """Make a case of each of the first *images* test images, classes taking turns, then the broken ones.

    The broken ones are uploaded under `cases/<dataset>/`. The same data set gives the same cases. Writes
    `<out>/cases.jsonl` and `<out>/events/*.json`. Raises DatasetError, or CasesError where *images* is under 1.
    """
    if images is not None and images < 1:
        raise CasesError(f"The number of test images must be at least 1, not {images}.")
    s3 = s3 or boto3.client("s3")
    staged = Dataset.read(s3, bucket, dataset)
    cases = [_image_case(bucket, image) for image in islice(interleave(staged.test), images)]
    cases += _broken_cases(s3, staged)
    for case in cases:
        write_whole(below(out / "events", f"{case.name}.json"), json.dumps(case.event, indent=2) + "\n")
    write_whole(out / CASES_FILE, "".join(json.dumps(dataclasses.asdict(case)) + "\n" for case in cases))
    return cases


def read_cases(path: Path) -> list[Case]:
    """The cases that `generate_cases` wrote to *path*; CasesError where the file is missing or malformed."""
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [Case(**{**row, "outcomes": tuple(map(Outcome, row["outcomes"]))}) for row in rows]
    except FileNotFoundError as error:
        raise CasesError(f"{path} does not exist; make it with `workflow cases`.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise CasesError(
            f"{path} does not hold cases ({in_words(error)}); make it again with `workflow cases`."
        ) from error


def interleave(images: Sequence[ListedImage]) -> list[ListedImage]:
    """*images* with the classes taking turns, each class in the order given: any first few are balanced."""
    by_label: dict[str, list[ListedImage]] = defaultdict(list)
    for image in images:
        by_label[image.label].append(image)
    turns = zip_longest(*(by_label[label] for label in sorted(by_label)))
    return [image for image in chain.from_iterable(turns) if image is not None]


def _image_case(bucket: str, image: ListedImage) -> Case:
    name = f"{re.sub(r'[^A-Za-z0-9]+', '-', image.label)[:40]}-{image.index:05d}"
    return Case(name, {"s3_bucket": bucket, "s3_key": image.key}, image.label, CLASSIFIED)


def _broken_cases(s3: "S3Client", dataset: Dataset) -> list[Case]:
    """Upload what the broken cases point to, all but the one whose key is missing."""
    good = interleave(dataset.test)[0]
    image = read_object(s3, dataset.bucket, good.key)
    # Name, file, content (None: never uploaded), truth, the ends that are right, the error's name.
    rows: list[tuple[str, str, bytes | None, str | None, tuple[Outcome, ...], str | None]] = [
        ("broken-truncated", "truncated.png", image[: len(image) // 2], None, REJECTED, "InvalidImage"),
        ("broken-text", "text.png", b"This is not an image.\n", None, REJECTED, "InvalidImage"),
        ("broken-empty", "empty.png", b"", None, REJECTED, "InvalidImage"),
        ("broken-bomb", "bomb.png", png_bomb(), None, REJECTED, "ImageTooLarge"),
        ("broken-missing", "missing.png", None, None, REJECTED, "ImageNotFound"),
        ("large-photograph", "photograph.jpg", _photograph(image), good.label, CLASSIFIED, None),
    ]
    cases = []
    for name, file, content, truth, outcomes, error in track(rows, "Uploading broken cases", transient=True):
        key = cases_prefix(dataset.name) + file
        if content is not None:
            s3.put_object(Bucket=dataset.bucket, Key=key, Body=content)
        cases.append(Case(name, {"s3_bucket": dataset.bucket, "s3_key": key}, truth, outcomes, error))
    return cases


def _photograph(image: bytes) -> bytes:
    """*image* enlarged to a JPEG of 12 megapixels: what a telephone sends, and still the same thing to the model."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(image)) as small:
        times = math.sqrt(PHOTOGRAPH_PIXELS / (small.width * small.height))
        size = round(times * small.width), round(times * small.height)
        small.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def png_bomb() -> bytes:
    """A PNG of a few bytes whose header promises 3.6 gigapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
