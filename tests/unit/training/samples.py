"""Records that the tests of training share."""

from typing import Any

from contracts.dataset import DatasetRecord

ROLE = "arn:aws:iam::123456789012:role/sagemaker"


def record(name: str = "pets", train: int = 3, test: int = 1, **changes: Any) -> DatasetRecord:
    """The record of a data set of bicycles and motorcycles, and how many of each there are to train and to test."""
    counts = {split: {"bicycle": count, "motorcycle": count} for split, count in (("train", train), ("test", test))}
    fields: dict[str, Any] = {
        "name": name,
        "classes": ("bicycle", "motorcycle"),
        "max_side": 32,
        "exact": True,
        "counts": counts,
        "source": "drawn",
        "source_sha256": "b" * 64,
        "sha256": "c" * 64,
    }
    return DatasetRecord(**fields | changes)
