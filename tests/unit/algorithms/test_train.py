"""Training jobs that can't work: a clear reason, exit code 1, and nothing in the model directory."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import train
from classifier.errors import DataError
from classifier.hyperparameters import read_hyperparameters
from classifier.model import Model

SIDE = 16
Spoil = Callable[[Path], object]


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound training job of twelve images, six dark and six bright."""
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    (tmp_path / "input" / "config").mkdir(parents=True)
    configure(tmp_path, class_labels="dark,bright", features="scattering")
    for channel in ("train", "validation"):
        for folder in (channel, f"{channel}_lst"):
            (tmp_path / "input" / "data" / folder).mkdir(parents=True)
        draw = np.random.default_rng(len(channel))
        for index in range(12):
            pixels = draw.integers(0, 100, (SIDE, SIDE, 3), dtype=np.uint8) + np.uint8(100 * (index % 2))
            Image.fromarray(pixels).save(images(tmp_path, channel) / f"{index}.png")
        write_list(tmp_path, channel, [f"{index}\t{index % 2}\t{index}.png" for index in range(12)])
    return tmp_path


def configure(base: Path, **settings: str) -> None:
    (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(settings))


def images(base: Path, channel: str = "train") -> Path:
    return base / "input" / "data" / channel


def write_list(base: Path, channel: str, lines: list[str]) -> None:
    (base / "input" / "data" / f"{channel}_lst" / f"{channel}.lst").write_text("".join(f"{line}\n" for line in lines))


def test_a_sound_job_succeeds(base: Path) -> None:
    assert train.main() == 0
    assert Model.load(base / "model").labels == ("dark", "bright")


def test_the_validation_channel_may_be_left_out(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images(base, "validation").rename(base / "elsewhere")
    assert train.main() == 0
    assert "validation-accuracy" not in capsys.readouterr().out
    assert "validation-accuracy" not in Model.load(base / "model").metadata["metrics"]


def test_more_images_than_landmarks_make_a_model_of_that_many_landmarks(base: Path) -> None:
    configure(base, class_labels="dark,bright", features="scattering", landmarks="8", seed="3")
    assert train.main() == 0
    assert Model.load(base / "model").arrays["landmarks"].shape[0] == 8


@pytest.mark.parametrize(("dark", "said"), [(9, True), (10, False)])
def test_a_class_of_few_images_is_named_with_what_to_expect(
    base: Path, capsys: pytest.CaptureFixture[str], dark: int, said: bool
) -> None:
    classes = [0] * dark + [1] * 12
    write_list(base, "train", [f"{index}\t{code}\t{index % 12}.png" for index, code in enumerate(classes)])
    assert train.main() == 0
    assert ("The class dark has 9 training images; with fewer than 10" in capsys.readouterr().out) is said


@pytest.mark.parametrize("count", [2, 100])
def test_two_to_a_hundred_classes_are_learned(base: Path, count: int) -> None:
    configure(base, class_labels=",".join(f"c{code}" for code in range(count)), features="scattering")
    for channel in ("train", "validation"):
        write_list(base, channel, [f"{row}\t{row % count}\t{row % 12}.png" for row in range(3 * count)])
    assert train.main() == 0
    model = Model.load(base / "model")
    assert model.predict_proba(np.zeros((1, 32, 32, 3), np.uint8)).shape == (1, count)


def test_images_of_several_sizes_are_trained_on(base: Path) -> None:
    for index, size in enumerate([(16, 16), (200, 16), (16, 224), (224, 150)]):
        path = images(base) / f"{index}.png"
        with Image.open(path) as image:
            image.resize(size).save(path)
    assert train.main() == 0


def test_one_image_of_each_class_is_enough(base: Path) -> None:
    write_list(base, "train", ["0\t0\t0.png", "1\t1\t1.png"])
    assert train.main() == 0


def test_classes_that_look_the_same_get_even_odds(base: Path) -> None:
    for index in range(12):
        Image.new("RGB", (SIDE, SIDE), "grey").save(images(base) / f"{index}.png")
    assert train.main() == 0
    odds = Model.load(base / "model").predict_proba(np.full((1, 32, 32, 3), 128, np.uint8))
    np.testing.assert_allclose(odds, 0.5, atol=0.01)


SPOILS: dict[str, tuple[Spoil, str]] = {
    "no channel": (
        lambda base: images(base, "train_lst").rename(base / "x"),
        "The channel train_lst must hold one .lst",
    ),
    "two lists": (lambda base: (images(base, "train_lst") / "b.lst").write_text(""), "it holds 2"),
    "empty list": (lambda base: write_list(base, "train", []), "train.lst lists no images"),
    "binary list": (lambda base: (images(base, "train_lst") / "train.lst").write_bytes(b"\xff\xfe"), "not UTF-8"),
    "spaces for tabs": (lambda base: write_list(base, "train", ["0 0 0.png"]), "train.lst line 1 must be index, class"),
    "class as text": (lambda base: write_list(base, "train", ["0\tdark\t0.png"]), "line 1 must be index, class"),
    "fourth field": (lambda base: write_list(base, "train", ["0\t0\t0.png\tx"]), "line 1 must be index, class"),
    "label too high": (lambda base: write_list(base, "train", ["0\t0\t0.png", "1\t2\t1.png"]), "line 2 has class 2"),
    "label below 0": (lambda base: write_list(base, "train", ["0\t-1\t0.png"]), "line 1 must be index, class"),
    "index twice": (lambda base: write_list(base, "train", ["5\t0\t0.png", "5\t1\t1.png"]), "uses an index twice"),
    "one class only": (
        lambda base: write_list(base, "train", ["0\t1\t1.png", "1\t1\t3.png"]),
        "The channel train has no image of the class dark",
    ),
    "file outside": (lambda base: write_list(base, "train", ["0\t0\t../0.png"]), "path inside the channel"),
    "absolute file": (lambda base: write_list(base, "train", ["0\t0\t/0.png"]), "path inside the channel"),
    "file missing": (lambda base: (images(base) / "4.png").unlink(), "4.png of channel train is listed but missing"),
    "file is a folder": (lambda base: write_list(base, "train", ["0\t0\t."]), "path inside the channel"),
    "empty image": (lambda base: (images(base) / "4.png").write_bytes(b""), "4.png of channel train can't be used"),
    "truncated image": (
        lambda base: (images(base) / "4.png").write_bytes((images(base) / "4.png").read_bytes()[:-60]),
        "4.png of channel train can't be used",
    ),
    "not an image": (lambda base: (images(base) / "4.png").write_text("hello"), "not a PNG or JPEG"),
    "validation unreadable": (
        lambda base: (images(base, "validation") / "0.png").write_bytes(b"x"),
        "0.png of channel validation can't be used",
    ),
    "validation without list": (
        lambda base: (images(base, "validation_lst") / "validation.lst").unlink(),
        "The channel validation_lst must hold one .lst",
    ),
    "no hyperparameters": (
        lambda base: (base / "input" / "config" / "hyperparameters.json").unlink(),
        "hyperparameters in .* can't be read",
    ),
}


@pytest.mark.parametrize(("spoil", "reason"), SPOILS.values(), ids=SPOILS)
def test_a_job_that_cannot_work_says_why_and_leaves_no_model(
    base: Path, spoil: Spoil, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(base)
    assert train.main() == 1
    said = (base / "output" / "failure").read_text()
    assert re.search(reason, said)
    assert said in capsys.readouterr().out
    assert "\n" not in said
    assert not (base / "model").exists()


def test_a_fault_of_the_program_itself_is_recorded_and_not_hidden(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError("as if by a bug")

    monkeypatch.setattr(train, "MirrorKernelRidge", fail)
    with pytest.raises(ZeroDivisionError):
        train.main()
    assert (base / "output" / "failure").read_text() == "Training ended by ZeroDivisionError: as if by a bug"
    assert not (base / "model").exists()


def test_a_long_reason_is_cut_to_what_the_service_shows(base: Path) -> None:
    write_list(base, "train", [f"0\t0\t{'n' * 200}/{'n' * 200}/{'n' * 200}/{'n' * 200}/{'n' * 200}/{'n' * 200}.png"])
    assert train.main() == 1
    assert len((base / "output" / "failure").read_text()) == train.FAILURE_LIMIT


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "class_labels is missing"),
        ({"class_labels": "one"}, "2 to 100 different classes"),
        ({"class_labels": "one,one"}, "2 to 100 different classes"),
        ({"class_labels": ",".join(map(str, range(101)))}, "2 to 100 different classes"),
        ({"class_labels": "one,,two"}, "an empty name"),
        ({"class_labels": "a,b", "features": "colours"}, "There are no features 'colours'; there are .*scattering"),
        ({"class_labels": "a,b", "max_error": "0"}, "max_error must be above 0 and at most 0.5"),
        ({"class_labels": "a,b", "max_error": "0.51"}, "max_error must be above 0 and at most 0.5"),
        ({"class_labels": "a,b", "seed": "-1"}, "seed must be from 0"),
        ({"class_labels": "a,b", "features": "scattering", "side": "40"}, "side must be one of 32, 16, 48, 64"),
        ({"class_labels": "a,b", "gamma": "nan"}, "gamma must be above 0"),
        ({"class_labels": "a,b", "gamma": "wide"}, "gamma must be a number; it is 'wide'"),
        ({"class_labels": "a,b", "landmarks": "1"}, "landmarks must be from 2"),
        ({"class_labels": "a,b", "epochs": "30"}, "There is no hyperparameter epochs"),
    ],
)
def test_a_wrong_hyperparameter_is_named(tmp_path: Path, settings: dict[str, str], reason: str) -> None:
    (tmp_path / "h.json").write_text(json.dumps(settings))
    with pytest.raises(DataError, match=reason):
        read_hyperparameters(tmp_path / "h.json")


@pytest.mark.parametrize("text", ["[]", "{", "\xff"])
def test_hyperparameters_that_are_no_object_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "h.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match="The hyperparameters in"):
        read_hyperparameters(tmp_path / "h.json")


def test_hyperparameters_arrive_as_text_and_the_platforms_own_are_passed_over(tmp_path: Path) -> None:
    given = {"class_labels": " a , b ", "features": "scattering", "gamma": "0.3", "seed": "4294967295"}
    own = {"sagemaker_program": "x", "_tuning_objective_metric": "y"}
    (tmp_path / "h.json").write_text(json.dumps(given | own))
    settings = read_hyperparameters(tmp_path / "h.json")
    assert (settings.class_labels, settings.gamma, settings.seed) == (("a", "b"), 0.3, 2**32 - 1)
    assert (settings.side, settings.max_error, settings.landmarks) == (32, 0.02, 1500)
