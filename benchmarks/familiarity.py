"""Measure how well unfamiliar images are told apart: python -m benchmarks.familiarity --photos FOLDER --archive PATH.

The folder holds a folder of photographs for each class, the archive is CIFAR-100's or a part of it in the same layout.
Each is learned in five folds. Images of the fold that was left out are familiar; the other things are the other of the
two sets, photographs and pictures that come with scikit-image and scikit-learn, whole and in parts, and whatever
`--others` holds. Beside the images of 32 pixels they are shrunk to 32 pixels, too. Prints Markdown.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
import sklearn.datasets
from numpy.typing import NDArray
from PIL import Image
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from benchmarks.model import CLASSES, FOLDS, MAX_SIDE, WIDTH
from imaging.decoding import SUFFIXES, bound, model_input
from imaging.errors import ImageTooLarge, InvalidImage
from imaging.fitting import as_png
from training.datasets import cifar, folder
from training.datasets.collection import ImageCollection

# benchmarks.model has put the container's program on the path.
from classifier.conversion import pretrained_network  # isort: skip
from classifier.estimator import MirrorKernelRidge  # isort: skip
from classifier.familiarity import LIMIT, learn  # isort: skip
from classifier.features import KINDS, Features, backbone_features  # isort: skip

PACKAGES = (Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent / "images")
OF_THE_CLASSES = ("chelsea", "motorcycle")
"""Pictures of those packages that show a cat or a motorcycle."""
PARTS = 4
"""Parts of each picture, at random, of 0.4 to 0.7 of its width and height."""
SMALLEST = 64
"""Pixels of the shorter side; the packages have tiny pictures for tests of formats, too."""
SURE = 0.9
"""A threshold of confidence, for comparison."""

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Known:
    """Images to be familiar with: features of shape (n, d) and classes of shape (n,)."""

    name: str
    rows: Rows
    codes: NDArray[np.intp]


def pictures(folders: Sequence[Path]) -> list[bytes]:
    """The pictures of folders, but those of the classes, whole and in parts; the same at every call."""
    draw = np.random.default_rng(0)
    found = []
    for path in sorted(path for place in folders for path in place.rglob("*") if path.suffix.lower() in SUFFIXES):
        whole = None if path.name.startswith(OF_THE_CLASSES) else _picture(path)
        if whole is None:
            continue
        found.append(as_png(whole))
        for _ in range(PARTS):
            width, height = (int(draw.uniform(0.4, 0.7) * length) for length in whole.size)
            left, top = (int(draw.integers(0, free + 1)) for free in (whole.width - width, whole.height - height))
            found.append(as_png(whole.crop((left, top, left + width, top + height))))
    return found


def _picture(path: Path) -> Image.Image | None:
    """The picture in a file, if it is one of some size."""
    try:
        picture, _ = bound(path.read_bytes(), 4 * MAX_SIDE)
    except (InvalidImage, ImageTooLarge):
        return None
    return picture if min(picture.size) >= SMALLEST else None


def described(features: Features, files: Sequence[bytes], max_side: int) -> Rows:
    """Features of images that are sent with at most so many pixels a side."""
    bounded = [model_input(file, max_side, exact=False).png for file in files]
    return features(np.stack([features.decode(png) for png in bounded]))


def compare(features: Features, known: Known, others: Mapping[str, Rows], seeds: int) -> Table:
    """How many of the other things are found, and how many familiar images are taken for such."""
    alarms: list[float] = []
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in others}
    for seed in range(seeds):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for train, test in folds.split(known.rows, known.codes):
            familiarity = learn(features.pooled(known.rows[train]))
            ridge = MirrorKernelRidge(mirrored=True, gamma=KINDS[features.name].gamma, shares=features.shares)
            ridge.fit(known.rows[train], known.codes[train])
            own, sure = familiarity.score(features.pooled(known.rows[test])), _confidence(ridge, known.rows[test])
            alarms.append(float((own < LIMIT).mean()))
            for name, rows in others.items():
                scores, confidence = familiarity.score(features.pooled(rows)), _confidence(ridge, rows)
                flagged, accepted = (scores < LIMIT).mean(), (confidence >= SURE).mean()
                found[name].append((_auroc(own, scores), flagged, _auroc(sure, confidence), accepted))
    table = Table(
        f"beside {known.name}",
        "images",
        "AUROC",
        "flagged",
        "AUROC of confidence alone",
        f"confidence at least {SURE}",
        box=MARKDOWN,
        caption_justify="left",
        caption=f"False alarms on images left out: {np.mean(alarms):.3f} of {len(known.codes)}; the limit is {LIMIT}.",
    )
    for name, measured in found.items():
        table.add_row(name, str(len(others[name])), *(f"{value:.3f}" for value in np.mean(measured, axis=0)))
    return table


def _confidence(ridge: MirrorKernelRidge, rows: Rows) -> NDArray[np.float64]:
    confidence: NDArray[np.float64] = ridge.predict_proba(rows).max(1)
    return confidence


def _auroc(own: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Share of pairs of an image of the classes and one of another thing of which the former scores higher."""
    return float(roc_auc_score(np.repeat([1, 0], [len(own), len(others)]), np.concatenate([own, others])))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each set of known images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of <class>/<image> files, two classes")
    parser.add_argument("--archive", type=Path, required=True, help="CIFAR-100's Python version, or its like")
    parser.add_argument("--others", type=Path, help="folder of images of other things")
    parser.add_argument("--seeds", type=int, default=2, help="repetitions of the cross-validation")
    options = parser.parse_args(arguments)
    console, features = Console(width=WIDTH), backbone_features(pretrained_network())
    classes = folder.class_names(options.photos)
    photos = folder.collect(options.photos, classes, MAX_SIDE, exact=False, strict=True)
    wheels = cifar.collect(options.archive, str(options.archive), CLASSES, MAX_SIDE, exact=False)
    foreign = {"pictures of packages": pictures(PACKAGES)}
    if options.others:
        foreign[options.others.name] = pictures([options.others])
    sets: list[tuple[str, ImageCollection, Sequence[str], int, dict[str, Sequence[bytes]]]] = [
        (" and ".join(classes), photos, classes, MAX_SIDE, {" and ".join(CLASSES): wheels.images, **foreign}),
        (" and ".join(CLASSES), wheels, CLASSES, cifar.SIDE, {" and ".join(classes): photos.images, **foreign}),
    ]
    with threadpool_limits(1):
        for name, collection, labels, max_side, others in sets:
            codes = np.array([labels.index(label) for label in collection.table["class"]])
            known = Known(name, described(features, collection.images, max_side), codes)
            rows = {thing: described(features, files, max_side) for thing, files in others.items()}
            console.print(compare(features, known, rows, options.seeds))


if __name__ == "__main__":
    main()
