import io

import pytest
from rich.console import Console

from monitoring.quality.classes import class_figures, confusions
from monitoring.quality.diagnosis import diagnose
from monitoring.quality.show import SUSPECTS_SHOWN, view
from monitoring.quality.suspects import SURE, suspects
from tests.unit.monitoring.quality.evaluated import CLASSES, answer, answers, evaluated

PETS = ("cat", "dog", "fox")


def pets() -> list[tuple[str, str | None]]:
    """Truth and label: 3 of 20 foxes are taken for dogs, 1 dog for a fox, 1 cat for a dog."""
    mistakes = [("fox", "dog")] * 3 + [("dog", "fox"), ("cat", "dog")]
    return [*mistakes, *[("fox", None)] * 17, *[("dog", None)] * 19, *[("cat", None)] * 19]


def test_each_class_has_its_figures_with_an_interval_and_what_it_is_taken_for() -> None:
    predictions = [answer(n, *pair, classes=PETS) for n, pair in enumerate(pets())]
    cat, dog, fox = class_figures(evaluated(predictions, classes=PETS))
    assert [(one.name, one.images, one.right, one.accepted) for one in (cat, dog, fox)] == [
        ("cat", 20, 19, 20),
        ("dog", 20, 19, 20),
        ("fox", 20, 17, 20),
    ]
    assert (fox.taken_for, fox.taken, fox.share_right) == ("dog", 3, 0.85)
    assert (fox.interval.low, fox.interval.high) == pytest.approx((0.621, 0.968), abs=1e-3)


def test_a_class_without_images_has_no_share() -> None:
    [_, empty] = class_figures(evaluated([answer(0)]))
    assert (empty.images, empty.share_right, empty.taken_for) == (0, None, None)
    assert (empty.interval.low, empty.interval.high) == (0, 1)


def test_confused_classes_come_in_pairs_the_most_confused_first() -> None:
    found = confusions([answer(n, *pair, classes=PETS) for n, pair in enumerate(pets())])
    assert [(one.first, one.second, one.forth, one.back, one.count) for one in found] == [
        ("fox", "dog", 3, 1, 4),
        ("cat", "dog", 1, 0, 1),
    ]
    even = confusions([answer(0, "bicycle", "motorcycle"), answer(1, "motorcycle", "bicycle")])
    assert [(one.forth, one.back) for one in even] == [(1, 1)]


def test_an_image_that_looks_surely_like_another_class_looks_mislabelled() -> None:
    doubtful = [answer(900 + n, label="motorcycle", confidence=confidence) for n, confidence in enumerate([0.97, 0.99])]
    unsure = answer(902, label="motorcycle", confidence=0.93)
    found = suspects(evaluated([*answers(50), *doubtful, unsure]))
    # Motorcycles have 0.95 on average, so that 0.93 is not as sure as that.
    assert [(one.key, one.truth, one.label) for one in found] == [
        ("bicycle/901.png", "bicycle", "motorcycle"),
        ("bicycle/900.png", "bicycle", "motorcycle"),
    ]


@pytest.mark.parametrize(("confidence", "count"), [(SURE, 1), (SURE - 0.001, 0)])
def test_where_the_model_is_never_sure_a_suspicion_needs_confidence_of_its_own(confidence: float, count: int) -> None:
    doubtful = answer(900, label="motorcycle", confidence=confidence)
    assert len(suspects(evaluated([*answers(50, confidence=0.6), doubtful]))) == count


def test_nothing_is_to_be_done_about_a_usable_model() -> None:
    assert diagnose(evaluated(answers(100))).remedies == []


def test_doubtful_labels_are_looked_for_in_training_too_and_named_even_of_a_usable_model() -> None:
    out_of_fold = evaluated([*answers(50), answer(900, label="motorcycle", confidence=0.99)])
    diagnosis = diagnose(evaluated(answers(100)), out_of_fold)
    assert [one.key for one in diagnosis.suspects] == ["bicycle/900.png"]
    assert diagnosis.remedies == ["Check the labels of 1 image that look mislabelled."]


def test_it_says_of_which_classes_more_images_are_needed_and_which_pair_is_confused() -> None:
    truths = [("fox", "dog")] * 20 + [("fox", None)] * 20 + [(name, None) for name in ("cat", "dog") for _ in range(40)]
    predictions = [answer(n, *pair, classes=PETS) for n, pair in enumerate(truths)]
    evaluation = evaluated(predictions, classes=PETS, trained_on={"cat": 9, "dog": 10, "fox": 10})
    assert diagnose(evaluation).remedies[-2:] == [
        "Add training images of cat and fox.",
        "Add images that show how fox and dog differ: 20 of 20 errors are between the two.",
    ]


def test_where_no_class_is_worse_more_images_of_all_are_needed() -> None:
    assert diagnose(evaluated(answers(10), threshold=None)).remedies == ["Add training images of every class."]


def test_another_tolerated_error_is_named_where_it_would_accept_enough() -> None:
    predictions = [answer(n, CLASSES[n % 2], CLASSES[(n + (n == 90)) % 2], 0.99 - n / 1000) for n in range(100)]
    [_, told] = diagnose(evaluated(predictions, threshold=None)).remedies
    assert told == "Or tolerate more errors, by a --max-error of 0.05: about 100% of images would then be accepted."


def printed(predictions: int = 100, doubtful: int = 0) -> str:
    console = Console(file=io.StringIO(), width=100)
    odd = [answer(900 + n, label="motorcycle", confidence=0.99) for n in range(doubtful)]
    console.print(view(diagnose(evaluated([*answers(predictions), *odd]))))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_diagnosis_fits_on_one_screen_and_says_how_much_is_left_out() -> None:
    text = printed(doubtful=SUSPECTS_SHOWN + 2)
    assert len(text.splitlines()) <= 24
    assert "bicycle/900.png: bicycle, looks like motorcycle (99%)" in text
    assert "and 2 more" in text


def test_names_that_look_like_markup_are_printed_as_they_are() -> None:
    console = Console(file=io.StringIO(), width=100)
    odd = ("[red]", "b")
    console.print(view(diagnose(evaluated([answer(0, "[red]", "b", classes=odd)], classes=odd))))
    assert isinstance(console.file, io.StringIO)
    assert "[red]" in console.file.getvalue()
