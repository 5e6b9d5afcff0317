import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from contracts.dataset import DatasetError
from inference.cases import CasesError, generate_cases, read_cases
from inference.staged_data import Dataset
from tests.unit.samples import BUCKET, DATASET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_the_classes_take_turns_and_the_broken_cases_follow(dataset: str, tmp_path: Path) -> None:
    cases = generate_cases(BUCKET, dataset, tmp_path)
    assert [case.name for case in cases] == [
        "bicycle-00000",
        "motorcycle-00003",
        "bicycle-00001",
        "motorcycle-00004",
        "bicycle-00002",
        "broken-truncated",
        "broken-text",
        "broken-empty",
        "broken-bomb",
        "broken-missing",
        "large-photograph",
    ]
    assert [case.truth for case in cases[:2]] == ["bicycle", "motorcycle"]


def test_the_number_of_images_bounds_the_images_only(dataset: str, tmp_path: Path) -> None:
    cases = generate_cases(BUCKET, dataset, tmp_path, images=2)
    assert [case.name for case in cases[:3]] == ["bicycle-00000", "motorcycle-00003", "broken-truncated"]
    assert len(cases) == 8


def test_asking_for_more_images_than_there_are_gives_all(dataset: str, tmp_path: Path) -> None:
    assert len(generate_cases(BUCKET, dataset, tmp_path, images=1000)) == 11


def test_fewer_than_one_image_is_refused(dataset: str, tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="at least 1, not 0"):
        generate_cases(BUCKET, dataset, tmp_path, images=0)


def test_every_event_file_is_the_plain_input_and_the_cases_read_back(dataset: str, tmp_path: Path) -> None:
    cases = generate_cases(BUCKET, dataset, tmp_path)
    assert read_cases(tmp_path / "cases.jsonl") == cases
    for case in cases:
        assert json.loads((tmp_path / "events" / f"{case.name}.json").read_text()) == case.event


def test_making_the_cases_again_changes_nothing(dataset: str, tmp_path: Path) -> None:
    first = generate_cases(BUCKET, dataset, tmp_path)
    written = (tmp_path / "cases.jsonl").read_bytes()
    assert generate_cases(BUCKET, dataset, tmp_path) == first
    assert (tmp_path / "cases.jsonl").read_bytes() == written


def test_the_uploads_are_as_broken_as_they_say(
    dataset: str, s3: "S3Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate_cases(BUCKET, dataset, tmp_path)

    def upload(file: str) -> bytes:
        return s3.get_object(Bucket=BUCKET, Key=f"cases/{DATASET}/{file}")["Body"].read()

    assert upload("empty.png") == b""
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(upload("text.png")))
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(upload("truncated.png"))).load()
    # The limit is the whole process's, and the Serialize function has its own in place of it.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000_000)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(upload("bomb.png")))
    with pytest.raises(ClientError, match="NoSuchKey"):
        upload("missing.png")
    with Image.open(io.BytesIO(upload("photograph.jpg"))) as photograph:
        assert (photograph.format, photograph.size) == ("JPEG", (3464, 3464))
        photograph.load()


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        ("", "empty or repeats"),
        ("0\t0\ta.png\n0\t1\tb.png\n", "empty or repeats"),
        ("0\t2\ta.png\n", r"line 1 has class 2, but there are 2 classes"),
        ("0\t0\ta.png\n1\t0\n", r"line 2 is not 'index<TAB>class<TAB>path'"),
        ("x\t0\ta.png\n", "line 1 is not"),
    ],
)
def test_a_listing_that_does_not_hold_together_is_refused_with_its_line(
    dataset: str, s3: "S3Client", listing: str, message: str
) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"datasets/{dataset}/test.lst", Body=listing.encode())
    with pytest.raises(DatasetError, match=message):
        Dataset.read(s3, BUCKET, dataset)


def test_a_data_set_that_is_not_there_is_named(s3: "S3Client") -> None:
    with pytest.raises(DatasetError, match=r"There is no s3://workflow/datasets/none/dataset.json; stage"):
        Dataset.read(s3, BUCKET, "none")


@pytest.mark.parametrize("content", ["not json\n", '{"name": "x"}\n', '{"outcomes": [], "colour": 1}\n'])
def test_a_cases_file_that_holds_something_else_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(content)
    with pytest.raises(CasesError, match="does not hold cases"):
        read_cases(path)


def test_a_missing_cases_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="workflow cases"):
        read_cases(tmp_path / "cases.jsonl")
