"""Measure the CPU algorithm on real images: python -m benchmarks.model --archive PATH.

The archive is CIFAR-100's, or a part of it in the same layout. Accuracy is cross-validated over the training and test
images together, five folds, for each seed; the test column is one fit to the archive's training split. Costs are those
of the container's own programs.
"""

import argparse
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
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

from benchmarks.load import Load, measure
from contracts.dataset import DatasetRecord
from local.sagemaker.container_client import reserve_port
from training import stage
from training.datasets import cifar
from training.datasets.collection import pixels_of

PROGRAM = Path(__file__).parents[1] / "training" / "algorithms" / "mirror_ridge"
sys.path.insert(0, str(PROGRAM))

from classifier.estimator import MirrorKernelRidge  # noqa: E402 - the container's program is not installed
from classifier.metrics import accuracy, calibration_error, coverage  # noqa: E402
from classifier.model import Model  # noqa: E402
from classifier.scattering import features  # noqa: E402

CLASSES = ("bicycle", "motorcycle")
FOLDS = 5
REPETITIONS = 5
CLIENTS = (8, 64, 8, 64)
"""In turn, so that what else the machine does is the same for both."""
LOAD_REQUESTS = 1_000
NAME = "benchmark"
Rows = NDArray[np.intp]


Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Features of images and of their mirror images, each of shape (n, d)."""


@dataclass(frozen=True)
class Method:
    """A classifier and which features it takes: `hog` or `scattering`.

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


METHODS: Mapping[str, Method] = {
    "HOG, logistic regression": Method("hog", True, lambda: _logistic(1e-3)),
    "HOG, RBF SVM": Method("hog", True, lambda: make_pipeline(StandardScaler(), SVC(C=3)), margins=True),
    "scattering, logistic regression": Method("scattering", True, lambda: _logistic(1e-3)),
    "scattering, mirror kernel ridge": Method("scattering", False, lambda: MirrorKernelRidge(mirrored=True)),
}


def describe(images: NDArray[np.uint8]) -> dict[str, Pair]:
    """Features of each kind for images of shape (n, side, side, 3)."""
    rows = features(images)
    signs = np.repeat(np.array([1, -1], np.float32), rows.shape[1] // 2)
    return {"hog": (_histograms(images), _histograms(images[:, :, ::-1])), "scattering": (rows, rows * signs)}


def _histograms(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Histograms of oriented gradients in cells of 4 and of 8 pixels."""

    def both(image: NDArray[np.uint8]) -> NDArray[np.float64]:
        cells = [hog(image, 9, (cell, cell), (2, 2), transform_sqrt=True, channel_axis=-1) for cell in (4, 8)]
        return np.concatenate(cells)

    return np.array([both(image) for image in track(images, "HOG")], np.float32)


def cross_validate(method: Method, pair: Pair, codes: NDArray[np.intp], seed: int) -> NDArray[np.float64]:
    """Probabilities of shape (n, 2) of every row, from fits to the other folds."""
    probabilities = np.zeros((len(codes), len(CLASSES)))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(pair[0], codes):
        probabilities[test] = method.probabilities(pair, codes, train, test)
    return probabilities


def quality(images: NDArray[np.uint8], codes: NDArray[np.intp], training: NDArray[np.bool_], seeds: int) -> Table:
    """Compare the methods; `training` marks the images of the training split."""
    described = describe(images)
    table = Table(
        "method",
        "5-fold accuracy",
        "test",
        "ECE",
        "coverage",
        caption="ECE: expected calibration error, 15 bins. Coverage: share accepted with 2% of them wrong.",
    )
    for name, method in METHODS.items():
        pair = described[method.features]
        runs = [cross_validate(method, pair, codes, seed) for seed in track(range(seeds), name)]
        tested = method.probabilities(pair, codes, np.flatnonzero(training), np.flatnonzero(~training))
        scores = [accuracy(run, codes) for run in runs]
        table.add_row(
            name,
            f"{np.mean(scores):.3f} ± {np.std(scores):.3f}",
            f"{accuracy(tested, codes[~training]):.3f}",
            "-" if method.margins else f"{np.mean([calibration_error(run, codes) for run in runs]):.3f}",
            f"{np.mean([coverage(run, codes) for run in runs]):.2f}",
        )
    return table


def costs(dataset: DatasetRecord, out: Path, images: NDArray[np.uint8]) -> Table:
    """Train in a process of its own, as a training job does, and time predictions of the model it wrote."""
    base = out / "opt"
    (base / "input" / "config").mkdir(parents=True)
    (base / "input" / "data").mkdir()
    settings = {"class_labels": ",".join(dataset.classes), "features": "scattering", "seed": "0"}
    (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(settings))
    for channel, split in (("train", "train"), ("validation", "test")):
        folder = (out / dataset.folder).resolve()
        (base / "input" / "data" / channel).symlink_to(folder / split)
        (base / "input" / "data" / f"{channel}_lst").mkdir()
        (base / "input" / "data" / f"{channel}_lst" / f"{split}.lst").symlink_to(folder / f"{split}.lst")
    began = time.perf_counter()
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base)}
    subprocess.run([sys.executable, "train.py"], cwd=PROGRAM, env=environment, check=True)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    model = Model.load(base / "model")
    single = [_seconds(model, images[row : row + 1]) for row in range(len(images))]
    began_work = time.process_time()
    batch = [len(images) / _seconds(model, images) for _ in range(REPETITIONS)]
    work = (time.process_time() - began_work) / REPETITIONS / len(images)
    size = sum(path.stat().st_size for path in (base / "model").iterdir())
    table = Table("cost", "measured")
    table.add_row("training job, imports and reading included", f"{seconds:.1f} s")
    table.add_row("peak memory of training", f"{peak / 1e6:.0f} MB")
    table.add_row("model files", f"{size / 1e6:.1f} MB")
    table.add_row("predict_proba, one image, median", f"{statistics.median(single) * 1e3:.1f} ms")
    table.add_row(f"predict_proba, in a batch, best of {REPETITIONS}", f"{max(batch):.0f} images/s")
    table.add_row("processor time of an image in a batch", f"{work * 1e3:.1f} ms")
    start, requests, loads = _serve(base, sorted((base / "input" / "data" / "validation").iterdir()))
    table.add_row("serve.py, from start to /ping", f"{start:.2f} s")
    table.add_row("POST /invocations, median", f"{statistics.median(requests) * 1e3:.1f} ms")
    for load in loads:
        times = f"median {load.median * 1e3:.0f} ms, p99 {load.p99 * 1e3:.0f} ms"
        table.add_row(f"POST /invocations, {load.clients} clients at once", f"{load.throughput:.0f}/s, {times}")
    return table


def _serve(base: Path, images: Sequence[Path]) -> tuple[float, list[float], list[Load]]:
    """Seconds from the start of serve.py to its first answer and of each image sent to it alone; then under load."""
    reserved = reserve_port()
    port = reserved.getsockname()[1]
    bound = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_BIND_TO_ADDRESS": "127.0.0.1"}
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), **bound}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "serve.py"], cwd=PROGRAM, env=environment) as process:
        try:
            while not _answers(connection) and process.poll() is None:
                time.sleep(0.01)
            start = time.perf_counter() - began
            bodies = [image.read_bytes() for image in images]
            alone = [_request(connection, body) for body in bodies]
            return start, alone, [measure(port, bodies, clients, LOAD_REQUESTS) for clients in CLIENTS]
        finally:
            connection.close()
            process.terminate()
            reserved.close()


def _answers(connection: http.client.HTTPConnection) -> bool:
    try:
        connection.request("GET", "/ping")
    except ConnectionRefusedError:
        connection.close()
        return False
    connection.getresponse().read()
    return True


def _request(connection: http.client.HTTPConnection, body: bytes) -> float:
    began = time.perf_counter()
    connection.request("POST", "/invocations", body, {"Content-Type": "image/png"})
    json.loads(connection.getresponse().read())
    return time.perf_counter() - began


def _seconds(model: Model, images: NDArray[np.uint8]) -> float:
    began = time.perf_counter()
    model.predict_proba(images)
    return time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, required=True, help="CIFAR-100's Python version, or its like")
    parser.add_argument("--seeds", type=int, default=5, help="repetitions of the cross-validation")
    options = parser.parse_args(arguments)
    collection = cifar.collect(options.archive, str(options.archive), CLASSES, cifar.SIDE)
    codes = np.array([CLASSES.index(name) for name in collection.table["class"]])
    images = np.stack([pixels_of(png) for png in collection.images])
    training = (collection.table["split"] == "train").to_numpy()
    console = Console()
    # As the container's programs do: threads of linear algebra would fight those of the images for the cores.
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        console.print(quality(images, codes, training, options.seeds))
        dataset = stage.write(collection, Path(folder), NAME, CLASSES, cifar.SIDE, exact=False)
        console.print(costs(dataset, Path(folder), images))


if __name__ == "__main__":
    main()
