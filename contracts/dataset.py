"""A staged data set: its record `dataset.json`, its image lists (`.lst`), and where they are."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import PurePosixPath
from typing import Any

from contracts.errors import WorkflowError, in_words
from contracts.layout import Prefix

SPLITS = ("train", "test")
RECORD = "dataset.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
LINE = re.compile(r"([0-9]{1,18})\t([0-9]{1,18})\t([^\t\0]+)")


class DatasetError(WorkflowError):
    """A data set can't be made, found or read."""


@dataclass(frozen=True)
class ListEntry:
    """One line of a `.lst` file: a unique index, the class number from 0, and the image's path in its split."""

    index: int
    label: int
    file: str


@dataclass(frozen=True)
class Lineage:
    """What a data set has beyond the one that it continues.

    `base` and `base_sha256` name that one; `labels_sha256` covers the labels that people agreed on; `added` counts new
    training images by class, `relabelled` those of `base` whose label people changed, and `left_out` the labels that
    were not used, by reason.
    """

    base: str
    base_sha256: str
    labels_sha256: str
    added: dict[str, int]
    relabelled: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class DatasetRecord:
    """What `dataset.json` says of a data set.

    Its images are those that the workflow would send to the model: at most `max_side` pixels a side, or if `exact`
    squares of exactly that. `counts` holds the number of images by split and class. `sha256` covers the content: for
    each split its `.lst`, then its PNG files in that order. `source_sha256` covers what the data set was made from.
    `lineage` is there where it continues another data set.
    """

    name: str
    classes: tuple[str, ...]
    max_side: int
    exact: bool
    counts: dict[str, dict[str, int]]
    source: str
    source_sha256: str
    sha256: str
    lineage: Lineage | None = None

    @property
    def folder(self) -> str:
        """Where the data set is, in the bucket and in the output folder."""
        return dataset_folder(self.name)

    def count(self, split: str) -> int:
        """Count the images of a split."""
        return sum(self.counts[split].values())

    def to_json(self) -> str:
        """Write the record as the text of `dataset.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str = RECORD) -> "DatasetRecord":
        """Read the text of `dataset.json`, which is at *where*.

        Raises:
            DatasetError: it isn't JSON, or isn't such a record.
        """
        try:
            read: dict[str, Any] = json.loads(text)
            values = {field.name: read[field.name] for field in fields(cls) if field.name != "lineage"}
            _check(values)
            values["lineage"] = Lineage(**lineage) if (lineage := read.get("lineage")) else None
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"{where} is not the record of a data set ({in_words(error)}); stage it again."
            ) from error
        return cls(**values | {"classes": tuple(values["classes"])})


def dataset_folder(name: str) -> str:
    """Where the data set *name* is, in the bucket and in the output folder.

    Raises:
        DatasetError: the name can't be part of a key and a path.
    """
    if not NAME.fullmatch(name):
        raise DatasetError(f"{name!r} can't name a data set: use small letters, digits, - and _ (63 at most).")
    return f"{Prefix.DATASETS}{name}"


def format_lst(entries: Iterable[ListEntry]) -> str:
    """Write SageMaker's image list: `index<TAB>class<TAB>relative path`, one per line."""
    return "".join(f"{entry.index}\t{entry.label}\t{entry.file}\n" for entry in entries)


def parse_lst(text: str, classes: int, where: str) -> list[ListEntry]:
    """Read SageMaker's image list, which is at *where*, of a data set with so many classes.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/image-classification.html

    Raises:
        DatasetError: the list is empty or repeats an index, or a line isn't `index<TAB>class<TAB>relative path`, has a
            class that doesn't exist or a path that leaves the split.
    """
    # Not str.splitlines, which also ends lines at characters that a file's name may hold.
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    entries = [_entry(line, classes, f"{where}, line {number}") for number, line in enumerate(lines, 1) if text]
    if not entries or len({entry.index for entry in entries}) < len(entries):
        raise DatasetError(f"{where} is empty or repeats an index; stage the data set again.")
    return entries


def _check(values: dict[str, Any]) -> None:
    """Raise ValueError or TypeError where what a record says is of another type."""
    classes, counts, size = values["classes"], values["counts"], values["max_side"]
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise TypeError("classes is not a list of names")
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"max_side is {size!r}")
    if not isinstance(values["exact"], bool):
        raise TypeError(f"exact is {values['exact']!r}")
    if {*counts} != {*SPLITS} or any({*of_split} != {*classes} for of_split in counts.values()):
        raise ValueError(f"counts is {counts!r}")


def _entry(line: str, classes: int, where: str) -> ListEntry:
    found = LINE.fullmatch(line)
    if found is None:
        raise DatasetError(f"{where} is not 'index<TAB>class<TAB>path': {line!r}; stage the data set again.")
    label, path = int(found[2]), PurePosixPath(found[3])
    if label >= classes:
        raise DatasetError(f"{where} has class {label}, but there are {classes} classes; stage the data set again.")
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise DatasetError(f"{where} has a path that leaves its split: {found[3]!r}; stage the data set again.")
    return ListEntry(int(found[1]), label, found[3])
