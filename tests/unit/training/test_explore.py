import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contracts.dataset import DatasetError
from tests.unit.training.cifar_archives import members, python2_split, write_archive
from training.explore import explore
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


def test_statistics_are_of_the_training_images(out: Path) -> None:
    exploration = explore("cifar100", out)

    assert exploration.counts["train"] == {"bicycle": 2, "motorcycle": 2}
    assert exploration.pixels.mean == (1.0, 0.5, 0.5)
    assert exploration.pixels.std == (0.0, 0.5, 0.5)
    assert exploration.pixels_by_class["motorcycle"].mean == (1.0, 0.0, 0.0)


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
    assert record["counts"] == exploration.counts
    assert record["pixels"]["mean"] == [1.0, 0.5, 0.5]


def test_a_data_set_that_is_not_whole_is_an_error_that_names_what_is_missing(out: Path) -> None:
    lost = next((out / "datasets" / "cifar100" / "train").iterdir())
    lost.unlink()

    with pytest.raises(DatasetError, match=rf"{lost.name}.*stage it again"):
        explore("cifar100", out)


def test_a_data_set_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="stage it first"):
        explore("cifar100", tmp_path)
