import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from contracts.dataset import DatasetError
from contracts.layout import baseline_key
from monitoring.drift.baseline import (
    BASELINE_FILE,
    Baseline,
    BaselineError,
    read_file,
    read_s3,
    require_baseline,
)
from monitoring.drift.make_baseline import make_baseline
from monitoring.quality.evaluation import Prediction, assess
from tests.unit.samples import BUCKET, CLASSES, baseline

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVALUATION = assess("pedals", "wheels", CLASSES, [Prediction("a", "bicycle", "motorcycle", 0.7, (0.3, 0.7))], 0.02)


def same(one: Baseline, other: Baseline) -> bool:
    arrays = ("measures", "confidence", "labels")
    about = all(getattr(one, name) == getattr(other, name) for name in ("dataset", "endpoint", "classes", "created"))
    return about and all(np.array_equal(getattr(one.sample, n), getattr(other.sample, n)) for n in arrays)


def test_a_baseline_has_the_images_of_both_splits_and_the_scores_of_the_test_images(
    s3: "S3Client", dataset: str, tmp_path: Path
) -> None:
    made = make_baseline(BUCKET, EVALUATION, tmp_path, s3=s3)
    assert (made.dataset, made.endpoint, made.max_side, made.exact) == (dataset, "wheels", 32, True)
    assert (len(made.sample.measures), made.sample.labels, made.sample.confidence.tolist()) == (
        10,
        ("motorcycle",),
        [0.7],
    )
    assert same(read_file(tmp_path / BASELINE_FILE), made)
    found = read_s3(BUCKET, "wheels", s3)
    assert found is not None
    assert same(found, made)


def test_an_image_that_is_none_is_named(s3: "S3Client", dataset: str, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"datasets/{dataset}/train/image_3.png", Body=b"nothing")
    with pytest.raises(BaselineError, match=r"train/image_3\.png is not an image"):
        make_baseline(BUCKET, EVALUATION, tmp_path, s3=s3)
    assert not (tmp_path / BASELINE_FILE).exists()


def test_a_data_set_without_training_images_is_refused(s3: "S3Client", dataset: str, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"datasets/{dataset}/train.lst", Body=b"")
    with pytest.raises(DatasetError, match=r"train\.lst is empty"):
        make_baseline(BUCKET, EVALUATION, tmp_path, s3=s3)


def test_where_there_is_no_baseline_the_bucket_has_none_and_the_file_is_missed(s3: "S3Client", tmp_path: Path) -> None:
    assert read_s3(BUCKET, "wheels", s3) is None
    with pytest.raises(BaselineError, match="workflow baseline"):
        read_file(tmp_path / BASELINE_FILE)


def archive(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 torn",
        baseline().to_bytes()[:2000],
        archive(about=np.array("{}")),
        archive(about=np.array("no JSON"), measures=np.ones(3)),
        archive(about=np.array({"a": "pickle"}, dtype=object)),
    ],
)
def test_what_is_no_baseline_is_refused_and_never_unpickled(content: bytes, s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key=baseline_key("wheels"), Body=content)
    with pytest.raises(BaselineError, match=r"s3://workflow/baselines/wheels\.npz is not a baseline"):
        read_s3(BUCKET, "wheels", s3)


def test_a_baseline_of_other_measures_is_to_be_made_again() -> None:
    content = baseline().to_bytes()
    other = Baseline.from_bytes(content, "here")
    object.__setattr__(other, "measures", ("something",))
    with pytest.raises(BaselineError, match="made by another version"):
        Baseline.from_bytes(other.to_bytes(), "here")


def test_the_baseline_of_the_folder_goes_before_that_of_the_bucket(s3: "S3Client", tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="workflow baseline"):
        require_baseline(tmp_path, BUCKET, "pedals")
    s3.put_object(Bucket=BUCKET, Key=baseline_key("pedals"), Body=baseline(50).to_bytes())
    assert len(require_baseline(tmp_path, BUCKET, "pedals").sample.measures) == 50
    (tmp_path / BASELINE_FILE).write_bytes(baseline(60).to_bytes())
    assert len(require_baseline(tmp_path, BUCKET, "pedals").sample.measures) == 60
