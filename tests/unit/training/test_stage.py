import hashlib
import logging
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from contracts.dataset import DatasetError, DatasetRecord, parse_lst
from contracts.errors import WorkflowError
from tests.unit.training.cifar_archives import members, python2_split, random_rows, write_archive
from training import stage as stage_module
from training.dataset import read_staged, read_uploaded
from training.datasets.cifar import to_images
from training.datasets.sample import sample_archive
from training.errors import ArchiveError, ImageError, UnknownClassError
from training.stage import stage


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "archive.tar.gz")


def files_below(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def objects_in(bucket: str) -> dict[str, bytes]:
    s3 = boto3.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def from_archive(archive: Path, out: Path, **options: Any) -> DatasetRecord:
    return stage("cifar100", out, archive=archive, verify=False, **options)


def test_images_lists_and_record_agree(archive: Path, tmp_path: Path) -> None:
    dataset = from_archive(archive, tmp_path / "out")

    root = tmp_path / "out" / "datasets" / "cifar100"
    assert dataset == DatasetRecord.from_json((root / "dataset.json").read_bytes())
    assert dataset.classes == ("bicycle", "motorcycle")
    assert dataset.counts == {"train": {"bicycle": 4, "motorcycle": 4}, "test": {"bicycle": 2, "motorcycle": 2}}
    assert dataset.source_sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    content = hashlib.sha256()
    for split, rows in (("train", random_rows(12, 1)), ("test", random_rows(6, 2))):
        lst = (root / f"{split}.lst").read_text()
        content.update(lst.encode())
        samples = parse_lst(lst, 2, "the list")
        kept = to_images(rows[np.arange(len(rows)) % 3 > 0])
        assert [sample.index for sample in samples] == list(range(len(kept)))
        assert [sample.label for sample in samples] == [0, 1] * (len(kept) // 2)
        assert {sample.file for sample in samples} == {path.name for path in (root / split).iterdir()}
        for sample, pixels in zip(samples, kept, strict=True):
            content.update((root / split / sample.file).read_bytes())
            assert np.array_equal(np.asarray(Image.open(root / split / sample.file)), pixels)
    assert dataset.sha256 == content.hexdigest()


def test_the_order_of_the_classes_gives_the_labels(archive: Path, tmp_path: Path) -> None:
    dataset = from_archive(archive, tmp_path / "out", classes=("motorcycle", "apple"), name="other")

    assert dataset.classes == ("motorcycle", "apple")
    lst = (tmp_path / "out" / "datasets" / "other" / "test.lst").read_text()
    assert [sample.label for sample in parse_lst(lst, 2, "the list")] == [1, 0, 1, 0]


def test_staging_again_gives_the_same_data_set_and_leaves_nothing_else(archive: Path, tmp_path: Path) -> None:
    first = from_archive(archive, tmp_path / "out")
    before = files_below(tmp_path / "out")

    assert from_archive(archive, tmp_path / "out") == first
    assert files_below(tmp_path / "out") == before


def test_file_names_from_an_archive_cannot_leave_the_data_set(tmp_path: Path) -> None:
    names = [b"../../../escape.png", b"/etc/passwd", b"a b\tc\n.png", b"same.png", b"same.png", b"x" * 300]
    train = python2_split(random_rows(6, 3), [1, 2, 1, 2, 1, 2], names)

    from_archive(write_archive(tmp_path / "a.tar.gz", members(train=train)), tmp_path / "out")

    root = tmp_path / "out" / "datasets" / "cifar100"
    files = [sample.file for sample in parse_lst((root / "train.lst").read_text(), 2, "the list")]
    assert sorted(path.name for path in (root / "train").iterdir()) == sorted(files)
    assert len(set(files)) == 6
    assert not list(tmp_path.rglob("escape*"))


def test_an_archive_that_is_not_the_official_one_is_refused_unless_told_otherwise(
    archive: Path, tmp_path: Path
) -> None:
    with pytest.raises(ArchiveError, match=r"not the official .*85cd44d0.*--no-verify"):
        stage("cifar100", tmp_path / "out", archive=archive)

    assert not (tmp_path / "out").exists()


def test_a_training_image_that_is_also_a_test_image_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train, test = random_rows(6, 3), random_rows(4, 4)
    train[2] = test[0]
    names = [b"image_%d.png" % number for number in range(6)]
    contents = members(python2_split(train, [1, 2, 1, 2, 1, 2], names), python2_split(test, [1, 2, 1, 2], names[:4]))

    with caplog.at_level(logging.WARNING):
        dataset = from_archive(write_archive(tmp_path / "a.tar.gz", contents), tmp_path / "out")

    assert dataset.counts["train"] == {"bicycle": 2, "motorcycle": 3}
    assert dataset.counts["test"] == {"bicycle": 2, "motorcycle": 2}
    assert "image_2.png" in caplog.text


@pytest.mark.parametrize("broken", ["truncated", "garbage"])
@pytest.mark.drill("Torn files and full disks")
def test_a_broken_archive_changes_nothing_of_what_stood_there(
    archive: Path, tmp_path: Path, bucket: str, broken: str
) -> None:
    from_archive(archive, tmp_path / "out", bucket=bucket)
    files, objects = files_below(tmp_path / "out"), objects_in(bucket)
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-200] if broken == "truncated" else b"garbage")

    with pytest.raises(ArchiveError):
        from_archive(archive, tmp_path / "out", bucket=bucket)

    assert files_below(tmp_path / "out") == files
    assert objects_in(bucket) == objects


@pytest.mark.drill("Interruptions")
def test_an_interruption_while_writing_leaves_the_old_data_set_and_nothing_beside(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_archive(archive, tmp_path / "out")
    before = files_below(tmp_path / "out")
    saved = Path.write_bytes
    written: list[Path] = []

    def write_three(path: Path, data: bytes) -> int:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        return saved(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_three)
    with pytest.raises(KeyboardInterrupt):
        from_archive(archive, tmp_path / "out", classes=("apple", "bicycle"))

    assert len(written) == 3
    assert files_below(tmp_path / "out") == before


def test_s3_holds_what_the_folder_holds(archive: Path, tmp_path: Path, bucket: str) -> None:
    dataset = from_archive(archive, tmp_path / "out", bucket=bucket)

    assert objects_in(bucket) == files_below(tmp_path / "out")
    assert read_uploaded(bucket, "cifar100") == dataset


def test_what_an_earlier_data_set_left_in_s3_is_taken_away(archive: Path, tmp_path: Path, bucket: str) -> None:
    from_archive(archive, tmp_path / "out", bucket=bucket, classes=("apple", "bicycle", "motorcycle"))
    boto3.client("s3").put_object(Bucket=bucket, Key="datasets/cifar100-more/train.lst", Body=b"")

    from_archive(archive, tmp_path / "out", bucket=bucket)

    assert objects_in(bucket) == files_below(tmp_path / "out") | {"datasets/cifar100-more/train.lst": b""}


def fail_at_the_test_list(params: dict[str, Any], **_: object) -> None:
    if params["Key"].endswith("test.lst"):
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "Please slow down"}}, "PutObject")


def test_a_bucket_that_is_not_there_is_one_clear_error(archive: Path, tmp_path: Path, bucket: str) -> None:
    with pytest.raises(DatasetError, match=f"did not reach the bucket 'no-{bucket}'"):
        from_archive(archive, tmp_path / "out", bucket=f"no-{bucket}")


@pytest.mark.drill("Slow and cut connections")
def test_an_upload_that_fails_leaves_no_record_in_s3(
    archive: Path, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_archive(archive, tmp_path / "out", bucket=bucket)
    session = boto3.Session()
    session.events.register("before-parameter-build.s3.PutObject", fail_at_the_test_list)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)

    with pytest.raises(DatasetError, match=r"did not reach .*the-bucket.*SlowDown.*stage it again"):
        from_archive(archive, tmp_path / "out", bucket=bucket)

    monkeypatch.undo()
    assert "datasets/cifar100/dataset.json" not in objects_in(bucket)
    assert read_staged(tmp_path / "out", "cifar100")


def test_the_sample_is_drawn_and_staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"train": 3, "test": 2}
    monkeypatch.setattr(
        stage_module, "sample_archive", lambda cache, classes: sample_archive(cache, classes, counts=few)
    )

    dataset = stage("sample", tmp_path / "out", cache=tmp_path / "cache")

    assert dataset.counts == {split: {"bicycle": count, "motorcycle": count} for split, count in few.items()}


def pets(root: Path) -> Path:
    for number in range(60):
        path = root / "My Pets" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 12, 3), 4 * number, np.uint8)).save(path)
    return root / "My Pets"


def test_a_folder_is_staged_under_a_name_made_of_its_own(tmp_path: Path) -> None:
    dataset = stage(str(pets(tmp_path)), tmp_path / "out", max_side=16)

    assert (dataset.name, dataset.classes, dataset.max_side, dataset.exact) == ("my-pets", ("cat", "dog"), 16, False)
    assert dataset.count("train") + dataset.count("test") == 60


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"source": "nowhere"}, DatasetError, "neither sample, nor cifar100, nor a folder"),
        ({"classes": ("bicycle",)}, DatasetError, "two or more different classes, not bicycle"),
        ({"classes": ("bicycle", "bicycle")}, DatasetError, "two or more different classes"),
        ({"classes": ("bicycle", "unicycle")}, UnknownClassError, "'unicycle'.*bicycle"),
        ({"classes": ("bicycle", "a,b")}, DatasetError, "'a,b' can't name a class"),
        ({"source": "sample"}, DatasetError, "must be cifar100, not 'sample'"),
        ({"max_side": 15}, DatasetError, "16 to 224 pixels, not 15"),
        ({"max_side": 225}, DatasetError, "16 to 224 pixels, not 225"),
        ({"name": "../escape"}, DatasetError, "can't name a data set"),
        ({"archive": Path("missing.tar.gz")}, ArchiveError, "there is no archive at missing"),
    ],
)
def test_a_wrong_request_is_one_clear_error_and_leaves_nothing(
    archive: Path, tmp_path: Path, options: dict[str, Any], error: type[WorkflowError], message: str
) -> None:
    request: dict[str, Any] = {"source": "cifar100", "archive": archive, "verify": False} | options
    if request["source"] == "nowhere":
        request["archive"] = None

    with pytest.raises(error, match=message):
        stage(request.pop("source"), tmp_path / "out", cache=tmp_path / "cache", **request)

    assert not (tmp_path / "out").exists()


def test_a_class_without_test_images_is_refused(tmp_path: Path) -> None:
    root = pets(tmp_path)
    for path in sorted((root / "dog").iterdir())[1:]:
        path.unlink()

    with pytest.raises(DatasetError, match=r"has no test image of dog; add images"):
        stage(str(root), tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_broken_images_of_a_folder_are_left_out_and_strictly_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    root = pets(tmp_path)
    (root / "cat" / "broken.png").write_text("no image")

    with pytest.raises(ImageError, match=r"broken\.png"):
        stage(str(root), tmp_path / "out", strict=True)
    assert not (tmp_path / "out").exists()

    dataset = stage(str(root), tmp_path / "out")
    assert dataset.count("train") + dataset.count("test") == 60
