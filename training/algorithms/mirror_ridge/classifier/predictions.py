"""Write what a model says of images whose class is known, for others to judge it by."""

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.channels import Channel

OUT_OF_FOLD = "out_of_fold.csv"
TEST = "test.jsonl"


def write_out_of_fold(folder: Path, labels: Sequence[str], training: Channel, rows: NDArray[np.float64]) -> None:
    """Write the probabilities of the training images, shape (n, k), each from a fit without that image."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / OUT_OF_FOLD).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "class", *labels])
        for name, code, row in zip(training.files, training.classes, rows, strict=True):
            writer.writerow([name, labels[code], *(f"{value:.6f}" for value in row)])


def write_test(
    folder: Path, labels: Sequence[str], images: Channel, data: Path, answers: Sequence[Mapping[str, Any]]
) -> None:
    """Write what the finished model answers of images that it was not trained on, whose files are in `data`.

    The sha256 of each file tells whether another model was judged by the same images, whatever they are called there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / TEST).open("w", encoding="utf-8") as file:
        for name, code, answer in zip(images.files, images.classes, answers, strict=True):
            digest = hashlib.sha256((data / name).read_bytes()).hexdigest()
            row = {"file": name, "class": labels[code], "sha256": digest, "answer": answer}
            file.write(json.dumps(row) + "\n")
