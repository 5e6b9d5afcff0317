"""Whether accepted answers are as seldom wrong in use as was promised."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from checks.live_quality import live_quality
from checks.status.endpoint import Served
from checks.status.section import NothingYet
from monitoring.quality.live_quality import on_promise
from monitoring.quality.verdict import Finding
from training.model import MODEL_FILE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Accuracy:
    """What people found of the audited answers about a data set, as `workflow quality` says it."""

    dataset: str
    audited: int
    wrong: int
    finding: Finding

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The sentence of `workflow quality`."""
        return (self.finding,)


def live_accuracy(s3: "S3Client", bucket: str, out: Path, served: Served | None) -> Accuracy:
    """Judge the audited answers about the served model's data set, else about that of model.json in *out*.

    Raises:
        NothingYet: no data set is known, or nobody decided about an accepted image of it.
        InvalidLabels: a label object can't be read.
    """
    dataset = served.dataset if served else None
    if dataset is None and not (out / MODEL_FILE).exists():
        raise NothingYet("Neither the endpoint nor model.json names a data set, so that no labels can be read.")
    quality = live_quality(bucket, out, dataset, s3=s3)
    error = quality.accuracy.error
    if not error.images:
        raise NothingYet(
            f"Nobody has decided about an accepted image of {quality.dataset} yet; `workflow review` shows them."
        )
    return Accuracy(quality.dataset, error.images, error.wrong, on_promise(quality.accuracy))
