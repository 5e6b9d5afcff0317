from pathlib import Path

import numpy as np
import pytest

from training.datasets import cifar, sample, scene
from training.datasets.sketch import THINGS

FEW = {"train": 4, "test": 2}


def test_the_same_seed_draws_the_same_bytes(tmp_path: Path) -> None:
    first = sample.sample_archive(tmp_path / "a", seed=3, counts=FEW)
    second = sample.sample_archive(tmp_path / "b", seed=3, counts=FEW)
    other = sample.sample_archive(tmp_path / "a", seed=4, counts=FEW)

    assert first.read_bytes() == second.read_bytes()
    assert first.name == second.name != other.name
    assert first.read_bytes() != other.read_bytes()
    assert first.read_bytes()[4:8] == bytes(4)  # The time in gzip's header.


def test_an_archive_that_is_there_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sample.sample_archive(tmp_path, counts=FEW)
    monkeypatch.delattr(scene, "picture")

    assert sample.sample_archive(tmp_path, counts=FEW) == first


def test_an_interrupted_drawing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scene, "picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample.sample_archive(tmp_path, counts=FEW)

    assert list(tmp_path.iterdir()) == []


def test_the_archive_holds_five_classes_mixed_and_no_image_twice(tmp_path: Path) -> None:
    archive = cifar.read(sample.sample_archive(tmp_path, counts=FEW))

    assert archive.classes == ("bicycle", "bus", "house", "motorcycle", "tree")
    for split, count in FEW.items():
        rows = archive.splits[split]
        assert np.bincount(rows.labels).tolist() == [count] * 5
        assert rows.labels.tolist() != sorted(rows.labels.tolist())
    every = np.concatenate([rows.pixels for rows in archive.splits.values()])
    assert len(np.unique(every, axis=0)) == 5 * sum(FEW.values())


def test_the_full_sample_has_the_sizes_of_cifar100s_classes() -> None:
    assert sample.COUNTS == {"train": 500, "test": 100}


@pytest.mark.parametrize("thing", list(THINGS))
def test_everything_drawn_shows_in_the_picture(thing: str) -> None:
    pictures = [np.asarray(scene.picture(thing, np.random.default_rng(seed)), dtype=float) for seed in range(20)]

    assert all(picture.shape == (32, 32, 3) for picture in pictures)
    assert min(picture.std() for picture in pictures) > 5
