"""Measure what a person's decisions teach: python -m benchmarks.loop --archive PATH --photos FOLDER.

In each trial a model begins with a few images of each class. In each round it classifies the images that nobody has
labelled, and a simulated reviewer, who is always right, decides a number of them; then it is trained again on all
labels. What goes to review is decided in the order of `workflow review --order`; beside it, the same number of images
is taken by uncertainty alone, and at random. Images that take no part judge every model.

Writes docs/loop.png, and the table between the marks of README.md.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.progress import track
from threadpoolctl import threadpool_limits

from benchmarks.scale import filled
from imaging.decoding import squash
from monitoring.report.chart_style import png, styled
from monitoring.report.palette import LIGHT
from review.order import SIDE, describe, ranked
from training.datasets import cifar, folder
from training.datasets.collection import ImageCollection

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "training" / "algorithms" / "mirror_ridge"))

from classifier.conversion import pretrained_network  # noqa: E402 - the container's program is not installed
from classifier.estimator import MirrorKernelRidge  # noqa: E402
from classifier.familiarity import LIMIT, learn  # noqa: E402
from classifier.features import KINDS, backbone_features  # noqa: E402
from classifier.metrics import accuracy, coverage  # noqa: E402
from classifier.threshold import recommend  # noqa: E402

START = 20
"""Images of each class that are labelled from the beginning."""
ROUNDS = 5
DECISIONS = 20
"""Decisions of a round at most."""
HELD_OUT = 0.4
MAX_ERROR = 0.02
MAX_SIDE = 224
Rows = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Described:
    """All images of a source: features (n, d), what familiarity is measured in (n, p), looks (n, q), classes (n,).

    `shares` are the columns' weights.
    """

    name: str
    rows: NDArray[np.float32]
    pooled: NDArray[np.float32]
    looks: Floats
    codes: Rows
    shares: Floats


@dataclass(frozen=True)
class Waiting:
    """The images that nobody has labelled: their numbers, probabilities (n, k), and which go to review (n,)."""

    numbers: Rows
    probabilities: Floats
    review: NDArray[np.bool_]


Choice = Callable[[Described, Waiting, np.random.Generator, int], Rows]
"""Gives the numbers of images in the order to decide them, at most as many as its last argument says."""


def in_order(described: Described, waiting: Waiting, _: np.random.Generator, count: int) -> Rows:
    """What goes to review, first the images that teach most."""
    numbers = waiting.numbers[waiting.review]
    unsure = _unsure(waiting.probabilities[waiting.review])
    return numbers[ranked(unsure, described.looks[numbers])[:count]]


def by_uncertainty(_: Described, waiting: Waiting, __: np.random.Generator, count: int) -> Rows:
    """What goes to review, first the images that the model is least sure of."""
    order = np.argsort(-_unsure(waiting.probabilities[waiting.review]), kind="stable")
    return waiting.numbers[waiting.review][order[:count]]


def at_random(_: Described, waiting: Waiting, random: np.random.Generator, count: int) -> Rows:
    """Any images."""
    return random.permutation(waiting.numbers)[:count]


CHOICES: dict[str, Choice] = {
    "review, in its order": in_order,
    "review, by uncertainty": by_uncertainty,
    "at random": at_random,
}


def _unsure(probabilities: Floats) -> Floats:
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    margin: Floats = first - second
    return 1 - margin


def describe_all(name: str, collection: ImageCollection, classes: Sequence[str]) -> Described:
    """Compute everything that the trials need, once."""
    features = backbone_features(pretrained_network())
    decoded = np.stack([features.decode(image) for image in track(collection.images, name)])
    rows = features(decoded)
    looks = np.array([describe(np.asarray(squash(image, SIDE)[0])) for image in collection.images])
    codes = np.array([classes.index(label) for label in collection.table["class"]])
    return Described(name, rows, features.pooled(rows), looks, codes, features.shares)


@dataclass(frozen=True)
class Round:
    """A model by the decisions that it has learnt from: accuracy and coverage on images that took no part."""

    decisions: int
    accuracy: float
    coverage: float


def trial(described: Described, choose: Choice, seed: int) -> list[Round]:
    """Begin with START images a class, and decide ROUNDS times."""
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(described.codes))
    held_out, rest = np.split(shuffled, [int(HELD_OUT * len(shuffled))])
    first = [rest[described.codes[rest] == code][:START] for code in np.unique(described.codes)]
    labelled = np.concatenate(first)
    started, found = len(labelled), []
    for left in reversed(range(ROUNDS + 1)):
        model = MirrorKernelRidge(
            mirrored=True, gamma=KINDS["backbone"].gamma, shares=described.shares, random_state=seed
        )
        model.fit(described.rows[labelled], described.codes[labelled])
        tested = model.predict_proba(described.rows[held_out])
        codes = described.codes[held_out]
        found.append(Round(len(labelled) - started, accuracy(tested, codes), coverage(tested, codes, MAX_ERROR)))
        if left:
            waiting = classify(described, model, labelled, np.setdiff1d(rest, labelled))
            labelled = np.concatenate([labelled, choose(described, waiting, random, DECISIONS)])
    return found


def classify(described: Described, model: MirrorKernelRidge, labelled: Rows, numbers: Rows) -> Waiting:
    """Say of the images with these numbers what the workflow would: which of them go to review."""
    threshold = recommend(model.out_of_fold_proba_, described.codes[labelled], MAX_ERROR).value
    probabilities = model.predict_proba(described.rows[numbers])
    familiarity = learn(described.pooled[labelled]).score(described.pooled[numbers])
    accepted = (probabilities.max(1) >= threshold) if threshold is not None else np.zeros(len(numbers), bool)
    return Waiting(numbers, probabilities, ~accepted | (familiarity < LIMIT))


Runs = dict[str, list[list[Round]]]
"""Trials by how images were chosen."""


def run(described: Described, seeds: int) -> Runs:
    """Repeat every choice with the same seeds."""
    return {
        name: [trial(described, choose, seed) for seed in track(range(seeds), f"{described.name}, {name}")]
        for name, choose in CHOICES.items()
    }


def mean(trials: list[list[Round]], what: str) -> Floats:
    """The mean over the trials by round, shape (ROUNDS + 1,)."""
    averages: Floats = np.mean([[getattr(one, what) for one in rounds] for rounds in trials], axis=0)
    return averages


def table(found: dict[str, Runs]) -> str:
    """The figures as Markdown: accuracy and coverage at MAX_ERROR by round."""
    rounds = range(ROUNDS + 1)
    lines = ["| images | decided | " + " | ".join(f"round {number}" for number in rounds) + " |", "|---" * 8 + "|"]
    for images, runs in found.items():
        for name, trials in runs.items():
            pairs = zip(mean(trials, "accuracy"), mean(trials, "coverage"), mean(trials, "decisions"), strict=True)
            cells = [f"{right:.3f}, {share:.2f} ({count:.0f})" for right, share, count in pairs]
            lines.append(f"| {images} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def chart(found: dict[str, Runs]) -> bytes:
    """Accuracy above, coverage below, by the number of decisions; a column for each source of images."""
    figure = Figure(figsize=(9, 6.2), dpi=110, facecolor=LIGHT.background, layout="constrained")
    grid = figure.subplots(2, len(found), squeeze=False, sharex=True)
    for column, (images, runs) in enumerate(found.items()):
        for row, what in enumerate(("accuracy", "coverage")):
            axes = grid[row, column]
            styled(axes, LIGHT)
            for (name, trials), colour in zip(runs.items(), (LIGHT.accepted, LIGHT.accent, LIGHT.review), strict=True):
                axes.plot(mean(trials, "decisions"), mean(trials, what), "o-", color=colour, label=name, markersize=4)
            axes.set_ylabel(what if what == "accuracy" else f"accepted at {MAX_ERROR:.0%} error")
        grid[0, column].set_title(images, color=LIGHT.ink, loc="left", fontsize=10)
        grid[1, column].set_xlabel("decisions")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, labelcolor=LIGHT.ink)
    return png(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the trials on both sources, and write the chart and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, required=True, help="CIFAR-100's Python version, or its like")
    parser.add_argument("--photos", type=Path, required=True, help="folder of <class>/<image> files")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args(arguments)
    kinds = folder.class_names(options.photos)
    bikes = ("bicycle", "motorcycle")
    sources = {
        "photographs": partial(folder.collect, options.photos, kinds, MAX_SIDE),
        "CIFAR-100": partial(cifar.collect, options.archive, str(options.archive), bikes, cifar.SIDE),
    }
    with threadpool_limits(1):
        found = {
            name: run(describe_all(name, collect(), kinds if name == "photographs" else bikes), options.seeds)
            for name, collect in sources.items()
        }
    (ROOT / "docs" / "loop.png").write_bytes(chart(found))
    page = ROOT / "README.md"
    page.write_text(filled(page.read_text(), "loop", table(found)))


if __name__ == "__main__":
    main()
