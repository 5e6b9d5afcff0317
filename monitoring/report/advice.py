"""What to do when the model can no longer be trusted."""

from dataclasses import dataclass

from monitoring.drift.result import Verdict
from monitoring.drift.verdict import Drift
from monitoring.quality.evaluation import Evaluation
from monitoring.report.figures import Figures

# More reviews than the test images let expect, by this share of the classified, are too many.
REVIEW_MARGIN = 0.1
# The limit where nothing is known of the test images: a person sees every second image.
REVIEW_LIMIT = 0.5


@dataclass(frozen=True)
class Step:
    """One thing to do, and the command that does it."""

    text: str
    command: str | None = None


def default_review_limit(evaluation: Evaluation | None, threshold: float | None) -> float:
    """The share of reviews among the classified from which the model is to be retrained."""
    if evaluation is None or threshold is None:
        return REVIEW_LIMIT
    return min(1.0, 1 - evaluation.coverage_at(threshold) + REVIEW_MARGIN)


def reasons_to_retrain(figures: Figures, drift: Drift | None, limit: float) -> list[str]:
    """A sentence for each sign that the model no longer fits what it is asked; none where all is well."""
    reasons = []
    if drift is not None and drift.verdict is Verdict.DRIFT:
        names = ", ".join(check.name for check in drift.drifted)
        reasons.append(f"What the endpoint sees or says has drifted from the baseline: {names}.")
    if (share := figures.review_share) > limit:
        reasons.append(f"{share:.0%} of the classified images go to review, more than the limit of {limit:.0%}.")
    return reasons


def next_steps(dataset: str) -> list[Step]:
    """How to retrain on what the endpoint sees now; *dataset* is the name of the data set it was trained on."""
    name = f"{dataset}-next"
    return [
        Step("Fetch the images that the endpoint got.", "workflow capture --since 24h --images to-label"),
        Step("Sort them into one folder for each class, with those of the present data set, and delete the others."),
        Step("Stage the folder as a new data set.", f"workflow stage --dataset to-label --name {name}"),
        Step("Train, and put the new model behind the endpoint.", f"workflow train --name {name} && workflow deploy"),
        Step(
            "Judge it by its test images, and make a new baseline.",
            f"workflow evaluate --name {name} && workflow baseline",
        ),
    ]
