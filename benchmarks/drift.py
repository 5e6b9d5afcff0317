"""Benchmark drift detection on real images: python -m benchmarks.drift --archive PATH.

The archive is CIFAR-100's, or a part of it in the same layout. In each trial a random half of the images is the
baseline and windows are drawn from the other half, unchanged or changed. The scores are those of the CPU algorithm,
fitted to other folds than the image's own. Prints how many of the windows are called drift, and by which checks most.
"""

import argparse
import io
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.datasets import load_sample_image
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from monitoring.drift.measures import measure
from monitoring.drift.result import Verdict
from monitoring.drift.verdict import compare, overall
from monitoring.drift.window import Sample
from training.datasets import cifar
from training.datasets.collection import pixels_of

PROGRAM = Path(__file__).parents[1] / "training" / "algorithms" / "mirror_ridge"
sys.path.insert(0, str(PROGRAM))

from classifier.estimator import MirrorKernelRidge  # noqa: E402 - the container's program is not installed
from classifier.scattering import features  # noqa: E402

FOLDS = 5
SIZES = (100, 500)
CHECKS_NAMED = 2
Images = NDArray[np.uint8]
Rows = NDArray[np.intp]
Random = np.random.Generator


@dataclass(frozen=True)
class Described:
    """All images of one kind: measured and classified, row by row."""

    measures: NDArray[np.float64]
    descriptions: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    def sample(self, rows: Rows, classes: tuple[str, ...]) -> Sample:
        """The rows, as drift sees them."""
        chosen = self.probabilities[rows]
        labels = tuple(classes[code] for code in chosen.argmax(axis=1))
        return Sample(self.measures[rows], self.descriptions[rows], chosen.max(axis=1), labels)


def scaled(factors: tuple[float, float, float]) -> Callable[[Images, Random], Images]:
    """Multiply red, green and blue."""
    return lambda images, _: _clipped(images * np.array(factors))


def noised(deviation: float) -> Callable[[Images, Random], Images]:
    """Add normal noise, of *deviation* grey levels."""
    return lambda images, random: _clipped(images + random.normal(0, deviation, images.shape))


def blurred(radius: float) -> Callable[[Images, Random], Images]:
    """Blur by a Gaussian of *radius* pixels."""
    return lambda images, _: _each(images, lambda image: image.filter(ImageFilter.GaussianBlur(radius)))


def crushed(quality: int) -> Callable[[Images, Random], Images]:
    """Store as JPEG of *quality* and read again."""

    def crush(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return lambda images, _: _each(images, crush)


def replaced(share: float) -> Callable[[Images, Random], Images]:
    """Put cuttings from scikit-learn's photographs of a temple and a flower in the place of a share of the images."""

    def replace(images: Images, random: Random) -> Images:
        photographs = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
        changed, side = images.copy(), images.shape[1]
        for row in np.flatnonzero(random.random(len(images)) < share):
            photograph = photographs[random.integers(len(photographs))]
            width = int(random.integers(side, 200))
            top, left = (int(random.integers(length - width)) for length in photograph.shape[:2])
            cutting = Image.fromarray(photograph[top : top + width, left : left + width])
            changed[row] = np.asarray(cutting.resize((side, side), Image.Resampling.LANCZOS))
        return changed

    return replace


CHANGES: dict[str, Callable[[Images, Random], Images]] = {
    "none": lambda images, _: images,
    "brightened by 10%": scaled((1.1, 1.1, 1.1)),
    "brightened by 20%": scaled((1.2, 1.2, 1.2)),
    "blurred, radius 0.4 pixels": blurred(0.4),
    "blurred, radius 0.7 pixels": blurred(0.7),
    "noised, 3 grey levels": noised(3),
    "noised, 8 grey levels": noised(8),
    "colour shifted, red +4%, blue -4%": scaled((1.04, 1, 0.96)),
    "colour shifted, red +10%, blue -10%": scaled((1.1, 1, 0.9)),
    "JPEG of quality 75": crushed(75),
    "JPEG of quality 30": crushed(30),
    "another class, 1 image in 5": replaced(0.2),
    "another class, all images": replaced(1.0),
}
# The share of the last class in a window whose images are unchanged.
SKEWS = {"class skewed, 65 in 100": 0.65, "class skewed, 80 in 100": 0.8}


def describe(images: Images, codes: Rows) -> dict[str, Described]:
    """Every change of the images, measured, and classified by models that were fitted to other, unchanged images."""
    random = np.random.default_rng(0)
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(images, codes))
    plain = features(images)
    models: list[Any] = [MirrorKernelRidge(mirrored=True).fit(plain[train], codes[train]) for train, _ in folds]
    described = {}
    for name, change in track(CHANGES.items(), "Changing and classifying"):
        changed = change(images, random)
        rows = features(changed)
        probabilities = np.zeros((len(images), codes.max() + 1))
        for model, (_, held) in zip(models, folds, strict=True):
            probabilities[held] = model.predict_proba(rows[held])
        described[name] = Described(*measure(changed, np.ones(len(changed))), probabilities)
    return described


def rates(described: dict[str, Described], codes: Rows, classes: tuple[str, ...], trials: int) -> Table:
    """The share of windows that are called drift, for each change and size."""
    table = Table("window", *(f"drift at {size}" for size in SIZES), "found by, at the last size")
    for name in track([*CHANGES, *SKEWS], "Changing images"):
        shares, found = [], Counter[str]()
        for size in SIZES:
            found = Counter()
            called = 0
            for trial in range(trials):
                random = np.random.default_rng(trial)
                order = random.permutation(len(codes))
                half, rest = order[: len(order) // 2], order[len(order) // 2 :]
                rows = _skewed(rest, codes, SKEWS[name], size, random) if name in SKEWS else rest[:size]
                window = described.get(name, described["none"]).sample(rows, classes)
                checks = compare(described["none"].sample(half, classes), window)
                called += overall(checks) is Verdict.DRIFT
                found.update(check.name for check in checks if check.verdict is Verdict.DRIFT)
            shares.append(called / trials)
        reasons = ", ".join(f"{check} {count / trials:.0%}" for check, count in found.most_common(CHECKS_NAMED))
        table.add_row(name, *(f"{share:.1%}" for share in shares), reasons)
    return table


def _skewed(rows: Rows, codes: Rows, share: float, size: int, random: Random) -> Rows:
    """Of *rows*, *size* with *share* of the last class; drawn with replacement, as there are not that many of it."""
    last = codes[rows] == codes.max()
    many = round(size * share)
    return np.concatenate([random.choice(rows[last], many), random.choice(rows[~last], size - many)])


def _each(images: Images, change: Callable[[Image.Image], Image.Image]) -> Images:
    return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


def _clipped(images: NDArray[np.float64]) -> Images:
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--archive", type=Path, required=True, help="archive in the layout of CIFAR-100's Python version"
    )
    parser.add_argument("--classes", default="bicycle,motorcycle", help="classes by name, commas between")
    parser.add_argument("--trials", type=int, default=100, help="windows of each kind and size")
    options = parser.parse_args()
    classes = tuple(options.classes.split(","))
    collection = cifar.collect(options.archive, str(options.archive), classes, cifar.SIDE)
    codes = np.array([classes.index(name) for name in collection.table["class"]])
    with threadpool_limits(1):
        described = describe(np.stack([pixels_of(png) for png in collection.images]), codes)
        Console().print(rates(described, codes, classes, options.trials))


if __name__ == "__main__":
    main()
