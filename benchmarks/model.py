"""Measure the algorithm on real images: python -m benchmarks.model --archive PATH --photos FOLDER.

The archive is CIFAR-100's, or a part of it in the same layout; the folder holds a folder of photographs for each class.
Accuracy is cross-validated, five folds for each seed: over the archive's training images, whose test images one fit to
all of them then judges, and over the photographs. Costs are those of the container's own programs. Prints Markdown.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import expit
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from benchmarks.model_costs import costs
from monitoring.quality.calibration import interval
from training import stage
from training.datasets import cifar, folder
from training.datasets.collection import ImageCollection

# benchmarks.model_costs has put the container's program on the path.
from classifier.conversion import pretrained_network  # isort: skip
from classifier.estimator import MirrorKernelRidge  # isort: skip
from classifier.features import KINDS, Features, backbone_features, scattering_features  # isort: skip
from classifier.metrics import accuracy, calibration_error, coverage  # isort: skip

CLASSES = ("bicycle", "motorcycle")
FOLDS = 5
MAX_SIDE = 224
NAME = "benchmark"
WIDTH = 200
"""Characters a line: a row of a Markdown table must not be wrapped."""
Rows = NDArray[np.intp]
Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Features of images and of their mirror images, each of shape (n, d)."""


@dataclass(frozen=True)
class Method:
    """A classifier and which features it takes, see `describe`.

    Where `doubled`, it is fitted to the mirror images too and its answers for both are averaged. Where it has only
    margins, a sigmoid makes shares of them that rank as they do and mean nothing more.
    """

    features: str
    doubled: bool
    make: Callable[[], Any]
    margins: bool = False

    def probabilities(self, pair: Pair, codes: NDArray[np.intp], train: Rows, test: Rows) -> NDArray[np.float64]:
        """Fit to the rows `train` and predict the rows `test`: (n, 2)."""
        sides = pair if self.doubled else pair[:1]
        fitted = self.make().fit(np.concatenate([rows[train] for rows in sides]), np.tile(codes[train], len(sides)))
        if self.margins:
            second = expit(np.mean([fitted.decision_function(rows[test]) for rows in sides], axis=0))
            return np.column_stack([1 - second, second])
        mean: NDArray[np.float64] = np.mean([fitted.predict_proba(rows[test]) for rows in sides], axis=0)
        return mean


def _logistic(strength: float) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))


def methods(scattering: Features, backbone: Features) -> Mapping[str, Method]:
    """The classifiers that are compared, by name; the last is what training uses by default."""

    def ridge(features: Features) -> MirrorKernelRidge:
        return MirrorKernelRidge(mirrored=True, gamma=KINDS[features.name].gamma, shares=features.shares)

    return {
        "HOG, logistic regression": Method("hog", True, lambda: _logistic(1e-3)),
        "HOG, RBF SVM": Method("hog", True, lambda: make_pipeline(StandardScaler(), SVC(C=3)), margins=True),
        "scattering, logistic regression": Method("scattering", True, lambda: _logistic(1e-3)),
        "scattering, mirror kernel ridge": Method("scattering", False, lambda: ridge(scattering)),
        "backbone pooled, logistic regression": Method("pooled", False, lambda: _logistic(1e-2)),
        "backbone, mirror kernel ridge": Method("backbone", False, lambda: ridge(backbone)),
    }


def describe(files: Sequence[bytes], scattering: Features, backbone: Features) -> dict[str, Pair]:
    """Features of each kind for the images in these files."""
    small = np.stack([scattering.decode(file) for file in files])
    described = {"hog": (_histograms(small), _histograms(small[:, :, ::-1]))}
    for features in (scattering, backbone):
        rows = features(np.stack([features.decode(file) for file in files]))
        signs = np.repeat(np.array([1, -1], np.float32), rows.shape[1] // 2)
        described[features.name] = (rows, rows * signs)
    pooled = backbone.pooled(described[backbone.name][0])
    return {**described, "pooled": (pooled, pooled)}


def _histograms(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Histograms of oriented gradients in cells of 4 and of 8 pixels."""

    def both(image: NDArray[np.uint8]) -> NDArray[np.float64]:
        cells = [hog(image, 9, (cell, cell), (2, 2), transform_sqrt=True, channel_axis=-1) for cell in (4, 8)]
        return np.concatenate(cells)

    return np.array([both(image) for image in images], np.float32)


def cross_validate(method: Method, pair: Pair, codes: NDArray[np.intp], rows: Rows, seed: int) -> NDArray[np.float64]:
    """Probabilities of shape (rows, 2) of these rows, from fits to the other folds of them."""
    probabilities = np.zeros((len(rows), 2))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, codes[rows]):
        probabilities[test] = method.probabilities(pair, codes, rows[train], rows[test])
    return probabilities


def quality(collection: ImageCollection, classes: Sequence[str], tested: NDArray[np.bool_], seeds: int) -> Table:
    """Compare the methods by cross-validation over the images that are not `tested`, and on those that are."""
    scattering, backbone = scattering_features(KINDS["scattering"].sides[0]), backbone_features(pretrained_network())
    described = describe(collection.images, scattering, backbone)
    codes = np.array([classes.index(name) for name in collection.table["class"]])
    rows, held_out = np.flatnonzero(~tested), np.flatnonzero(tested)
    judged = [f"test accuracy, {len(held_out)} images"] if len(held_out) else []
    table = Table("method", "accuracy", "ECE", "coverage at 2% error", *judged, box=MARKDOWN)
    for name, method in methods(scattering, backbone).items():
        pair = described[method.features]
        seen = track(range(seeds), name, console=Console(stderr=True))
        runs = [cross_validate(method, pair, codes, rows, seed) for seed in seen]
        scores = [accuracy(run, codes[rows]) for run in runs]
        cells = [
            f"{np.mean(scores):.3f} ± {np.std(scores):.3f}",
            "-" if method.margins else f"{np.mean([calibration_error(run, codes[rows]) for run in runs]):.3f}",
            f"{np.mean([coverage(run, codes[rows]) for run in runs]):.3f}",
        ]
        if len(held_out):
            right = method.probabilities(pair, codes, rows, held_out).argmax(1) == codes[held_out]
            bounds = interval(int(right.sum()), len(right))
            cells.append(f"{right.mean():.3f} ({bounds.low:.3f} to {bounds.high:.3f})")
        table.add_row(name, *cells)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of quality for each source of images, and one of costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, required=True, help="CIFAR-100's Python version, or its like")
    parser.add_argument("--photos", type=Path, help="folder of <class>/<image> files, two classes")
    parser.add_argument("--seeds", type=int, default=5, help="repetitions of the cross-validation")
    parser.add_argument("--requests", type=int, default=1000, help="requests to serve.py under each load")
    options = parser.parse_args(arguments)
    console = Console(width=WIDTH)
    # As the container's programs do: threads of linear algebra would fight those of the images for the cores.
    with threadpool_limits(1), tempfile.TemporaryDirectory() as out:
        collection = cifar.collect(options.archive, str(options.archive), CLASSES, MAX_SIDE, exact=False)
        tested = (collection.table["split"] == "test").to_numpy()
        console.print(f"Bicycles and motorcycles, {np.sum(~tested)} training images, {FOLDS} folds:")
        console.print(quality(collection, CLASSES, tested, options.seeds))
        if options.photos:
            classes = folder.class_names(options.photos)
            photos = folder.collect(options.photos, classes, MAX_SIDE, exact=False, strict=True)
            console.print(f"Photographs of {' and '.join(classes)}, {len(photos.images)} images, {FOLDS} folds:")
            console.print(quality(photos, classes, np.zeros(len(photos.images), bool), options.seeds))
        dataset = stage.write(collection, Path(out), NAME, CLASSES, MAX_SIDE, exact=False)
        console.print(costs(dataset, Path(out), {"seed": "0"}, options.requests))


if __name__ == "__main__":
    main()
