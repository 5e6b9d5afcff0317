from pathlib import Path

import pytest

from contracts.release import Release, Threshold
from monitoring.quality.diagnosis import diagnose
from monitoring.quality.evaluation import OUT_OF_FOLD_FILE, EvaluationError, Terms, read_evaluation
from monitoring.quality.out_of_fold import judge_training

LABELS = ("class", "file")
THRESHOLD = Threshold(0.9, 0.05, 0.95, 4, 3, 0, 0.6)
RELEASE = Release("3fa4c0d1e2b7", LABELS, "scattering", None, THRESHOLD, 0.05, "0" * 64, {})
CSV = (
    "file,class,class,file\r\n"
    '"a, b.png",class,0.95,0.05\r\n'
    "c.png,class,0.050000,0.950000\r\n"
    "d.png,file,0.05,0.95\r\n"
    "e.png,file,0.4,0.6\r\n"
)


def test_training_images_are_judged_by_the_threshold_and_found_again_by_their_keys(tmp_path: Path) -> None:
    evaluation = judge_training(CSV.encode(), "pets", "job-1", RELEASE, tmp_path)
    assert [(one.key, one.truth, one.label) for one in evaluation.predictions][:2] == [
        ("datasets/pets/train/a, b.png", "class", "class"),
        ("datasets/pets/train/c.png", "class", "file"),
    ]
    assert (evaluation.judged.accepted, evaluation.judged.wrong, evaluation.max_error) == (3, 1, 0.05)
    assert evaluation.terms == Terms("3fa4c0d1e2b7", 0.9, 0.05)
    assert evaluation.trained_on == {"class": 2, "file": 2}
    assert read_evaluation(tmp_path / OUT_OF_FOLD_FILE) == evaluation


def test_nothing_is_said_of_unfamiliar_images_which_training_does_not_judge(tmp_path: Path) -> None:
    evaluation = judge_training(CSV.encode(), "pets", "job-1", RELEASE, tmp_path)
    assert evaluation.unfamiliar is None
    assert not [finding for finding in diagnose(evaluation).verdict.findings if "unfamiliar" in finding.text]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        CSV[:23].encode(),
        CSV.replace("class,class,file", "class,file,class").encode(),
        CSV.replace("0.4,0.6", "0.4").encode(),
        CSV.replace("0.4,0.6", "0.4,nan").encode(),
        CSV.replace("0.4,0.6", "0.4,1.6").encode(),
        CSV.replace("0.4,0.6", "0.4,x").encode(),
        CSV.replace("e.png,file", "e.png,cat").encode(),
        CSV.replace("a, b", '"a"x').encode(),
        b"\xff",
    ],
)
def test_another_file_is_refused_and_nothing_is_written(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"out_of_fold.csv of the training job job-1 can't be used"):
        judge_training(content, "pets", "job-1", RELEASE, tmp_path)
    assert not list(tmp_path.iterdir())
