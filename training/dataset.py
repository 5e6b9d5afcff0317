"""The record of a staged data set, read from the output folder or from S3."""

from pathlib import Path

import boto3
from botocore.exceptions import ClientError, ParamValidationError

from contracts.addresses import S3Address
from contracts.dataset import RECORD, DatasetError, DatasetRecord, dataset_folder


def require_bucket(bucket: str) -> None:
    """Check that a bucket is there, before work begins whose result it is to take.

    Where that can't be told, as permission is lacking, nothing is said.

    Raises:
        DatasetError: there is no such bucket.
    """
    try:
        boto3.client("s3").head_bucket(Bucket=bucket)
    except ParamValidationError as error:
        raise DatasetError(f"{bucket!r} can't name a bucket") from error
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            raise DatasetError(
                f"there is no bucket {bucket!r}; name one that exists, with --bucket or WORKFLOW_BUCKET"
            ) from error


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
