import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from inference.manifest import Image, SourceError, in_manifest, under_prefix, upload, write_manifest
from tests.unit.samples import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ODD_KEYS = [
    "a b.png",
    "1+1=2.png",
    "50%25.png",
    'quo"te, comma.png',
    "写真\u2028.png",
    "line\nbreak.png",
    "é\u0301.png",
]


def put(s3: "S3Client", key: str, body: str | bytes = b"x") -> str:
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def two_at_a_time(params: dict[str, Any], **_: Any) -> Any:
    return {**params, "MaxKeys": 2}


def test_a_prefix_is_listed_past_a_page_with_empty_objects_and_folder_markers(s3: "S3Client") -> None:
    keys = ["in/", "in/empty.png", *(f"in/{number:04d}.png" for number in range(5))]
    for key in keys:
        put(s3, key, b"")
    # S3 answers 1,000 keys at most; smaller pages are as good and need fewer objects.
    s3.meta.events.register("provide-client-params.s3.ListObjectsV2", two_at_a_time)
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="in/")["IsTruncated"]
    put(s3, "other/image.png")
    assert [image.s3_key for image in under_prefix(s3, BUCKET, "in/")] == sorted(keys)


def test_an_empty_prefix_gives_nothing(s3: "S3Client") -> None:
    assert list(under_prefix(s3, BUCKET, "nothing/")) == []


def test_a_missing_bucket_is_named(s3: "S3Client") -> None:
    with pytest.raises(SourceError, match=r"s3://no-such-bucket/in/ can't be listed: .*NoSuchBucket"):
        list(under_prefix(s3, "no-such-bucket", "in/"))


@pytest.mark.parametrize("key", ["m.csv", "m.json"])
def test_a_manifest_keeps_every_letter_of_a_key_and_every_repetition(s3: "S3Client", tmp_path: Path, key: str) -> None:
    images = [Image("b", name, "v1" if number % 2 else "") for number, name in enumerate([*ODD_KEYS, ODD_KEYS[0]])]
    rows = [vars(image) for image in images]
    body = json.dumps(rows) if key == "m.json" else write_manifest(images, tmp_path / "m.csv").read_bytes()
    assert list(in_manifest(s3, put(s3, key, body))) == images


def test_a_manifest_may_have_other_columns_no_versions_and_a_byte_order_mark(s3: "S3Client") -> None:
    uri = put(s3, "m.csv", "\ufeffowner,s3_key,s3_bucket\r\nme,a.png,b\r\n".encode())
    assert list(in_manifest(s3, uri)) == [Image("b", "a.png")]


@pytest.mark.parametrize(
    ("key", "body", "said"),
    [
        ("m.csv", "s3_bucket,s3_key\nb,a.png\nb,\n,c.png\nb,d.png,x,y\n", "has 3 rows without .*row 2.*row 3.*row 4"),
        ("m.csv", "bucket,key\nb,a.png\n", "first row must name the columns s3_bucket and s3_key"),
        ("m.csv", "", "first row must name the columns"),
        ("m.csv", 's3_bucket,s3_key\nb,"a.png', "can't be read"),
        ("m.csv", b"s3_bucket,s3_key\nb,\xff.png\n", "can't be read"),
        ("m.json", '[{"s3_bucket": "b", "s3_key": 7}, "a.png", null]', "has 3 rows without"),
        ("m.json", '{"s3_bucket": "b"}', "isn't a JSON array"),
        ("m.json", "[", "can't be read"),
    ],
)
def test_bad_rows_of_a_manifest_are_told_and_none_is_left_out(
    s3: "S3Client", key: str, body: str | bytes, said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        list(in_manifest(s3, put(s3, key, body)))


def test_a_json_manifest_that_would_fill_the_memory_is_refused(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.manifest.JSON_BYTES", 10)
    with pytest.raises(SourceError, match="as CSV, which may have any size"):
        list(in_manifest(s3, put(s3, "m.json", "[" + " " * 9 + "]")))


@pytest.mark.parametrize("uri", ["m.csv", "s3://bucket", "s3://", "https://host/m.csv"])
def test_what_is_no_address_of_an_object_is_refused(s3: "S3Client", uri: str) -> None:
    with pytest.raises(SourceError, match="s3://bucket/key"):
        list(in_manifest(s3, uri))


def test_a_missing_manifest_is_named(s3: "S3Client") -> None:
    with pytest.raises(SourceError, match=rf"s3://{BUCKET}/none.csv can't be read"):
        list(in_manifest(s3, f"s3://{BUCKET}/none.csv"))


def test_a_folder_is_uploaded_by_its_paths(s3: "S3Client", tmp_path: Path) -> None:
    (tmp_path / "a" / "b c").mkdir(parents=True)
    (tmp_path / "a" / "b c" / "é.png").write_bytes(b"1")
    (tmp_path / "top.png").write_bytes(b"2")
    upload(s3, tmp_path, BUCKET, "up/")
    assert [image.s3_key for image in under_prefix(s3, BUCKET, "up/")] == ["up/a/b c/é.png", "up/top.png"]


def test_a_folder_without_files_is_refused(s3: "S3Client", tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="has no files"):
        upload(s3, tmp_path, BUCKET, "up/")


def test_the_written_manifest_is_what_the_state_machine_reads(tmp_path: Path) -> None:
    path = write_manifest([Image("b", key) for key in ODD_KEYS], tmp_path / "m.csv")
    with path.open(newline="", encoding="utf-8") as file:
        assert [row["s3_key"] for row in csv.DictReader(file)] == ODD_KEYS
