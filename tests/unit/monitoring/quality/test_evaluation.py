import json
from pathlib import Path

import pytest

from contracts.coverage import CoverageError
from monitoring.quality.evaluation import EvaluationError, assess, halves, read_evaluation
from tests.unit.monitoring.quality.evaluated import CLASSES, answer, answers, evaluated


def test_the_test_images_judge_the_releases_threshold_and_never_choose_it() -> None:
    predictions = [*answers(200), answer(999, label="motorcycle", confidence=0.9)]
    judged = evaluated(predictions, threshold=0.9).judged
    # All but the last image would have been accepted at a threshold that these images chose, without an error.
    assert (judged.threshold, judged.images, judged.accepted, judged.wrong) == (0.9, 401, 401, 1)


def test_a_release_that_accepts_nothing_is_judged_so() -> None:
    judged = evaluated(answers(200), threshold=None).judged
    assert (judged.threshold, judged.images, judged.accepted) == (None, 400, 0)


def test_an_unfamiliar_image_is_not_accepted_and_one_at_the_limit_is() -> None:
    predictions = [answer(n, familiarity=familiarity) for n, familiarity in enumerate([0.049, 0.05, 0.8])]
    evaluation = evaluated(predictions, familiarity_limit=0.05)
    assert (evaluation.unfamiliar, evaluation.judged.accepted) == (1, 2)
    assert [evaluation.accepts(one) for one in predictions] == [False, True, True]
    assert evaluation.coverage_at(0.5) == pytest.approx(2 / 3)
    assert evaluated(predictions).unfamiliar is None


def test_without_a_release_one_half_chooses_the_threshold_and_the_other_judges_it() -> None:
    predictions = answers(300)
    choosing, judging = halves(predictions)
    assert {one.key for one in choosing} | {one.key for one in judging} == {one.key for one in predictions}
    assert 250 < len(choosing) < 350
    evaluation = assess("pedals", "pedals", CLASSES, predictions)
    assert evaluation.judged.images == len(judging)
    assert evaluation.threshold == 0.9
    # What the judging half says changes nothing of the threshold.
    wrong = {one.key for one in judging}
    worse = [answer(int(one.key[8:-4]), one.truth, CLASSES[1]) if one.key in wrong and one.truth == CLASSES[0] else one
             for one in predictions]  # fmt: skip
    again = assess("pedals", "pedals", CLASSES, worse)
    assert again.threshold == evaluation.threshold
    assert again.judged.wrong > 100


def test_an_image_stays_in_its_half_whatever_the_others_are() -> None:
    predictions = answers(50)
    choosing, _ = halves(predictions)
    assert halves(choosing) == (choosing, [])


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_images_to_choose_a_threshold_accept_nothing(count: int) -> None:
    evaluation = assess("pedals", "pedals", CLASSES, answers(100)[:count])
    assert (evaluation.threshold, evaluation.judged.accepted) == (None, 0)


def test_chance_is_to_answer_the_most_frequent_class() -> None:
    predictions = [*(answer(n) for n in range(6)), *(answer(n, "motorcycle") for n in range(4))]
    assert evaluated(predictions).chance == 0.6


def test_the_same_evaluation_is_read_back_and_no_predictions_are_none(tmp_path: Path) -> None:
    for evaluation in (evaluated(answers(3, 1), familiarity_limit=0.05), assess("a", "b", CLASSES, answers(9))):
        evaluation.write(tmp_path / "evaluation.json")
        assert read_evaluation(tmp_path / "evaluation.json") == evaluation
    written = json.loads((tmp_path / "evaluation.json").read_text())
    (tmp_path / "evaluation.json").write_text(json.dumps(written | {"predictions": []}))
    with pytest.raises(EvaluationError, match="does not hold an evaluation"):
        read_evaluation(tmp_path / "evaluation.json")
    with pytest.raises(CoverageError):
        evaluated([])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"predictions": [{"key": 1}]}'])
def test_a_file_that_holds_no_evaluation_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(content)
    with pytest.raises(EvaluationError, match="does not hold an evaluation"):
        read_evaluation(path)
    with pytest.raises(EvaluationError, match="workflow evaluate"):
        read_evaluation(tmp_path / "none.json")
