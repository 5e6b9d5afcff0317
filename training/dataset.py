"""The record of a staged data set, read from the output folder or from S3."""

from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from contracts.addresses import S3Address
from contracts.dataset import RECORD, DatasetError, DatasetRecord, dataset_folder


def read_staged(out: Path, name: str) -> DatasetRecord:
    """Read the record of the data set `name` below the output folder `out`.

    Raises:
        DatasetError: there is no such data set.
    """
    path = out / dataset_folder(name) / RECORD
    try:
        return DatasetRecord.from_json(path.read_bytes(), str(path))
    except FileNotFoundError as error:
        raise DatasetError(f"there is no data set {name!r} under {out}; stage it first") from error


def read_uploaded(bucket: str, name: str) -> DatasetRecord:
    """Read the record of the data set `name` in `bucket`.

    Raises:
        DatasetError: there is no such data set, or no such bucket.
    """
    address = S3Address(bucket, f"{dataset_folder(name)}/{RECORD}")
    try:
        answer = boto3.client("s3").get_object(Bucket=address.bucket, Key=address.key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket"}:
            raise DatasetError(f"there is no data set {name!r} in the bucket {bucket!r}; stage it first") from error
        raise
    return DatasetRecord.from_json(answer["Body"].read(), str(address))
