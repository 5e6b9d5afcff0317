"""What the report says of the model: the verdict, its classes, and the images that a person should look at."""

import re
from pathlib import Path
from typing import Any

import pytest

from monitoring.capture.completeness import Completeness
from monitoring.quality.diagnosis import diagnose
from monitoring.quality.evaluation import Evaluation
from monitoring.quality.verdict import Level, Usability
from monitoring.report.explanations import Explanations
from monitoring.report.figures import figures
from monitoring.report.findings import findings
from monitoring.report.gallery import SHOWN
from monitoring.report.matching import match_executions
from monitoring.report.page import Report, write_report
from tests.unit.monitoring.quality.evaluated import answer, answers, evaluated
from tests.unit.monitoring.report.records import capture_of
from tests.unit.monitoring.report.test_page import HOSTILE
from tests.unit.samples import CLASSES, execution, png

# Of these no charts are drawn, which take longer than all the rest of the page.
NOTHING = [execution(1, "REJECTED")]


def weak() -> Evaluation:
    """Accuracy 0.70, and 8 of 68 images are accepted."""
    unsure = [answer(n, CLASSES[n % 2], CLASSES[(n + (n % 10 < 3)) % 2], 0.6) for n in range(60)]
    return evaluated(unsure + [answer(n, CLASSES[n % 2]) for n in range(60, 68)])


def page(out: Path, report: Report) -> str:
    write_report(out, report)
    return (out / "report.html").read_text()


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", text.partition("<body>")[2]))


@pytest.mark.parametrize(
    ("evaluation", "usability", "level"),
    [
        (evaluated(answers(100)), Usability.USABLE, Level.GOOD),
        (evaluated(answers(80) + answers(20, confidence=0.6)), Usability.WITH_REVIEW, Level.NOTICE),
        (weak(), Usability.NOT_USABLE, Level.BAD),
    ],
)
def test_the_verdict_comes_first_and_in_its_colour(
    tmp_path: Path, evaluation: Evaluation, usability: Usability, level: Level
) -> None:
    diagnosis = diagnose(evaluation)
    text = page(tmp_path, Report(NOTHING, *match_executions(NOTHING, []), diagnosis=diagnosis))
    assert f'<header class="panel verdict {level}"' in text
    assert words(text).startswith(
        f" Image classification: report The model is {usability} : {diagnosis.verdict.reason}."
    )
    assert all(sentence in words(text) for sentence in diagnosis.remedies)


def test_a_model_that_is_not_usable_has_no_green_tick_but_for_what_is_good() -> None:
    """Of 68 images 48 are labelled right, and of 8 accepted ones all are."""
    ends = [execution(n, "ACCEPTED", 0.95, truth=CLASSES[0]) for n in range(8)]
    ends += [execution(n, "REVIEW", 0.6, truth=CLASSES[n % 5 < 2]) for n in range(8, 68)]
    counted = figures(ends, Completeness())
    levels = {one.text: one.level for one in findings(counted)}
    [few] = [level for text, level in levels.items() if "accepted images are wrong" in text]
    assert few is Level.NOTICE


@pytest.mark.parametrize(("right", "level"), [(10, Level.GOOD), (6, Level.NOTICE), (5, Level.BAD)])
def test_labels_are_good_where_they_are_better_than_chance(right: int, level: Level) -> None:
    ends = [execution(n, "REVIEW", truth=CLASSES[n % 2], label=CLASSES[(n + (n >= right)) % 2]) for n in range(10)]
    [found] = [one for one in findings(figures(ends, Completeness())) if "labelled right" in one.text]
    assert found.level is level
    assert "always answering the most frequent class: 50%" in found.text


def test_without_an_evaluation_the_page_says_how_to_get_a_verdict(tmp_path: Path) -> None:
    text = words(page(tmp_path, Report(NOTHING, *match_executions(NOTHING, []))))
    assert "Whether the model can be used is not known : there is no evaluation ( workflow evaluate makes one)" in text


def test_each_class_has_a_row_with_its_interval(tmp_path: Path) -> None:
    diagnosis = diagnose(evaluated(answers(right=17, wrong=3)))
    text = words(page(tmp_path, Report(NOTHING, *match_executions(NOTHING, []), diagnosis=diagnosis)))
    assert "bicycle 20 85.0% 62% to 97% 20 motorcycle: 3" in text
    assert "Taken for each other: bicycle and motorcycle 3 (3 bicycle, 0 motorcycle)." in text


def test_images_that_look_mislabelled_are_shown_and_one_that_is_gone_is_said(tmp_path: Path) -> None:
    odd = [answer(n, label="motorcycle", confidence=0.99) for n in (900, 901)]
    diagnosis = diagnose(evaluated([*answers(50), *odd]))
    images = {"bicycle/900.png": png()}
    text = page(tmp_path, Report(NOTHING, *match_executions(NOTHING, []), diagnosis=diagnosis, images=images))
    assert 'alt="bicycle/900.png: labelled bicycle, looks like motorcycle with 99.0%"' in text
    assert "bicycle/901.png: labelled bicycle, looks like motorcycle with 99.0%; the image can&#39;t be read" in text


def unfamiliar(familiarity: float) -> dict[str, Any]:
    return {"familiarity": familiarity, "familiarity_limit": 0.05, "review_reason": "unfamiliar"}


def test_unfamiliar_images_are_counted_and_the_least_familiar_are_shown_first(tmp_path: Path) -> None:
    count = SHOWN + 3
    executions = [execution(n, "REVIEW", 0.9, **unfamiliar(0.04 - n / 1000)) for n in range(count)]
    executions += [execution(count, familiarity=0.05, familiarity_limit=0.05)]
    executions += [execution(count + 1, "REVIEW", 0.5, review_reason="low confidence")]
    completeness, gallery = match_executions(executions, capture_of(executions))
    assert gallery.unfamiliar == count
    assert [pair.execution.familiarity for pair in gallery.least_familiar()] == pytest.approx(
        [0.04 - n / 1000 for n in reversed(range(3, count))]
    )
    text = words(page(tmp_path, Report(executions, completeness, gallery)))
    assert f"{count} images are unlike the training images" in text
    assert "fewer than 5% of the training images" in text
    assert f"A person decides: unfamiliar {count}, low confidence 1" in text
    assert f"wait for a person&#39;s review: {count} unfamiliar, 1 low confidence." in text


def test_where_the_model_looked_is_shown_below_the_image_and_what_is_missing_is_said(tmp_path: Path) -> None:
    executions = [execution(1, confidence=0.6), execution(2, confidence=0.7)]
    completeness, gallery = match_executions(executions, capture_of(executions))
    looked = Explanations({"e-i1": ((0.2, 0.8), (0.0, 0.0))}, "The rest is not known.")
    text = page(tmp_path, Report(executions, completeness, gallery, explanations=looked))
    assert text.count('class="looked"') == 1
    assert 'alt="Where the model looked in bicycle-00001: bicycle with 60.0%' in text
    assert "The rest is not known." in text


def test_a_release_that_accepts_nothing_has_no_threshold(tmp_path: Path) -> None:
    executions = [execution(1, "REVIEW", release="r1", threshold=None)]
    text = words(page(tmp_path, Report(executions, *match_executions(executions, []))))
    assert "Threshold none everything goes to review" in text


def test_no_name_of_the_verdict_is_taken_for_html(tmp_path: Path) -> None:
    classes = (HOSTILE, "b")
    odd = [answer(n, HOSTILE, "b", 0.99, classes=classes) for n in range(2)]
    diagnosis = diagnose(evaluated(odd, classes=classes, trained_on={HOSTILE: 3, "b": 3}))
    looked = Explanations(note=HOSTILE)
    text = page(tmp_path, Report(NOTHING, *match_executions(NOTHING, []), diagnosis=diagnosis, explanations=looked))
    assert HOSTILE not in text


def test_audited_images_are_accepted_and_wait_for_nobody_to_decide(tmp_path: Path) -> None:
    executions = [
        execution(1, "ACCEPTED", review_reason="audit"),
        execution(2, "REVIEW", review_reason="low confidence"),
    ]
    completeness, gallery = match_executions(executions, [])
    counted = write_report(tmp_path, Report(executions, completeness, gallery))
    assert (counted.review_reasons, counted.audited) == ({"low confidence": 1}, 1)
    assert "A person sees 1 of them, too, as an audit." in words((tmp_path / "report.html").read_text())
