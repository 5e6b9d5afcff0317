"""Images that look mislabelled."""

from dataclasses import dataclass
from statistics import fmean

from monitoring.quality.evaluation import Evaluation

# A poor model's usual confidence says little. Of a calibrated model's answers with this one, one in twenty is wrong.
SURE = 0.95


@dataclass(frozen=True)
class Suspect:
    """An image whose `truth` is doubtful, as the model takes it for `label` with `confidence`."""

    key: str
    truth: str
    label: str
    confidence: float


def suspects(evaluation: Evaluation) -> list[Suspect]:
    """Images that the model takes for another class as surely as it takes those that are labelled so.

    The rule is that of confident learning (Northcutt, Jiang and Chuang, 2021, https://arxiv.org/abs/1911.00068): the
    other class is at least as probable as it is on average for images with that label. It must be SURE, besides. The
    predictions must be of images that the model wasn't trained on, or out-of-fold. The surest come first.
    """
    number = {name: place for place, name in enumerate(evaluation.classes)}
    own: dict[str, list[float]] = {}
    for one in evaluation.predictions:
        own.setdefault(one.truth, []).append(one.probabilities[number[one.truth]])
    usual = {name: fmean(probabilities) for name, probabilities in own.items()}
    found = [
        Suspect(one.key, one.truth, one.label, one.confidence)
        for one in evaluation.predictions
        if one.label != one.truth and one.confidence >= max(usual.get(one.label, 1.0), SURE)
    ]
    return sorted(found, key=lambda suspect: (-suspect.confidence, suspect.key))
