"""Add what people decided in reviews to a staged data set, for the next training."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from botocore.exceptions import ClientError

from contracts.addresses import S3Address
from contracts.dataset import RECORD, SPLITS, DatasetError, DatasetRecord, Lineage, dataset_folder, parse_lst
from contracts.errors import refusal
from contracts.labels import LabelledImage
from imaging.decoding import model_input
from imaging.errors import ImageTooLarge, InvalidImage
from review.image import ImageUnavailable, read_original
from training.datasets.collection import ImageCollection, digest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

AT_ONCE = 16
# Why a decision adds nothing to the training images.
DISPUTED = "people disagree"
NO_CLASS = "none of the classes"
OTHER_CLASS = "a class that the data set doesn't have"
TESTED = "test images of the data set"
KNOWN = "training images already, with the same label"
GONE = "deleted, replaced or unreadable"


@dataclass(frozen=True)
class Decided:
    """An image that people agree on: its label, and its bytes as they go to the model."""

    sha256: str
    label: str
    png: bytes


def base_record(s3: "S3Client", bucket: str, name: str) -> DatasetRecord:
    """Read the record of a staged data set; raises DatasetError."""
    key = f"{dataset_folder(name)}/{RECORD}"
    return DatasetRecord.from_json(_read(s3, bucket, key), str(S3Address(bucket, key)))


def with_labels(
    s3: "S3Client", bucket: str, base: DatasetRecord, labels: Sequence[LabelledImage]
) -> tuple[ImageCollection, Lineage]:
    """Return the images of `base` and those that people labelled, and what came of each decision.

    The test images stay those of `base`, so that a model trained on the result can be compared with one trained on
    `base`. An image that is a training image already, pixel for pixel, takes the label that people gave it.

    Raises:
        DatasetError: the data set can't be read, or nothing was decided.
    """
    if not labels:
        raise DatasetError(f"nobody has labelled images for the data set {base.name!r}; do so by `workflow review`")
    table, images = _staged(s3, bucket, base)
    left_out: Counter[str] = Counter()
    tested = set(table.loc[table["split"] == "test", "digest"])
    place = {key: row for row, key in enumerate(table["digest"]) if key not in tested}
    rows: list[tuple[str, str, str, str]] = []
    added, relabelled = Counter[str](), 0
    for decided in _decided(s3, base, labels, left_out):
        key = digest(decided.png)
        if key in tested:
            left_out[TESTED] += 1
        elif key not in place:
            place[key] = len(table) + len(rows)
            rows.append(("train", decided.label, f"{decided.sha256[:16]}.png", key))
            images.append(decided.png)
            added[decided.label] += 1
        elif place[key] >= len(table) or table.loc[place[key], "class"] == decided.label:
            left_out[KNOWN] += 1
        else:
            table.loc[place[key], "class"] = decided.label
            relabelled += 1
    whole = pd.concat([table, pd.DataFrame(rows, columns=table.columns)], ignore_index=True)
    lineage = Lineage(base.name, base.sha256, _digest(labels), dict(sorted(added.items())), relabelled, {**left_out})
    source = f"{base.name} and the labels of its reviews"
    sha256 = hashlib.sha256(f"{lineage.base_sha256}\n{lineage.labels_sha256}\n".encode()).hexdigest()
    return ImageCollection(whole, tuple(images), source, sha256), lineage


def _staged(s3: "S3Client", bucket: str, base: DatasetRecord) -> tuple[pd.DataFrame, list[bytes]]:
    """Read the images of a staged data set, and the table of a collection."""
    entries = [
        (split, base.classes[entry.label], entry.file)
        for split in SPLITS
        for entry in parse_lst(
            _read(s3, bucket, f"{base.folder}/{split}.lst").decode(), len(base.classes), f"{split}.lst of {base.name}"
        )
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        images = list(pool.map(lambda one: _read(s3, bucket, f"{base.folder}/{one[0]}/{one[2]}"), entries))
    rows = [(*entry, digest(image)) for entry, image in zip(entries, images, strict=True)]
    return pd.DataFrame(rows, columns=["split", "class", "file", "digest"]), images


def _decided(
    s3: "S3Client", base: DatasetRecord, labels: Iterable[LabelledImage], left_out: Counter[str]
) -> list[Decided]:
    """The images with a label that people agree on, as the model gets them; counts the others by reason."""
    agreed: list[tuple[LabelledImage, str]] = []
    for image in labels:
        settled = image.settled
        if settled is None:
            left_out[DISPUTED] += image.disputed
        elif settled.label is None:
            left_out[NO_CLASS] += 1
        elif settled.label not in base.classes:
            left_out[OTHER_CLASS] += 1
        else:
            agreed.append((image, settled.label))

    def read(item: tuple[LabelledImage, str]) -> Decided | None:
        image, label = item
        try:
            png = model_input(read_original(s3, image), base.max_side, exact=base.exact).png
        except (ImageUnavailable, InvalidImage, ImageTooLarge) as error:
            logger.warning("Left out: %s", error)
            return None
        return Decided(image.sha256, label, png)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(read, agreed))
    if gone := found.count(None):
        left_out[GONE] += gone
    return [one for one in found if one is not None]


def _digest(labels: Iterable[LabelledImage]) -> str:
    """The checksum of what people agree on, whatever the order and the history of the decisions."""
    settled: Mapping[str, str | None] = {one.sha256: one.settled.label for one in labels if one.settled}
    lines = "".join(f"{sha256}\t{label or ''}\n" for sha256, label in sorted(settled.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _read(s3: "S3Client", bucket: str, key: str) -> bytes:
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        address = S3Address(bucket, key)
        raise DatasetError(f"{address} can't be read: {refusal(error.response)}; stage the data set first") from error
