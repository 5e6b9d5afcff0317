"""A baseline to its last value: what is stored of it, what of a data set it takes, and how a bad one is refused."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from botocore.stub import Stubber
from PIL import Image

from monitoring.drift import make_baseline as maker
from monitoring.drift.baseline import (
    Baseline,
    BaselineError,
    find_baseline,
    read_file,
    read_s3,
    require_baseline,
    write_baseline,
)
from monitoring.drift.make_baseline import make_baseline
from monitoring.drift.measures import MEASURES, measure, prepared
from monitoring.quality.evaluation import Evaluation, Prediction, assess
from tests.messages import exactly
from tests.unit.samples import BUCKET, CLASSES, baseline, png

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOW = "2026-11-23T09:00:00+00:00"


@pytest.fixture
def evaluation() -> Evaluation:
    predictions = [
        Prediction("a", "bicycle", "motorcycle", 0.7, (0.3, 0.7)),
        Prediction("b", "bicycle", "bicycle", 0.9, (0.9, 0.1)),
    ]
    return assess("pedals", "wheels", CLASSES, predictions, 0.02)


def test_a_baseline_survives_writing_and_reading_with_descriptions_in_half_the_space() -> None:
    made = baseline(20)
    read = Baseline.from_bytes(made.to_bytes(), "here")
    for name in ("dataset", "endpoint", "classes", "max_side", "exact", "created", "measures"):
        assert getattr(read, name) == getattr(made, name)
    assert read.sample.labels == made.sample.labels
    assert np.array_equal(read.sample.measures, made.sample.measures)
    assert np.array_equal(read.sample.confidence, made.sample.confidence)
    assert np.array_equal(read.sample.descriptions, made.sample.descriptions.astype(np.float32).astype(float))
    assert {read.sample.descriptions.dtype.name, read.sample.measures.dtype.name} == {"float64"}


def test_the_archive_is_compressed_and_holds_plain_arrays_under_their_names() -> None:
    made = baseline(20)
    with np.load(io.BytesIO(made.to_bytes()), allow_pickle=False) as arrays:
        assert set(arrays) == {"about", "measures", "descriptions", "confidence", "labels"}
        about = json.loads(str(arrays["about"]))
        assert arrays["descriptions"].dtype == np.float32
        assert arrays["labels"].dtype.kind == "U"
        size = sum(arrays[name].nbytes for name in arrays)
    assert about == {
        "dataset": "pedals",
        "endpoint": "pedals",
        "classes": list(CLASSES),
        "max_side": 32,
        "exact": True,
        "created": NOW,
        "measures": list(MEASURES),
    }
    assert len(made.to_bytes()) < size


def test_a_baseline_without_answers_is_one_too() -> None:
    made = baseline(0)
    read = Baseline.from_bytes(made.to_bytes(), "here")
    assert (read.sample.labels, len(read.sample.confidence)) == ((), 0)
    with np.load(io.BytesIO(made.to_bytes()), allow_pickle=False) as arrays:
        assert arrays["labels"].dtype.kind == "U"


class Trap:
    """An object whose pickle writes a file as soon as it is loaded."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


@pytest.mark.parametrize("array", ["about", "labels", "measures"])
def test_a_pickle_in_the_archive_is_never_loaded(array: str, tmp_path: Path) -> None:
    with np.load(io.BytesIO(baseline(20).to_bytes())) as arrays:
        whole = {name: arrays[name] for name in arrays}
    trap = np.empty(1, dtype=object)
    trap[0] = Trap(tmp_path / "sprung")
    buffer = io.BytesIO()
    np.savez(buffer, **(whole | {array: trap}))
    with pytest.raises(BaselineError, match="here is not a baseline"):
        Baseline.from_bytes(buffer.getvalue(), "here")
    assert not (tmp_path / "sprung").exists()


def test_what_is_none_is_refused_with_why_and_what_to_do() -> None:
    message = "here is not a baseline (EOFError('No data left in file')); make it with `workflow baseline`."
    with pytest.raises(BaselineError, match=exactly(message)):
        Baseline.from_bytes(b"", "here")


def test_one_of_another_version_is_refused_with_what_to_do() -> None:
    made = baseline(20)
    other = replace(made, measures=("size",))
    message = "here was made by another version; make it again with `workflow baseline`."
    with pytest.raises(BaselineError, match=exactly(message)):
        Baseline.from_bytes(other.to_bytes(), "here")


def test_a_file_that_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "baseline.npz"
    with pytest.raises(BaselineError) as refusal:
        read_file(path)
    assert str(refusal.value).startswith(f"{path} can't be read: [Errno 2]")
    assert str(refusal.value).endswith("; make it with `workflow baseline`.")
    path.write_bytes(b"")
    with pytest.raises(BaselineError, match=rf"\A{path} is not a baseline"):
        read_file(path)


def test_a_bucket_that_refuses_is_an_error_and_not_an_absence() -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    with Stubber(s3) as stub:
        stub.add_client_error("get_object", "AccessDenied", "No.")
        with pytest.raises(BaselineError, match=r"\As3://data/baselines/wheels\.npz can't be read: .*AccessDenied"):
            read_s3("data", "wheels", s3)


@pytest.mark.usefixtures("s3")
def test_the_client_is_made_where_none_is_given(tmp_path: Path) -> None:
    assert read_s3(BUCKET, "pedals") is None
    write_baseline(baseline(20), tmp_path, BUCKET)
    found = read_s3(BUCKET, "pedals")
    assert found is not None
    assert found.to_bytes() == read_file(tmp_path / "baseline.npz").to_bytes()


def test_without_a_bucket_only_the_folder_is_searched(tmp_path: Path) -> None:
    assert find_baseline(tmp_path, None, "pedals") is None
    message = "There is no baseline for pedals; make it with `workflow baseline`."
    with pytest.raises(BaselineError, match=exactly(message)):
        require_baseline(tmp_path, None, "pedals")


def aspect(read: Baseline) -> list[float]:
    values: list[float] = read.sample.measures[:, MEASURES.index("aspect")].tolist()
    return values


@pytest.fixture
def wide(s3: "S3Client", dataset: str) -> "S3Client":
    """The staged data set, with images whose width tells their place: of the training list, then of the test list."""
    for split, first in (("train", 1), ("test", 6)):
        for number in range(5):
            body = png(number, (16 * (first + number), 16))
            s3.put_object(Bucket=BUCKET, Key=f"datasets/{dataset}/{split}/image_{number}.png", Body=body)
    return s3


def test_the_images_are_measured_in_order_at_the_size_of_the_data_set(
    wide: "S3Client", evaluation: Evaluation, tmp_path: Path
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    made = make_baseline(BUCKET, evaluation, tmp_path / "out", s3=wide)
    assert aspect(made) == [float(number) for number in range(1, 11)]
    pixels, ratio = prepared(Image.open(io.BytesIO(png(2, (48, 16)))), 32, exact=True)
    measures, descriptions = measure(pixels[None], [ratio])
    assert made.sample.measures[2] == pytest.approx(measures[0])
    assert made.sample.descriptions[2] == pytest.approx(descriptions[0])
    assert (made.dataset, made.endpoint, made.classes, made.max_side, made.exact) == (
        "pedals",
        "wheels",
        CLASSES,
        32,
        True,
    )
    assert (made.measures, made.sample.labels) == (MEASURES, ("motorcycle", "bicycle"))
    assert made.sample.confidence.tolist() == [0.7, 0.9]
    created = datetime.fromisoformat(made.created)
    assert before <= created <= datetime.now(UTC)
    assert (created.tzinfo, created.microsecond) == (UTC, 0)
    assert read_file(tmp_path / "out" / "baseline.npz").created == made.created


def test_of_too_many_images_the_same_random_part_is_taken_each_time_in_order(
    wide: "S3Client", evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maker, "SAMPLE", 10)
    assert len(aspect(make_baseline(BUCKET, evaluation, tmp_path, s3=wide))) == 10
    monkeypatch.setattr(maker, "SAMPLE", 9)
    found = [aspect(make_baseline(BUCKET, evaluation, tmp_path, s3=wide)) for _ in range(2)]
    assert found[0] == found[1] == sorted(found[0])
    assert len(set(found[0])) == 9
    assert found[0] != [float(number) for number in range(1, 10)]


@pytest.mark.usefixtures("wide")
def test_an_image_that_is_none_is_named_with_what_to_do(evaluation: Evaluation, tmp_path: Path) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="datasets/pedals/test/image_4.png", Body=b"nothing")
    with pytest.raises(BaselineError) as refusal:
        make_baseline(BUCKET, evaluation, tmp_path)
    assert str(refusal.value).startswith(
        f"s3://{BUCKET}/datasets/pedals/test/image_4.png is not an image (cannot identify"
    )
    assert str(refusal.value).endswith("); stage the data set again.")


def test_the_client_that_is_given_is_the_only_one(
    wide: "S3Client", evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any other client would ask AWS itself, which no test reaches.
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    made = make_baseline(BUCKET, evaluation, tmp_path, s3=wide)
    found = read_s3(BUCKET, "wheels", wide)
    assert found is not None
    assert found.created == made.created
