import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contracts.dataset import DatasetError, parse_lst
from tests.unit.training.cifar_archives import members, python2_split, write_archive
from training.explore import Size, explore
from training.stage import stage


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A data set of two white bicycles and two red motorcycles; the test images are black and blue."""
    white, red = np.full(3072, 255), np.repeat([255, 0, 0], 1024)
    black, blue = np.zeros(3072), np.repeat([0, 0, 255], 1024)
    train = np.stack([white, red, white, red]).astype(np.uint8)
    names = [b"%d.png" % number for number in range(4)]
    contents = members(
        python2_split(train, [1, 2, 1, 2], names),
        python2_split(np.stack([black, blue]).astype(np.uint8), [1, 2], names[:2]),
    )
    archive = write_archive(tmp_path / "a.tar.gz", contents)
    stage("cifar100", tmp_path / "out", archive=archive, verify=False)
    return tmp_path / "out"


def paths(out: Path, split: str, label: int) -> list[Path]:
    """The images of a class in a split."""
    folder = out / "datasets/cifar100"
    entries = parse_lst((folder / f"{split}.lst").read_text(), 2, split)
    return [folder / split / entry.file for entry in entries if entry.label == label]


def test_each_class_is_counted_and_its_brightness_and_contrast_are_shares(out: Path) -> None:
    exploration = explore("cifar100", out)

    bicycle, motorcycle = exploration.classes
    assert (bicycle.label, bicycle.train, bicycle.test) == ("bicycle", 2, 1)
    assert (exploration.total.train, exploration.total.test) == (4, 2)
    # Two white images and a black one; red has the brightness of 76 in 255, and blue that of 29.
    assert bicycle.brightness == pytest.approx(2 / 3, abs=1e-4)
    assert motorcycle.brightness == pytest.approx((2 * 76 + 29) / 3 / 255, abs=1e-4)
    assert bicycle.contrast == motorcycle.contrast == 0
    assert bicycle.smallest == bicycle.median == bicycle.largest == Size(32, 32)
    assert (bicycle.copies, motorcycle.copies, exploration.total.copies) == (1, 1, 2)


def test_an_image_half_black_and_half_white_has_all_the_contrast(out: Path) -> None:
    halves = np.zeros((32, 16, 3), np.uint8)
    halves[:, 8:] = 255
    for path in (*paths(out, "train", 0), *paths(out, "test", 0)):
        Image.fromarray(halves).save(path)
    bicycle = explore("cifar100", out).classes[0]
    assert (bicycle.brightness, bicycle.contrast, bicycle.smallest) == (0.5, 1.0, Size(16, 32))


def test_what_is_in_both_splits_in_several_classes_or_unreadable_is_named(out: Path) -> None:
    first, second = paths(out, "train", 0)
    other, broken = paths(out, "train", 1)
    (test,) = paths(out, "test", 0)
    test.write_bytes(first.read_bytes())
    other.write_bytes(first.read_bytes())
    broken.write_bytes(broken.read_bytes()[:60])
    exploration = explore("cifar100", out)
    assert exploration.in_both_splits == [f"test/{test.name}"]
    named = {f"{path.parent.name}/{path.name}" for path in (first, second, other, test)}
    assert {*exploration.in_several_classes} == named
    assert exploration.unreadable == [f"train/{broken.name}"]
    assert (exploration.classes[1].train, exploration.classes[1].unreadable) == (1, 1)


def test_the_contact_sheet_shows_each_class_in_its_own_rows(out: Path) -> None:
    exploration = explore("cifar100", out)

    sheet = np.asarray(Image.open(exploration.sheet))
    red = (sheet == (255, 0, 0)).all(axis=2)
    assert red.any()
    assert not red[: len(red) // 2].any()
    assert Path(exploration.sheet) == out / "samples.png"


def test_the_record_is_written_as_json(out: Path) -> None:
    exploration = explore("cifar100", out)

    record = json.loads((out / "exploration.json").read_text())
    assert record == asdict(exploration)


def test_a_data_set_that_is_not_whole_is_an_error_that_names_what_is_missing(out: Path) -> None:
    lost = next((out / "datasets" / "cifar100" / "train").iterdir())
    lost.unlink()

    with pytest.raises(DatasetError, match=rf"{lost.name}.*stage it again"):
        explore("cifar100", out)


def test_a_data_set_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="stage it first"):
        explore("cifar100", tmp_path)
