"""Judge a model before it is deployed: by the predictions of its training images, each from the others."""

import csv
import io
from collections import Counter
from pathlib import Path

from contracts.dataset import dataset_folder
from contracts.release import Release
from monitoring.quality.evaluation import OUT_OF_FOLD_FILE, Evaluation, EvaluationError, Prediction, Terms, assess

# What the program of the container leaves in its output.tar.gz.
PREDICTIONS = "out_of_fold.csv"
# A line has about 10 bytes a class; this is enough for 100,000 images of 100 classes.
MOST_BYTES = 128 << 20


def judge_training(content: bytes, dataset: str, job: str, release: Release, out: Path) -> Evaluation:
    """The evaluation of *release* by its out-of-fold predictions, which is also written to *out*.

    Args:
        content: the file PREDICTIONS, with the columns file and class, and one of probabilities a label.
        dataset: the name of the data set that it was trained on.
        job: the training job that wrote it.
        release: its threshold was chosen on these predictions, so that they can't judge it.
        out: folder for OUT_OF_FOLD_FILE.

    Raises:
        EvaluationError: the file is something else.
    """
    try:
        predictions = _predictions(content, release.labels, f"{dataset_folder(dataset)}/train/")
    except (ValueError, csv.Error) as error:
        raise EvaluationError(f"{PREDICTIONS} of the training job {job} can't be used: {error}.") from error
    evaluation = assess(
        dataset,
        job,
        release.labels,
        predictions,
        release.threshold.max_error,
        terms=Terms(release.release, release.threshold.value, release.familiarity_limit),
        trained_on=Counter(one.truth for one in predictions),
    )
    evaluation.write(out / OUT_OF_FOLD_FILE)
    return evaluation


def _predictions(content: bytes, labels: tuple[str, ...], folder: str) -> list[Prediction]:
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    if tuple(header) != ("file", "class", *labels) or not rows:
        raise ValueError("it doesn't have the columns of this model, or no images")
    return [_prediction(row, labels, folder) for row in rows]


def _prediction(row: list[str], labels: tuple[str, ...], folder: str) -> Prediction:
    file, truth, *values = row
    probabilities = tuple(map(float, values))
    if len(probabilities) != len(labels) or truth not in labels or not all(0 <= value <= 1 for value in probabilities):
        raise ValueError(f"the line of {file} is malformed")
    confidence = max(probabilities)
    return Prediction(folder + file, truth, labels[probabilities.index(confidence)], confidence, probabilities)
