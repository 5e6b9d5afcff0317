"""Why a model gets its verdict, as a clause for a headline: one for each figure that the verdict rests on."""

from monitoring.quality.evaluation import Evaluation


def why_usable(evaluation: Evaluation) -> str:
    """What a usable model does."""
    point = evaluation.judged
    wrong = f"{point.error:.1%} of those are" if point.wrong else "none of those is"
    return f"it accepts {point.coverage:.0%} of the images, and {wrong} wrong"


def on_accuracy(evaluation: Evaluation) -> str:
    """Why its accuracy is not enough."""
    is_above = evaluation.accuracy > evaluation.chance
    versus = "not clearly above" if is_above else "not above"
    return (
        f"its accuracy of {evaluation.accuracy:.0%} is {versus} the {evaluation.chance:.0%} of "
        "always answering the most frequent class"
    )


def on_coverage(evaluation: Evaluation) -> str:
    """How much is left to people."""
    point = evaluation.judged
    if point.threshold is None:
        return f"everything goes to review, as no threshold keeps the error at {evaluation.max_error:.1%}"
    return f"a person decides on {1 - point.coverage:.0%} of the images"


def on_error(evaluation: Evaluation) -> str:
    """Why the error among accepted images is too high, or not known well enough."""
    point, most = evaluation.judged, f"{evaluation.max_error:.1%}"
    if point.error > evaluation.max_error:
        return f"{point.error:.1%} of the accepted images are wrong, and {most} are tolerated"
    few = f"{point.accepted:,} accepted images, {point.wrong or 'none'} of them wrong, are too few"
    return f"{few}: the error may be as high as {point.error_upper:.0%}"


def on_training_images(evaluation: Evaluation) -> str:
    """Which class had the fewest training images."""
    fewest = min(evaluation.trained_on, key=lambda name: evaluation.trained_on[name])
    return f"it was trained on too few images, such as {evaluation.trained_on[fewest]} of {fewest}"


def on_unfamiliar(evaluation: Evaluation) -> str:
    """How many test images are unlike the training images."""
    return f"{(evaluation.unfamiliar or 0) / evaluation.images:.0%} of the images are unlike the training images"
