"""Stage a data set: get its source, check it, keep the classes that matter, write it, and upload it to S3."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pandas as pd
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import track

from contracts.dataset import (
    RECORD,
    SPLITS,
    DatasetError,
    DatasetRecord,
    Lineage,
    ListEntry,
    dataset_folder,
    format_lst,
)
from contracts.labels import LabelledImage
from contracts.scratch import scratch_folder
from review.labels import read_labels
from training.datasets import cifar, folder
from training.datasets.collection import ImageCollection, without_leaks
from training.datasets.download import CIFAR100, check, fetch
from training.datasets.labelled import base_record, with_labels
from training.datasets.sample import SOURCE, sample_archive

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

DEFAULT_CLASSES = ("bicycle", "motorcycle")
# What isn't a folder.
NAMED_SOURCES = frozenset({"sample", "cifar100"})
UNNAMED = "images"
MAX_SIDES = range(16, 225)
UPLOADS = 16


def stage(
    source: str,
    out: Path,
    *,
    bucket: str | None = None,
    archive: Path | None = None,
    verify: bool = True,
    classes: Sequence[str] = (),
    name: str = "",
    max_side: int = 224,
    exact: bool = False,
    strict: bool = False,
    cache: Path = Path("out/cache"),
) -> DatasetRecord:
    """Make a data set in `out/datasets/<name>/` and, with a `bucket`, under the same keys in S3.

    An existing data set of that name is replaced once the new one is complete. In S3 its record is deleted while the
    objects change, so that nobody uses a data set that is not whole.

    Args:
        source: `sample` (drawn), `cifar100`, or the path of a folder of `<class>/<image>` files (`./sample`, if it is
            called so).
        out: output folder.
        bucket: where to upload; without one nothing is uploaded.
        archive: a local copy of the CIFAR-100 archive, in place of the download.
        verify: refuse an archive that isn't the official one.
        classes: the classes to keep, in label order; by default bicycle and motorcycle, of a folder all.
        name: the data set's name; by default the source's.
        max_side: longest side of the images in pixels; smaller images are kept as they are.
        exact: squash every image to `max_side` x `max_side` pixels, as SageMaker's built-in algorithm needs it.
        strict: refuse a folder with broken images, instead of leaving them out with a warning.
        cache: where downloaded and drawn archives are kept.

    Raises:
        ArchiveError: the archive can't be had or used.
        UnknownClassError: the source has no such class.
        ImageError: the folder holds broken images, and `strict` is asked for.
        DatasetError: the data set can't be made of this source.
    """
    if archive and source != "cifar100":
        raise DatasetError(f"a local archive is a copy of cifar100's, so the data set must be cifar100, not {source!r}")
    if max_side not in MAX_SIDES:
        raise DatasetError(f"the longest side must be {MAX_SIDES.start} to {MAX_SIDES.stop - 1} pixels, not {max_side}")
    name = name or default_name(source)
    dataset_folder(name)
    is_folder = source not in NAMED_SOURCES
    classes = tuple(classes) or (folder.class_names(Path(source)) if is_folder else DEFAULT_CLASSES)
    check_classes(classes)
    if is_folder:
        collection = folder.collect(Path(source), classes, max_side, exact=exact, strict=strict)
    elif source == "sample":
        collection = cifar.collect(sample_archive(cache, classes), SOURCE, classes, max_side, exact=exact)
    else:
        path = archive or fetch(CIFAR100, cache)
        if verify:
            check(CIFAR100, path)
        collection = cifar.collect(path, "CIFAR-100", classes, max_side, exact=exact)
    dataset = write(without_leaks(collection), out, name, classes, max_side, exact=exact)
    if bucket:
        upload(dataset, out, bucket)
    return dataset


def stage_labels(base: str, out: Path, bucket: str, name: str) -> DatasetRecord:
    """Make the data set that continues `base`: with what people decided about images, and the same test images.

    Labels that were given for the data sets which `base` continues count too: reviewers may have gone on with them.

    Raises:
        DatasetError: there is no such data set, nothing was decided, or `name` is that of `base`.
        InvalidLabels: a label's record is malformed.
    """
    if name == base or not name:
        raise DatasetError(f"the data set with the labels needs a name of its own; --name {base}-2, for example")
    dataset_folder(name)
    s3 = boto3.client("s3", config=Config(max_pool_connections=UPLOADS))
    record = base_record(s3, bucket, base)
    collection, lineage = with_labels(s3, bucket, record, _labels(s3, bucket, record))
    dataset = write(collection, out, name, record.classes, record.max_side, exact=record.exact, lineage=lineage)
    upload(dataset, out, bucket)
    return dataset


def _labels(s3: "S3Client", bucket: str, record: DatasetRecord) -> list[LabelledImage]:
    """What people decided about images for a data set and those that it continues; of two records the later counts."""
    generations = [record.name]
    while record.lineage and record.lineage.base not in generations:
        record = base_record(s3, bucket, record.lineage.base)
        generations.append(record.name)
    found = {image.sha256: image for name in reversed(generations) for image in read_labels(s3, bucket, name)}
    return list(found.values())


def default_name(source: str) -> str:
    """Name a data set for its source; where no part of that name may be in one, UNNAMED."""
    return re.sub(r"[^a-z0-9_-]+", "-", Path(source).resolve().name.lower()).strip("-_") or UNNAMED


def check_classes(classes: Sequence[str]) -> None:
    """Raise DatasetError where classes can't be those of a data set by their number or their names."""
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise DatasetError(f"a data set needs two or more different classes, not {', '.join(classes) or 'none'}")
    if unusable := [name for name in classes if "," in name or name != name.strip()]:
        # The hyperparameter class_labels is a list with commas.
        raise DatasetError(f"{unusable[0]!r} can't name a class: leave out commas, and spaces at the ends")


def write(
    collection: ImageCollection,
    out: Path,
    name: str,
    classes: Sequence[str],
    max_side: int,
    *,
    exact: bool,
    lineage: Lineage | None = None,
) -> DatasetRecord:
    """Write the images, the lists and the record to a temporary folder, and then move it into place.

    Raises:
        DatasetError: a class has no training or no test image.
    """
    table = collection.table
    counts = {
        split: {label: int(((table["split"] == split) & (table["class"] == label)).sum()) for label in classes}
        for split in SPLITS
    }
    for split, of_split in counts.items():
        if empty := [label for label, count in of_split.items() if not count]:
            raise DatasetError(f"{collection.source} has no {split} image of {', '.join(empty)}; add images")
    final = out / dataset_folder(name)
    final.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(f".{name}-", final.parent) as beside:
        new = beside / "new"
        content = hashlib.sha256()
        for split in SPLITS:
            chosen = table["split"] == split
            images = [image for image, of_split in zip(collection.images, chosen, strict=True) if of_split]
            _write_split(new, split, table[chosen], images, classes, content)
        source, source_sha256 = collection.source, collection.source_sha256
        dataset = DatasetRecord(
            name, tuple(classes), max_side, exact, counts, source, source_sha256, content.hexdigest(), lineage
        )
        (new / RECORD).write_text(dataset.to_json())
        if final.exists():
            final.rename(beside / "old")
        new.rename(final)
    return dataset


def _write_split(
    root: Path,
    split: str,
    table: pd.DataFrame,
    images: Sequence[bytes],
    classes: Sequence[str],
    content: "hashlib._Hash",
) -> None:
    """Write one split's PNG files and its list, and add both to the checksum of the content."""
    (root / split).mkdir(parents=True)
    entries = [
        ListEntry(index, classes.index(label), f"{index:05}_{_plain(file)}.png")
        for index, (label, file) in enumerate(zip(table["class"], table["file"], strict=True))
    ]
    lst = format_lst(entries)
    (root / f"{split}.lst").write_text(lst)
    content.update(lst.encode())
    for entry, image in zip(track(entries, description=f"Writing {split}", transient=True), images, strict=True):
        (root / split / entry.file).write_bytes(image)
        content.update(image)


def _plain(file: str) -> str:
    """Return a file's name without its suffix and without what doesn't belong in a key."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(file).stem)[:60]


def upload(dataset: DatasetRecord, out: Path, bucket: str) -> None:
    """Upload a data set's files to S3, and delete what an earlier one of its name left; the record goes last.

    Raises:
        DatasetError: S3 refused, or can't be reached; then the record is missing there.
    """
    s3 = boto3.client("s3", config=Config(max_pool_connections=UPLOADS))
    files = {path.relative_to(out).as_posix(): path for path in (out / dataset.folder).rglob("*") if path.is_file()}
    record = f"{dataset.folder}/{RECORD}"
    try:
        s3.delete_object(Bucket=bucket, Key=record)
        _delete_others(s3, bucket, dataset.folder, files.keys())
        _put(s3, bucket, {key: path for key, path in files.items() if key != record})
        _put(s3, bucket, {record: files[record]})
    except (BotoCoreError, ClientError) as error:
        raise DatasetError(
            f"the data set {dataset.name!r} did not reach the bucket {bucket!r} ({error}); stage it again"
        ) from error


def _put(s3: "S3Client", bucket: str, files: Mapping[str, Path]) -> None:
    def put(item: tuple[str, Path]) -> None:
        key, path = item
        s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())

    with ThreadPoolExecutor(UPLOADS) as pool:
        puts = [pool.submit(put, item) for item in files.items()]
        try:
            for done in track(as_completed(puts), f"Uploading to {bucket}", total=len(puts), transient=True):
                done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _delete_others(s3: "S3Client", bucket: str, below: str, kept: Collection[str]) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{below}/"):
        others: list[ObjectIdentifierTypeDef] = [
            {"Key": item["Key"]} for item in page.get("Contents", []) if item["Key"] not in kept
        ]
        if others:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": others, "Quiet": True})
