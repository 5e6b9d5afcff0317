import pytest

from contracts.addresses import AddressError, S3Address, is_s3_address


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://bucket/key", "bucket", "key"),
        ("s3://bucket/a/b c/größe.png", "bucket", "a/b c/größe.png"),
        ("s3://bucket/a/", "bucket", "a/"),
        ("s3://bucket//a", "bucket", "/a"),
        ("s3://bucket/s3://x", "bucket", "s3://x"),
        ("s3://bucket/", "bucket", ""),
    ],
)
def test_an_address_survives_reading_and_writing(text: str, bucket: str, key: str) -> None:
    assert S3Address.parse(text) == S3Address(bucket, key)
    assert str(S3Address.parse(text)) == text


def test_a_bucket_alone_is_all_of_it() -> None:
    assert S3Address.parse("s3://bucket") == S3Address("bucket") == S3Address("bucket", "")
    assert str(S3Address("bucket")) == "s3://bucket/"


@pytest.mark.parametrize("text", ["", "bucket/key", "s3://", "s3:///key", "s3:/bucket/key", "S3://b/k", "https://b/k"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(AddressError) as refusal:
        S3Address.parse(text)
    assert str(refusal.value) == f"{text!r} is not an address of the form s3://bucket/key."


def test_a_path_on_this_machine_is_not_an_address() -> None:
    assert is_s3_address("s3://bucket/key")
    assert not is_s3_address("photos/s3://bucket")
    assert not is_s3_address("s3/photo.png")
