"""`workflow init`: what it says of a folder of images, and the file that the other verbs then read."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cli.defaults import DEFAULTS_FILE, Value, as_toml, read_defaults
from tests.commands import parse, quoted, schema, workflow
from tests.images import HEIC, encoded

KINDS = ("PNG", "JPEG", "WEBP", "BMP")


def photo(seed: int, width: int = 40, height: int = 30) -> Image.Image:
    """A picture like no other."""
    blotches = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(blotches).resize((width, height), Image.Resampling.BICUBIC)


def put(path: Path, data: bytes) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pets(here: Path, cats: int = 12, dogs: int = 12) -> Path:
    """Make a folder of two classes, of several formats."""
    for seed in range(cats + dogs):
        label, kind = "cat" if seed < cats else "dog", KINDS[seed % 4]
        put(here / "My Pets" / label / f"{seed:03}.{kind.lower()}", encoded(photo(seed), kind))
    return here / "My Pets"


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Return what `init --json` prints, which must be as its schema says, and agree with the exit code."""
    code = workflow("init", *words, "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    schema("init").validate(found)
    assert code == (found["written"] is None) == (found["findings"][0]["level"] == "bad")
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the line by which `init` refuses a folder."""
    assert workflow("init", *words) == 1
    assert not Path(DEFAULTS_FILE).exists()
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


def test_the_file_makes_the_folder_what_stage_takes_and_its_counts_are_those_of_init(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pets(here)
    found = told(capsys, "My Pets")
    assert workflow("stage", "--no-upload") == 0
    record = json.loads((here / "out/datasets/my-pets/dataset.json").read_text())
    assert record["source"] == "My Pets"
    assert record["counts"] == {
        split: {one["label"]: one[split] for one in found["classes"]} for split in ("train", "test")
    }


def test_a_person_reads_counts_sizes_formats_and_the_next_command(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(pets(here) / "cat/wide.png", encoded(photo(100, 500, 200)))
    put(here / "My Pets/dog/phone.heic", HEIC["plain"])
    assert workflow("init", "My Pets") == 0
    said = capsys.readouterr().out
    assert [line.split()[:3] for line in said.splitlines()[1:4]] == [
        ["cat", "13", "0"],
        ["dog", "13", "0"],
        ["all", "26", "0"],
    ]
    assert "Pixels: 40x30 to 500x200, median 40x30." in said
    assert "Formats: 7 PNG, 6 JPEG, 6 WEBP, 6 BMP, 1 HEIF." in said
    commands = quoted(said)
    assert "workflow demo" in commands
    for command in commands:
        parse(command)


def test_files_that_cannot_be_used_are_named_with_the_reason(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = pets(here)
    put(folder / "cat/cut.jpg", encoded(photo(200), "JPEG")[:300])
    put(folder / "cat/page.png", b"<html>")
    put(folder / "cat/large.png", bytes(20 * 1024 * 1024 + 1))
    put(folder / "dog/notes.txt", b"notes")
    put(folder / "dog/IMG_1", encoded(photo(201), "JPEG"))
    put(folder / "loose.png", encoded(photo(202)))
    put(folder / "dog/.DS_Store", b"hidden")
    put(folder / "dog/a\x1b[31m\udce9.txt".encode(errors="surrogateescape").decode(errors="surrogateescape"), b"")
    (folder / "drafts").mkdir()
    found = told(capsys, "My Pets")
    broken = {one["file"]: one["reason"] for one in found["broken"]}
    assert list(broken) == ["cat/cut.jpg", "cat/large.png", "cat/page.png"]
    assert "isn't a picture of a format that is taken" in broken["cat/page.png"]
    assert broken["cat/large.png"] == "has more than 20,971,520 bytes"
    others = {one["file"]: one["reason"] for one in found["others"]}
    assert others == {
        "loose.png": "it is in no class's folder",
        "dog/IMG_1": "it is a JPEG whose name doesn't end as one; rename it",
        "dog/notes.txt": "it isn't an image",
        "dog/a\\x1b[31m\\udce9.txt": "it isn't an image",
    }
    assert found["empty"] == ["drafts"]
    assert [one["label"] for one in found["classes"]] == ["cat", "dog"]
    assert tomllib.loads((here / DEFAULTS_FILE).read_text())["classes"] == ["cat", "dog"]
    texts = " ".join(one["text"] for one in found["findings"])
    for named in ("cat/cut.jpg", "loose.png", "drafts", "3 files that can't be read", "4 files that can't be an image"):
        assert named in texts


def test_copies_in_a_class_are_a_notice_and_in_two_classes_a_conflict_that_cannot_be_staged(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pets(here)
    same = put(folder / "cat/one.png", encoded(photo(300)))
    put(folder / "cat/same bytes.png", same)
    put(folder / "cat/same pixels.bmp", encoded(photo(300), "BMP"))
    copies = ["cat/one.png", "cat/same bytes.png", "cat/same pixels.bmp"]
    found = told(capsys, "My Pets")
    assert (found["copies"], found["conflicts"], found["classes"][0]["copies"]) == ([copies], [], 2)
    (here / DEFAULTS_FILE).unlink()
    put(folder / "dog/two.png", same)
    found = told(capsys, "My Pets")
    assert (found["copies"], found["conflicts"]) == ([], [[*copies, "dog/two.png"]])
    assert "cat/one.png = cat/same bytes.png" in found["findings"][0]["text"]
    assert workflow("stage", "--dataset", "My Pets", "--no-upload") == 1


@pytest.mark.parametrize(("images", "enough"), [(148, False), (149, True)])
def test_fewer_images_than_a_threshold_takes_are_said_with_what_to_do(images: int, enough: bool) -> None:
    from checks.images import examine
    from training.datasets.inspection import ClassCounts, Inspection

    class Counted(Inspection):
        def counts(self, seed: int = 0) -> list[ClassCounts]:
            return [ClassCounts("cat", 100, 0, 74, 26), ClassCounts("dog", 100, 0, images - 74 + seed, 26)]

        labels = ("cat", "dog")

    finding = examine(Counted(Path(), (), (), (), ()), 0.02)[-1]
    assert finding.level == ("good" if enough else "notice")
    assert ("Have about 187 images in all, or tolerate more: --max-error 0.03." in finding.text) is not enough


def test_a_class_that_is_small_or_far_smaller_than_another_is_a_notice(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pets(here, cats=24, dogs=6)
    texts = [one["text"] for one in told(capsys, "My Pets")["findings"]]
    assert any(text.startswith("dog leaves ") and "fewer than 10" in text for text in texts)
    assert any("cat has 4 times as many images as dog" in text and "about 80%" in text for text in texts)


def test_a_class_without_an_image_to_test_cannot_be_staged(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(pets(here) / "owl/only.png", encoded(photo(400)))
    worst = told(capsys, "My Pets")["findings"][0]["text"]
    assert worst.startswith("owl has 1 different image; a class needs at least two")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (None, "There is no folder photos."),
        ([], "photos is empty; make a folder for each class in it"),
        (["a.png"], "photos holds images but no folder per class"),
        (["notes.txt"], "photos has no folder per class"),
        (["cat/notes.txt", "dog/b.txt"], "photos has no image that can be read in cat, dog."),
        (
            ["all/cat/a.png", "all/dog/b.png"],
            "photos holds one folder, with cat, dog in it: run `workflow init photos/all`",
        ),
        (["train/cat/a.png", "test/cat/b.png"], "photos is already split into test, train"),
    ],
)
def test_a_folder_that_is_not_one_of_classes_is_refused_in_a_line(
    files: list[str] | None, sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if files is not None:
        (here / "photos").mkdir()
    for seed, name in enumerate(files or []):
        put(here / "photos" / name, encoded(photo(seed)) if name.endswith(".png") else b"text")
    assert sentence in refused(capsys, "photos")


def test_a_file_and_a_folder_whose_images_are_all_broken_are_refused_too(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(here / "photos", b"")
    assert "photos is not a folder." in refused(capsys, "photos")
    put(here / "pets/cat/a.png", b"")
    assert "pets has no image that can be read: cat/a.png: " in refused(capsys, "pets")


def test_one_class_alone_cannot_be_staged(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pets(here, cats=8, dogs=0)
    assert "two or more different classes, not cat" in told(capsys, "My Pets")["findings"][0]["text"]


def test_an_existing_file_is_kept_and_with_force_loses_nothing_but_the_data_set(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pets(here)
    before = 'bucket = "b"\nname = "old"\nmax-error = 0.1\n'
    (here / DEFAULTS_FILE).write_text(before)
    assert workflow("init", "My Pets") == 1
    assert "--force" in capsys.readouterr().err
    assert (here / DEFAULTS_FILE).read_text() == before
    assert workflow("init", "My Pets", "--force") == 0
    assert read_defaults(here / DEFAULTS_FILE) == {
        "dataset": "My Pets",
        "name": "my-pets",
        "classes": "cat,dog",
        "max-error": 0.1,
        "bucket": "b",
    }


@pytest.mark.parametrize("folder", ["sample", "写真", "."])
def test_a_folder_of_any_name_is_taken_for_a_folder(
    folder: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if folder == ".":
        monkeypatch.chdir(pets(here))
    else:
        pets(here).rename(here / folder)
    told(capsys, folder)
    assert workflow("stage", "--no-upload") == 0
    (record,) = Path("out/datasets").glob("*/dataset.json")
    assert json.loads(record.read_text())["classes"] == ["cat", "dog"]


def test_toml_gives_every_text_back() -> None:
    odd = 'quote " backslash \\ tab \t delete \x7f null \0 é \u2028 \U0001f600'
    given: dict[str, Value] = {"dataset": odd, "classes": [odd, "b"], "max-error": 0.05}
    assert tomllib.loads(as_toml(given)) == given
