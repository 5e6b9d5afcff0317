#!/usr/bin/env python3
"""Train a model from SageMaker's channels: python train.py.

Reads <base>/input/config/hyperparameters.json and the channels train, train_lst and, where given, validation and
validation_lst; writes <base>/model, and to <base>/output/data the calibrated probabilities of the training images, each
from the others (out_of_fold.csv), and what the finished model answers of the validation images (test.jsonl). A failure
is a sentence in <base>/output/failure and exit code 1.
"""

import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import scipy
import sklearn
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from classifier.channels import Channel, read_channel
from classifier.errors import AlgorithmError, DataError
from classifier.estimator import MirrorKernelRidge
from classifier.familiarity import Familiarity, learn
from classifier.features import Features, backbone_features, scattering_features
from classifier.hyperparameters import Hyperparameters, read_hyperparameters
from classifier.metrics import accuracy, calibration_error, coverage
from classifier.model import SHAPES, Model
from classifier.paths import base
from classifier.predictions import write_out_of_fold, write_test
from classifier.threshold import Threshold, recommend

FEW = 10
"""Training images of a class below which the log says what to expect."""
FAILURE_LIMIT = 1024
"""Characters of the failure file that SageMaker shows."""


def train(root: Path) -> None:
    """Run the training job whose directories are below root; DataError says why it can't be done."""
    settings = read_hyperparameters(root / "input" / "config" / "hyperparameters.json")
    data = root / "input" / "data"
    features = _features(settings)
    training = _read(data, "train", settings, features)
    missing = sorted(set(range(len(settings.class_labels))) - set(training.classes.tolist()))
    if missing:
        raise DataError(f"The channel train has no image of the class {settings.class_labels[missing[0]]}.")
    _warn(settings.class_labels, training.classes)
    validation = _read(data, "validation", settings, features) if (data / "validation").exists() else None

    began = time.perf_counter()
    rows = features(training.images)
    classifier = MirrorKernelRidge(
        mirrored=True,
        gamma=settings.gamma,
        shares=features.shares,
        landmarks=settings.landmarks,
        random_state=settings.seed,
    ).fit(rows, training.classes)
    _log(f"fitted {len(rows)} images in {time.perf_counter() - began:.1f} s")

    out_of_fold = classifier.out_of_fold_proba_
    metrics = {
        "train-accuracy": accuracy(classifier.predict_proba(rows), training.classes),
        "out-of-fold-accuracy": accuracy(out_of_fold, training.classes),
        "out-of-fold-ece": calibration_error(out_of_fold, training.classes),
        "out-of-fold-coverage": coverage(out_of_fold, training.classes),
    }
    if validation is not None:
        described = features(validation.images)
        predicted = classifier.predict_proba(described)
        metrics["validation-accuracy"] = accuracy(predicted, validation.classes)
        metrics["validation-ece"] = calibration_error(predicted, validation.classes)
    _log(" ".join(f"{name}={value:.4f}" for name, value in metrics.items()))
    write_out_of_fold(root / "output" / "data", settings.class_labels, training, out_of_fold)
    threshold = recommend(out_of_fold, training.classes, settings.max_error)
    _log(_advice(threshold))
    model = _model(settings, features, classifier, learn(features.pooled(rows)), threshold, metrics)
    _log(f"release {model.save(root / 'model')}")
    if validation is not None:
        answers = Model.load(root / "model").answers(described)
        write_test(root / "output" / "data", settings.class_labels, validation, data / "validation", answers)


def _features(settings: Hyperparameters) -> Features:
    if settings.features == "scattering":
        return scattering_features(settings.side)
    # Needs packages that serving does without.
    from classifier.conversion import pretrained_network

    return backbone_features(pretrained_network())


def _read(data: Path, name: str, settings: Hyperparameters, features: Features) -> Channel:
    channel = read_channel(data, name, len(settings.class_labels), features)
    _log(f"read {len(channel.classes)} images of channel {name}")
    return channel


def _warn(labels: tuple[str, ...], classes: NDArray[np.intp]) -> None:
    count, label = min(zip(np.bincount(classes).tolist(), labels, strict=True))
    if count < FEW:
        _log(
            f"The class {label} has {count} training images; with fewer than {FEW} of a class expect more wrong "
            "answers and rough probabilities: add images."
        )


def _advice(threshold: Threshold) -> str:
    if threshold.value is None:
        return f"no threshold keeps the error at most {threshold.max_error:g}: nothing is accepted"
    return (
        f"threshold {threshold.value:g} accepts {threshold.accepted} of {threshold.images} images, "
        f"{threshold.wrong} of them wrong: an error of at most {threshold.error_upper:.4f}"
    )


def _model(
    settings: Hyperparameters,
    features: Features,
    classifier: MirrorKernelRidge,
    familiarity: Familiarity,
    threshold: Threshold,
    metrics: dict[str, float],
) -> Model:
    metadata: dict[str, Any] = {
        "dataset_sha256": settings.dataset_sha256,
        "hyperparameters": {"seed": settings.seed, "landmarks": settings.landmarks, "ridge": classifier.ridge_},
        "metrics": metrics,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }
    arrays = {name: getattr(classifier, f"{name}_").astype(np.float32) for name in SHAPES}
    return Model(
        labels=settings.class_labels,
        features=features,
        gamma=settings.gamma,
        slope=classifier.slope_,
        arrays=arrays,
        familiarity=familiarity,
        threshold=threshold,
        metadata=metadata,
    )


def _log(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a container's log is its standard output


def _fail(root: Path, reason: str) -> None:
    output = root / "output"
    output.mkdir(parents=True, exist_ok=True)
    (output / "failure").write_text(reason[:FAILURE_LIMIT], encoding="utf-8")
    _log(reason)


def main() -> int:
    """Train, save, and give the exit code."""
    root = base()
    try:
        # One thread for linear algebra gives the same model on any number of cores; images use them all.
        with threadpool_limits(1):
            train(root)
    except AlgorithmError as error:
        _fail(root, str(error))
        return 1
    except BaseException as error:
        _fail(root, f"Training ended by {type(error).__name__}: {error}")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
