"""The live quality of a model, by the labels in a bucket."""

from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from contracts.errors import WorkflowError
from monitoring.quality.evaluation import MAX_ERROR
from monitoring.quality.live_accuracy import live_accuracy
from monitoring.quality.live_quality import LiveQuality
from review.labels import read_labels
from training.errors import ModelRecordError
from training.model import MODEL_FILE, Model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class PromiseTooLoose(WorkflowError):
    """The error that a model promised is so high that nothing could break the promise."""


def dataset_of(out: Path) -> str:
    """Return the data set of the model in a folder of results; raises ModelRecordError where there is none."""
    try:
        return Model.read(out / MODEL_FILE).dataset
    except ModelRecordError as error:
        raise ModelRecordError(f"{error} Or name the data set that the labels are for by --name.") from error


def live_quality(
    bucket: str, out: Path, name: str | None = None, max_error: float | None = None, s3: "S3Client | None" = None
) -> LiveQuality:
    """Judge the labels of a data set; what isn't given is that of the model in the folder of results *out*.

    Raises:
        ModelRecordError: there is no model, and the data set isn't named.
        PromiseTooLoose: the error isn't below 50%.
        InvalidLabels: a label object can't be read.
    """
    dataset = name or dataset_of(out)
    if max_error is None:
        release = Model.read(out / MODEL_FILE).release if (out / MODEL_FILE).exists() else None
        max_error = release.threshold.max_error if release else MAX_ERROR
    if not 0 < max_error < 0.5:
        what = f"An error of {max_error:.0%} is too high to be watched"
        raise PromiseTooLoose(f"{what}; name one below 50% by --max-error of `workflow quality`.")
    labels = read_labels(s3 or boto3.client("s3"), bucket, dataset)
    return LiveQuality(dataset, live_accuracy(labels, max_error))
