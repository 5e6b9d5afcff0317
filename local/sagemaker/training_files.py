"""The files of a training container under /opt/ml: configuration, channels, checkpoints, model, reason of a failure.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.addresses import S3Address
from contracts.files import below
from local.errors import LocalError
from local.sagemaker import container, object_store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REASON_CHARACTERS = 1024
CHECKPOINTS = "checkpoints"
OUTPUT_DATA = "output/data"


class ChannelEmpty(LocalError):
    """A channel of a training job has no object in S3."""


class TrainingFiles:
    """The folder `base` of a job, in place of /opt/ml; `record` is the request of CreateTrainingJob."""

    def __init__(self, base: Path, record: dict[str, Any], s3: "S3Client") -> None:
        self.base = base
        self._record = record
        self._s3 = s3
        self._checkpoints: str = record.get("CheckpointConfig", {}).get("S3Uri", "").rstrip("/")

    def prepare(self) -> None:
        """Write the configuration, and download channels and checkpoints; raise ChannelEmpty for one without data."""
        for folder in ("input/config", "model", "output", CHECKPOINTS):
            (self.base / folder).mkdir(parents=True)
        channels = {channel["ChannelName"]: channel for channel in self._record.get("InputDataConfig", [])}
        self._write_configuration(channels)
        for name, channel in channels.items():
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            if not self._download(uri, below(self.base / "input/data", name)):
                raise ChannelEmpty(f"No S3 objects found under S3 URL {uri!r} given in input data source of {name}.")
        if self._checkpoints:
            self._download(f"{self._checkpoints}/", self.base / CHECKPOINTS)

    def upload_checkpoints(self) -> None:
        """Upload what the program has written under checkpoints/, where the request wants it."""
        if not self._checkpoints:
            return
        address = S3Address.parse(self._checkpoints)
        folder = self.base / CHECKPOINTS
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                key = f"{address.key}/{path.relative_to(folder)}"
                self._s3.put_object(Bucket=address.bucket, Key=key, Body=path.read_bytes())

    def upload_model(self) -> str:
        """Upload model/ as an archive, and beside it output/data/ where it has files; return the model's address."""
        data = self.base / OUTPUT_DATA
        if data.is_dir() and any(data.iterdir()):
            self._upload(data, "output.tar.gz")
        return self._upload(self.base / "model", "model.tar.gz")

    def _upload(self, folder: Path, name: str) -> str:
        """Upload a folder as an archive of that name, and return its address."""
        archive = self.base / name
        container.pack(folder, archive)
        output = self._record["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        address = S3Address.parse(f"{output}/{self._record['TrainingJobName']}/output/{name}")
        self._s3.put_object(Bucket=address.bucket, Key=address.key, Body=archive.read_bytes())
        return str(address)

    def failure_reason(self) -> str:
        """Return what the program has written to output/failure."""
        path = self.base / "output/failure"
        return path.read_text(errors="replace")[:REASON_CHARACTERS] if path.is_file() else "no reason was written"

    def _write_configuration(self, channels: dict[str, Any]) -> None:
        configuration = {
            "hyperparameters": self._record.get("HyperParameters", {}),
            "inputdataconfig": {
                name: {
                    "ContentType": channel.get("ContentType"),
                    "TrainingInputMode": "File",
                    "S3DistributionType": "FullyReplicated",
                    "RecordWrapperType": "None",
                }
                for name, channel in channels.items()
            },
            "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
        }
        for name, content in configuration.items():
            (self.base / f"input/config/{name}.json").write_text(json.dumps(content))

    def _download(self, uri: str, folder: Path) -> int:
        """Download the objects under a prefix, and return how many there were.

        Raises UnsafeName where a key can't be that of a file in the folder.
        """
        address = S3Address.parse(uri)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=address.bucket, Prefix=address.key)
        # A key that ends in a slash is what the console makes to show an empty folder.
        keys = [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]
        for key in keys:
            # As on SageMaker, what follows the prefix's last slash is the path inside the channel.
            target = below(folder, key[address.key.rfind("/") + 1 :])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(object_store.read(address.bucket, key))
        return len(keys)
