import base64
import importlib.util
import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from contracts.dataset import DatasetError
from training.datasets import folder
from training.datasets.collection import pixels_of
from training.errors import ImageError, UnknownClassError

SERIALIZE = Path(__file__).parents[4] / "functions" / "serialize" / "app.py"
SERIALIZE_ENVIRONMENT = {
    "MAX_SIDE": "32",
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


@pytest.fixture(params=["bounded", "exact"])
def serialize(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """The function's module, in an environment of each of the fits."""
    for name, value in (SERIALIZE_ENVIRONMENT | {"IMAGE_FIT": request.param}).items():
        monkeypatch.setenv(name, value)
    specification = importlib.util.spec_from_file_location("serialize_for_parity", SERIALIZE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, specification.name, module)
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
def test_a_picture_is_staged_byte_for_byte_as_it_will_be_classified(
    tmp_path: Path, name: str, serialize: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = PICTURES[name](tmp_path / "pets" / "cat" / name)
    save(photo(5), tmp_path / "pets" / "cat" / "other.png")
    data = path.read_bytes()
    answer = {"Body": io.BytesIO(data), "ContentLength": len(data), "ETag": "e"}
    monkeypatch.setattr(serialize.S3, "get_object", lambda **_: answer)
    classified = serialize.serialize({"s3_bucket": "b", "s3_key": "k"})["image_data"]

    settings = serialize.SETTINGS
    collection = folder.collect(tmp_path / "pets", ("cat",), settings.max_side, exact=settings.exact)

    staged = dict(zip(collection.table["file"], collection.images, strict=True))[name]
    assert staged == base64.b64decode(classified)


def test_the_classes_are_the_folders(pets: Path) -> None:
    (pets / ".cache").mkdir()
    (pets / "notes.txt").write_text("not a class")

    assert folder.class_names(pets) == ("cat", "dog")


def test_about_a_fifth_is_kept_for_testing_and_the_classes_are_mixed(pets: Path) -> None:
    collection = folder.collect(pets, ("cat", "dog"), 32)

    assert [pixels_of(image).shape for image in collection.images] == [(24, 32, 3)] * 80
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
    "of many pixels": lambda path: Image.new("1", (10_000, 10_000)).save(path, "PNG"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_image_is_left_out_by_name_or_strictly_refused(
    pets: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    BROKEN[kind](pets / "cat" / "broken.png")

    with pytest.raises(ImageError, match=r"1 broken images .*without --strict.*broken\.png"):
        folder.collect(pets, ("cat", "dog"), 32, strict=True)
    with caplog.at_level(logging.WARNING):
        collection = folder.collect(pets, ("cat", "dog"), 32)

    assert len(collection.table) == 80
    assert "broken.png" in caplog.text


def test_a_folder_as_people_have_them_is_staged_without_what_is_no_image(
    pets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("Thumbs.db", "cat/Thumbs.db", "cat/.DS_Store", "dog/notes.txt", "cat/._00.png"):
        (pets / name).write_bytes(b"\0\0\0\1")
    for name in ("cat/one.png", "dog/two.jpg"):
        (pets / name).write_bytes(b"no image")
    save(photo(999), pets / "lost.png")

    with caplog.at_level(logging.WARNING):
        collection = folder.collect(pets, ("cat", "dog"), 32)

    assert len(collection.table) == 80
    passed, broken = (record.message for record in caplog.records)
    assert passed == (
        "Passed over, as they aren't images of a class by name and place: "
        "Thumbs.db, cat/.DS_Store, cat/._00.png, cat/Thumbs.db, dog/notes.txt, lost.png."
    )
    assert broken.startswith("Left out 2 broken images: ")
    assert "one.png" in broken
    assert "two.jpg" in broken


def test_images_are_found_at_any_depth_of_a_class(pets: Path) -> None:
    save(photo(900), pets / "cat" / "2024" / "summer" / "beach.jpg")

    table = folder.collect(pets, ("cat", "dog"), 32).table

    assert table.loc[table["file"] == "2024/summer/beach.jpg", "class"].tolist() == ["cat"]


def test_images_without_folders_of_classes_are_answered_with_what_to_do(tmp_path: Path) -> None:
    save(photo(1), tmp_path / "cat_1.png")

    with pytest.raises(DatasetError, match=r"holds images but no folder per class; move each image into"):
        folder.class_names(tmp_path)


def test_a_folder_that_is_split_already_is_not_taken_for_classes(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "test/cat/2.png"):
        save(photo(1), tmp_path / name)

    with pytest.raises(DatasetError, match=r"already split into test, train, which can't be classes; stage a folder"):
        folder.class_names(tmp_path)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_each_of_a_hundred_small_classes_has_images_on_both_sides(tmp_path: Path, count: int) -> None:
    classes = tuple(f"class{number:03}" for number in range(100))
    for number, name in enumerate(classes):
        for copy in range(count):
            save(photo(1000 * number + copy, (6, 5)), tmp_path / name / f"{copy}.png")

    table = folder.collect(tmp_path, classes, 32).table

    assert (table.groupby("class")["split"].nunique() == 2).all()
    assert len(table) == 100 * count


def test_images_of_different_sizes_are_kept_as_they_are_if_they_are_small_enough(pets: Path) -> None:
    sizes = {"a.png": (32, 32), "b.jpg": (500, 250), "c.webp": (90, 224), "d.bmp": (3, 1000)}
    for number, (name, size) in enumerate(sizes.items()):
        save(photo(500 + number, size), pets / "cat" / name)

    collection = folder.collect(pets, ("cat", "dog"), 224)

    images = dict(zip(collection.table["file"], collection.images, strict=True))
    shapes = [pixels_of(images[name]).shape for name in sizes]
    assert shapes == [(32, 32, 3), (112, 224, 3), (224, 90, 3), (224, 1, 3)]


def test_of_many_broken_images_some_are_named_and_all_are_counted(pets: Path) -> None:
    for number in range(12):
        (pets / "dog" / f"broken_{number:02}.png").write_text("no")

    with pytest.raises(ImageError, match=r"12 broken images.*broken_09\.png.*and 2 more$") as caught:
        folder.collect(pets, ("cat", "dog"), 32, strict=True)

    assert "broken_10.png" not in str(caught.value)


def test_a_file_has_no_more_bytes_than_the_workflow_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(photo(1), tmp_path / "photo.png")
    monkeypatch.setattr(folder, "MAX_BYTES", path.stat().st_size)
    assert folder.read_file(path) == path.read_bytes()
    monkeypatch.setattr(folder, "MAX_BYTES", path.stat().st_size - 1)
    with pytest.raises(ImageError, match=r"more than .* bytes"):
        folder.read_file(path)


def test_an_unknown_class_is_answered_with_close_names(pets: Path) -> None:
    with pytest.raises(UnknownClassError, match=r"'cats'.* cat$"):
        folder.collect(pets, ("cats", "dog"), 32)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()

    with pytest.raises(DatasetError, match="holds no images"):
        folder.collect(tmp_path, ("cat",), 32)
