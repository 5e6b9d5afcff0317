import importlib.util
import io
import logging
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from contracts.dataset import DatasetError
from imaging import decoding
from training.datasets import folder
from training.errors import ImageError, UnknownClassError

SERIALIZE = Path(__file__).parents[4] / "functions" / "serialize" / "app.py"
SERIALIZE_ENVIRONMENT = {
    "IMAGE_SIZE": "32",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "POWERTOOLS_TRACE_DISABLED": "true",
}


def photo(seed: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A picture like no other: soft blotches, so that resizing shows where it went wrong."""
    blotches = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(blotches).resize(size, Image.Resampling.BICUBIC)


def save(image: Image.Image, path: Path, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of 40 images, of different formats."""
    for seed in range(80):
        kind, suffix = ("cat", "dog")[seed % 2], ("png", "jpg", "webp", "bmp")[seed % 4]
        save(photo(seed), tmp_path / "pets" / kind / f"{seed:02}.{suffix}")
    return tmp_path / "pets"


@pytest.fixture
def serialize(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name, value in SERIALIZE_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    specification = importlib.util.spec_from_file_location("serialize_for_parity", SERIALIZE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def deep(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def rotated(path: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    return save(photo(1, (60, 20)), path, exif=exif)


PICTURES: dict[str, Callable[[Path], Path]] = {
    "large.jpg": lambda path: save(photo(1, (1600, 900)), path),
    "rotated.jpg": rotated,
    "cmyk.jpg": lambda path: save(photo(1).convert("CMYK"), path),
    "gray.png": lambda path: save(photo(1).convert("L"), path),
    "palette.gif": lambda path: save(photo(1).quantize(16), path),
    "clear_palette.png": lambda path: save(photo(1).quantize(16), path, transparency=3),
    "alpha.png": lambda path: save(Image.merge("RGBA", (*photo(1).split(), photo(2).convert("L"))), path),
    "deep.png": lambda path: save(deep(photo(1)), path),
    "one_bit.bmp": lambda path: save(photo(1).convert("1"), path),
    "tiny.webp": lambda path: save(photo(1, (1, 3)), path, lossless=True),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_trained_on_as_it_will_be_classified(tmp_path: Path, name: str, serialize: ModuleType) -> None:
    path = PICTURES[name](tmp_path / name)

    png, _, _ = serialize.model_input(path.read_bytes(), 32)

    classified = np.asarray(Image.open(io.BytesIO(png)))
    assert np.array_equal(folder.read_image(path, 32), classified)


def test_the_classes_are_the_folders(pets: Path) -> None:
    (pets / ".cache").mkdir()
    (pets / "notes.txt").write_text("not a class")

    assert folder.class_names(pets) == ("cat", "dog")


def test_about_a_fifth_is_kept_for_testing_and_the_classes_are_mixed(pets: Path) -> None:
    collection = folder.collect(pets, ("cat", "dog"), 32)

    assert collection.pixels.shape == (80, 32, 32, 3)
    assert 6 <= (collection.table["split"] == "test").sum() <= 26
    assert collection.table["class"].tolist() != sorted(collection.table["class"])


def test_the_same_folder_gives_the_same_collection_and_another_seed_another_split(pets: Path) -> None:
    first, again = (folder.collect(pets, ("cat", "dog"), 32) for _ in range(2))
    other = folder.collect(pets, ("cat", "dog"), 32, seed=1)

    assert first.table.equals(again.table)
    assert first.source_sha256 == again.source_sha256
    assert not first.table["split"].equals(other.table["split"])


def test_more_images_move_none_to_the_other_split(pets: Path) -> None:
    before = folder.collect(pets, ("cat", "dog"), 32).table
    for seed in range(100, 140):
        save(photo(seed), pets / "cat" / f"{seed}.png")
    after = folder.collect(pets, ("cat", "dog"), 32).table

    splits = dict(zip(after["digest"], after["split"], strict=True))
    assert [splits[digest] for digest in before["digest"]] == before["split"].tolist()


def test_copies_of_an_image_stay_on_one_side(pets: Path) -> None:
    for path in list((pets / "cat").glob("*.png")):
        save(Image.open(path), path.with_name(f"copy_of_{path.stem}.bmp"))

    table = folder.collect(pets, ("cat", "dog"), 32).table

    assert table["digest"].duplicated().any()
    assert (table.groupby("digest")["split"].nunique() == 1).all()


def test_one_image_in_two_classes_is_refused(pets: Path) -> None:
    save(Image.open(pets / "cat" / "00.png"), pets / "dog" / "cat_or_dog.bmp")

    with pytest.raises(DatasetError, match=r"more than one class: (cat/00\.png|dog/cat_or_dog\.bmp), "):
        folder.collect(pets, ("cat", "dog"), 32)


def truncated(path: Path) -> None:
    data = io.BytesIO()
    photo(1).save(data, "PNG")
    path.write_bytes(data.getvalue()[: len(data.getvalue()) // 2])


def animated(path: Path) -> None:
    photo(1).quantize(8).save(path, "GIF", save_all=True, append_images=[photo(2).quantize(8)])


BROKEN: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("a cat"),
    "truncated": truncated,
    "animated": animated,
    "a TIFF, which the workflow does not take": lambda path: photo(1).save(path, "TIFF"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_image_is_refused_by_name_unless_it_may_be_skipped(
    pets: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    BROKEN[kind](pets / "cat" / "broken.png")

    with pytest.raises(ImageError, match=r"1 files that are not images .*--skip-broken.*broken\.png"):
        folder.collect(pets, ("cat", "dog"), 32)
    with caplog.at_level(logging.WARNING):
        collection = folder.collect(pets, ("cat", "dog"), 32, skip_broken=True)

    assert len(collection.table) == 80
    assert "broken.png" in caplog.text


def test_of_many_broken_images_a_few_are_named_and_all_are_counted(pets: Path) -> None:
    for number in range(9):
        (pets / "dog" / f"broken_{number}.png").write_text("no")

    with pytest.raises(ImageError, match=r"9 files.*broken_4\.png.*…$") as caught:
        folder.collect(pets, ("cat", "dog"), 32)

    assert "broken_5.png" not in str(caught.value)


@pytest.mark.parametrize("pixels", [599, 600])
def test_pixels_are_bounded_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixels: int
) -> None:
    path = save(photo(1, (30, 20)), tmp_path / "photo.png")
    monkeypatch.setattr(decoding, "MAX_PIXELS", pixels)

    if pixels < 30 * 20:
        with pytest.raises(ImageError, match="30x20 pixels; at most 599"):
            folder.read_image(path, 32)
    else:
        assert folder.read_image(path, 32).shape == (32, 32, 3)


def test_a_file_has_no_more_bytes_than_the_workflow_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(photo(1), tmp_path / "photo.png")
    monkeypatch.setattr(folder, "MAX_BYTES", path.stat().st_size)
    assert folder.read_image(path, 32).shape == (32, 32, 3)
    monkeypatch.setattr(folder, "MAX_BYTES", path.stat().st_size - 1)
    with pytest.raises(ImageError, match=r"more than .* bytes"):
        folder.read_image(path, 32)


def test_a_decompression_bomb_is_an_error_and_not_a_warning(tmp_path: Path) -> None:
    for side in (10_000, 14_000):
        path = save(Image.new("1", (side, side)), tmp_path / f"{side}.png")
        with pytest.raises(ImageError):
            folder.read_image(path, 32)


def test_hidden_files_are_passed_over(pets: Path) -> None:
    (pets / "cat" / ".DS_Store").write_bytes(b"\0\0\0\1")

    assert len(folder.collect(pets, ("cat", "dog"), 32).table) == 80


def test_an_unknown_class_is_answered_with_close_names(pets: Path) -> None:
    with pytest.raises(UnknownClassError, match=r"'cats'.* cat$"):
        folder.collect(pets, ("cats", "dog"), 32)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()

    with pytest.raises(DatasetError, match="holds no images"):
        folder.collect(tmp_path, ("cat",), 32)
