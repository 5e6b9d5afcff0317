import pytest

from monitoring.quality.evaluation import Evaluation, assess
from monitoring.quality.verdict import (
    FEW_IMAGES,
    LEAST_COVERAGE,
    USABLE_COVERAGE,
    Level,
    Usability,
    coverage_level,
    judge,
    on_accuracy,
    on_error,
    on_other_threshold,
)
from tests.unit.monitoring.quality.evaluated import CLASSES, answer, answers, evaluated


def accepted(count: int, images: int = 100, wrong: int = 0) -> Evaluation:
    """This many of the images are sure, and *wrong* of these are; the unsure ones are right."""
    sure = [answer(n, CLASS[n % 2], CLASS[(n + (n < wrong)) % 2]) for n in range(count)]
    return evaluated(sure + [answer(n, CLASS[n % 2], confidence=0.6) for n in range(count, images)])


CLASS = ("bicycle", "motorcycle")


def test_a_model_that_is_sure_and_right_is_usable() -> None:
    verdict = judge(accepted(100))
    assert verdict.usability is Usability.USABLE
    assert {finding.level for finding in verdict.findings} == {Level.GOOD}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (90, Usability.USABLE),
        (89, Usability.WITH_REVIEW),
        (25, Usability.WITH_REVIEW),
        (24, Usability.NOT_USABLE),
        (0, Usability.NOT_USABLE),
    ],
)
def test_the_share_that_is_accepted_decides_at_its_boundaries(count: int, expected: Usability) -> None:
    # With so few accepted images their error is not known well enough: the coverage alone is looked at.
    assert (USABLE_COVERAGE, LEAST_COVERAGE) == (0.9, 0.25)
    level = {Usability.USABLE: Level.GOOD, Usability.WITH_REVIEW: Level.NOTICE, Usability.NOT_USABLE: Level.BAD}
    assert coverage_level(count, 100) is level[expected]
    assert judge(accepted(count)).usability is expected


def test_a_model_of_which_nothing_is_accepted_is_not_usable_and_says_what_it_takes() -> None:
    trained_on = {"bicycle": 74, "motorcycle": 74}
    verdict = judge(evaluated(answers(200), threshold=None, trained_on=trained_on))
    assert verdict.usability is Usability.NOT_USABLE
    assert verdict.findings[0].text == (
        "Everything goes to review: no threshold keeps the error among accepted images at 2.0%; "
        "it takes at least 149 accepted images without an error to show that, and 148 were there."
    )
    enough = evaluated(answers(10), threshold=None, trained_on={"bicycle": 75, "motorcycle": 74})
    assert "149" not in judge(enough).findings[0].text


def test_a_model_with_accuracy_070_and_8_of_68_accepted_is_not_usable() -> None:
    predictions = [answer(n, CLASS[n % 2], CLASS[(n + (n % 10 < 3)) % 2], 0.6) for n in range(60)]
    verdict = judge(evaluated(predictions + [answer(n, CLASS[n % 2]) for n in range(60, 68)]))
    assert verdict.usability is Usability.NOT_USABLE
    assert verdict.findings[0].text.startswith("8 of 68 images (12%) are accepted at the threshold 0.9")


@pytest.mark.parametrize(
    ("wrong", "count", "level"),
    [
        (0, 149, Level.GOOD),  # shown to be at most 2%
        (0, 29, Level.GOOD),  # shown to be at most 10%
        (0, 28, Level.NOTICE),
        (1, 60, Level.GOOD),
        (1, 49, Level.NOTICE),  # more than 2%, which may be chance
        (2, 19, Level.NOTICE),
        (2, 18, Level.BAD),  # more than 2%, which isn't chance
    ],
)
def test_the_error_among_accepted_images_is_judged_by_its_bounds(wrong: int, count: int, level: Level) -> None:
    finding = on_error(wrong, count, 0.02)
    assert finding.level is level
    assert f"{wrong} of {count} accepted images are wrong" in finding.text


@pytest.mark.parametrize(
    ("correct", "images", "level"), [(61, 100, Level.GOOD), (60, 100, Level.NOTICE), (50, 100, Level.BAD)]
)
def test_accuracy_is_judged_beside_chance(correct: int, images: int, level: Level) -> None:
    finding = on_accuracy(correct, images, 0.5)
    assert finding.level is level
    assert "always answering the most frequent class reaches 0.500" in finding.text


@pytest.mark.parametrize(
    ("count", "expected"), [(FEW_IMAGES, Usability.USABLE), (FEW_IMAGES - 1, Usability.WITH_REVIEW)]
)
def test_few_training_images_of_a_class_are_a_doubt(count: int, expected: Usability) -> None:
    verdict = judge(evaluated(answers(100), trained_on={"bicycle": 100, "motorcycle": count}))
    assert verdict.usability is expected
    assert ("motorcycle has 9 training images" in verdict.findings[0].text) is (count < FEW_IMAGES)


@pytest.mark.parametrize(("unfamiliar", "level"), [(9, Level.GOOD), (10, Level.NOTICE)])
def test_more_unfamiliar_images_than_expected_are_a_doubt(unfamiliar: int, level: Level) -> None:
    predictions = [answer(n, CLASS[n % 2], familiarity=0.0 if n < unfamiliar else 0.5) for n in range(100)]
    [finding] = [one for one in judge(evaluated(predictions, familiarity_limit=0.05)).findings if "unfam" in one.text]
    assert finding.level is level
    assert f"{unfamiliar} of 100 images" in finding.text
    assert "5% are expected" in finding.text


def test_another_threshold_than_the_judged_one_is_told_with_what_it_does() -> None:
    evaluation = evaluated([*answers(30), answer(99, label="motorcycle", confidence=0.8)])
    assert on_other_threshold(evaluation, 0.9) is None
    assert on_other_threshold(evaluation, 0.7) == (
        "The app stack's ConfidenceThreshold accepts from 0.7, instead of the model's own 0.9, which is "
        "judged: of 61 test images it accepts 61, 1 of them wrong (1.6%)."
    )
    assert str(on_other_threshold(evaluation, 1.0)).endswith("of 61 test images it accepts 0.")
    nothing = str(on_other_threshold(evaluated(answers(30), threshold=None), 0.7))
    assert "0.7, although the model itself accepts nothing: " in nothing
    plain = assess("pedals", "pedals", CLASSES, answers(300))
    assert "while 0.9 is recommended: of 600 test images" in str(on_other_threshold(plain, 0.7))
    few = assess("pedals", "pedals", CLASSES, answers(2))
    assert "while none is recommended: " in str(on_other_threshold(few, 0.7))
