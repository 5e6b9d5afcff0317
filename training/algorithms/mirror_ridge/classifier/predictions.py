"""Write what a model says of images whose class is known, for others to judge it by."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.channels import Channel

OUT_OF_FOLD = "out_of_fold.csv"
TEST = "test.csv"


def write_out_of_fold(folder: Path, labels: Sequence[str], training: Channel, rows: NDArray[np.float64]) -> None:
    """Write the probabilities of the training images, shape (n, k), each from a fit without that image."""
    first = zip(training.files, _names(labels, training), strict=True)
    _write(folder / OUT_OF_FOLD, ("file", "class", *labels), first, rows)


def write_test(folder: Path, labels: Sequence[str], validation: Channel, data: Path, rows: NDArray[np.float64]) -> None:
    """Write the probabilities of the images in the folder `data`, which the model was not trained on.

    The sha256 of each file tells whether another model was judged by the same images, whatever they are called there.
    """
    digests = [hashlib.sha256((data / file).read_bytes()).hexdigest() for file in validation.files]
    first = zip(validation.files, _names(labels, validation), digests, strict=True)
    _write(folder / TEST, ("file", "class", "sha256", *labels), first, rows)


def _names(labels: Sequence[str], channel: Channel) -> list[str]:
    return [labels[code] for code in channel.classes]


def _write(path: Path, header: Sequence[str], first: Iterable[Sequence[str]], rows: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for values, row in zip(first, rows, strict=True):
            writer.writerow([*values, *(f"{value:.6f}" for value in row)])
