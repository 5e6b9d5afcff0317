"""What verbs say of the images that wait for people, and of what people decided."""

from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import WorkflowError
from training.sagemaker.stacks import StackMissing, Stacks

if TYPE_CHECKING:
    from monitoring.quality.live_quality import LiveQuality


class PromiseTooLoose(WorkflowError):
    """The error that a model promised is so high that nothing could break the promise."""


def dataset_of(out: Path) -> str:
    """Return the data set of the model in a folder of results; raises ModelRecordError where there is none."""
    from training.errors import ModelRecordError
    from training.model import MODEL_FILE, Model

    try:
        return Model.read(out / MODEL_FILE).dataset
    except ModelRecordError as error:
        raise ModelRecordError(f"{error} Or name the data set that the labels are for by --name.") from error


def live_quality(bucket: str, out: Path, name: str | None = None, max_error: float | None = None) -> "LiveQuality":
    """Judge the labels of a data set; what isn't given is that of the model in the folder of results *out*.

    Raises:
        ModelRecordError: there is no model, and the data set isn't named.
        PromiseTooLoose: the error isn't below 50%.
        InvalidLabels: a label object can't be read.
    """
    import boto3

    from monitoring.quality.evaluation import MAX_ERROR
    from monitoring.quality.live_accuracy import live_accuracy
    from monitoring.quality.live_quality import LiveQuality
    from review.labels import read_labels
    from training.model import MODEL_FILE, Model

    dataset = name or dataset_of(out)
    if max_error is None:
        release = Model.read(out / MODEL_FILE).release if (out / MODEL_FILE).exists() else None
        max_error = release.threshold.max_error if release else MAX_ERROR
    if not 0 < max_error < 0.5:
        what = f"An error of {max_error:.0%} is too high to be watched"
        raise PromiseTooLoose(f"{what}; name one below 50% by --max-error of `workflow quality`.")
    return LiveQuality(dataset, live_accuracy(read_labels(boto3.client("s3"), bucket, dataset), max_error))


def waiting_line(stacks: Stacks) -> str | None:
    """Say how many images wait for review; None where there is no app stack, and so no queue."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from review.queue import ReviewQueue
    from training.errors import StackError

    try:
        count = ReviewQueue(boto3.client("sqs"), stacks.review_queue_urls).count()
    except StackMissing:
        return None
    except (StackError, ClientError, BotoCoreError) as error:
        return f"How many images wait for review is not known: {error}"
    if not count:
        return "No image waits for review."
    return f"{count:,} image{' waits' if count == 1 else 's wait'} for review: `workflow review`"
