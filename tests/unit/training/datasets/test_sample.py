from pathlib import Path

import numpy as np
import pytest

from training.datasets import cifar, sample, scene
from training.datasets.sketch import THINGS
from training.errors import UnknownClassError

FEW = {"train": 4, "test": 2}
TWO = ("motorcycle", "bicycle")


def test_the_same_seed_draws_the_same_bytes(tmp_path: Path) -> None:
    first = sample.sample_archive(tmp_path / "a", TWO, seed=3, counts=FEW)
    second = sample.sample_archive(tmp_path / "b", TWO, seed=3, counts=FEW)
    other = sample.sample_archive(tmp_path / "a", TWO, seed=4, counts=FEW)

    assert first.read_bytes() == second.read_bytes()
    assert first.name == second.name != other.name
    assert first.read_bytes() != other.read_bytes()
    assert first.read_bytes()[4:8] == bytes(4)  # The time in gzip's header.


def test_an_archive_that_is_there_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sample.sample_archive(tmp_path, TWO, counts=FEW)
    monkeypatch.delattr(scene, "picture")

    assert sample.sample_archive(tmp_path, TWO, counts=FEW) == first


def test_an_interrupted_drawing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scene, "picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample.sample_archive(tmp_path, TWO, counts=FEW)

    assert list(tmp_path.iterdir()) == []


def test_the_archive_holds_the_classes_asked_for_mixed_and_no_image_twice(tmp_path: Path) -> None:
    archive = cifar.read(sample.sample_archive(tmp_path, TWO, counts=FEW))

    assert archive.classes == ("bicycle", "motorcycle")
    for split, count in FEW.items():
        rows = archive.splits[split]
        assert np.bincount(rows.labels).tolist() == [count] * 2
        assert rows.labels.tolist() != sorted(rows.labels.tolist())
    every = np.concatenate([rows.pixels for rows in archive.splits.values()])
    assert len(np.unique(every, axis=0)) == 2 * sum(FEW.values())


def test_a_class_looks_the_same_whatever_is_drawn_beside_it(tmp_path: Path) -> None:
    def trees(*classes: str) -> list[bytes]:
        archive = cifar.read(sample.sample_archive(tmp_path, classes, counts=FEW))
        rows = archive.splits["train"]
        return [row.tobytes() for row in rows.pixels[rows.labels == archive.classes.index("tree")]]

    assert trees("tree", "bus") == trees("house", "tree", "motorcycle")


def test_what_nobody_can_draw_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownClassError, match="the drawn sample has no class 'tre'; it has, among others, tree"):
        sample.sample_archive(tmp_path, ("bus", "tre"), counts=FEW)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("thing", list(THINGS))
def test_everything_drawn_shows_in_the_picture(thing: str) -> None:
    pictures = [np.asarray(scene.picture(thing, np.random.default_rng(seed)), dtype=float) for seed in range(20)]

    assert all(picture.shape == (32, 32, 3) for picture in pictures)
    assert min(picture.std() for picture in pictures) > 5
