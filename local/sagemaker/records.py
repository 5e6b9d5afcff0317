"""The resources of SageMaker: records of several kinds by name, and their tags."""

import copy
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from local.sagemaker.errors import SageMakerError
from local.template import ACCOUNT_ID

Record = dict[str, Any]
# Where a model's record holds the container that endpoints start, which a model package may have defined.
SERVED = "ServedContainer"
# Answers a request of the API.
Operation = Callable[[Record], Record]


class Records:
    """The resources of SageMaker in a Region; a resource is named by its kind, as in its ARN, and its name."""

    def __init__(self, region: str, kinds: Iterable[str]) -> None:
        self._region = region
        self._records: dict[str, dict[str, Record]] = {kind: {} for kind in kinds}
        self._tags: dict[str, dict[str, str]] = {}

    def snapshot(self) -> Record:
        """Return all records and tags, as `restore` takes them."""
        return copy.deepcopy({"records": self._records, "tags": self._tags})

    def restore(self, saved: Record) -> None:
        """Have the records and tags of a snapshot, in place of any others."""
        self._records = {kind: saved["records"].get(kind, {}) for kind in self._records}
        self._tags = saved["tags"]

    def create(self, kind: str, name: str, request: Record) -> Record:
        """Keep a request as a record; raise SageMakerError where the name is taken."""
        arn = self.arn(kind, name)
        if name in self._records[kind]:
            code = "ResourceInUse" if kind == "training-job" else "ValidationException"
            raise SageMakerError(code, f'Cannot create already existing {kind} "{arn}".')
        now = datetime.now(UTC).timestamp()
        record = {key: value for key, value in request.items() if key != "Tags"}
        self._records[kind][name] = record | {"CreationTime": now, "LastModifiedTime": now, "Arn": arn}
        self.tag(arn, request.get("Tags", []))
        return self._records[kind][name]

    def find(self, kind: str, name: str) -> Record:
        """Return a record; raise SageMakerError where there is none."""
        record = self.get(kind, name)
        if record is None:
            arn = self.arn(kind, name)
            raise SageMakerError("ValidationException", f'Could not find {kind.replace("-", " ")} "{arn}".')
        return record

    def get(self, kind: str, name: str) -> Record | None:
        """Return a record, None where there is none."""
        return self._records[kind].get(name)

    def all(self, kind: str) -> Iterable[Record]:
        """Return the records of a kind."""
        return self._records[kind].values()

    def delete(self, kind: str, name: str) -> Record:
        """Delete a record and its tags, and return the empty answer; raise SageMakerError where there is none."""
        self._tags.pop(self.find(kind, name)["Arn"], None)
        del self._records[kind][name]
        return {}

    def list(self, kind: str, key: str, request: Record, summary: Callable[[Record], Record]) -> Record:
        """Return the answer to a List operation: under `key` the summaries of the records, the newest first."""
        wanted = request.get("NameContains", "")
        records = [record for name, record in self._records[kind].items() if wanted in name]
        records.sort(key=lambda record: record["CreationTime"], reverse=request.get("SortOrder") != "Ascending")
        return {key: [summary(record) for record in records]}

    def touch(self, record: Record) -> None:
        """Note that a record was changed now."""
        record["LastModifiedTime"] = datetime.now(UTC).timestamp()

    def tag(self, arn: str, tags: Iterable[Record]) -> None:
        """Add tags to a resource."""
        self._tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in tags})

    def tags(self, arn: str) -> Iterable[Record]:
        """Return the tags of a resource."""
        return [{"Key": key, "Value": value} for key, value in self._tags.get(arn, {}).items()]

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN that a resource of a kind and a name has."""
        return f"arn:aws:sagemaker:{self._region}:{ACCOUNT_ID}:{kind}/{name}"


def summary(record: Record, kind: str, *fields: str) -> Record:
    """Return what a List operation shows of a record: name, time, ARN and the fields given."""
    names = (f"{kind}Name", "CreationTime", *fields)
    return {name: record[name] for name in names} | {f"{kind}Arn": record["Arn"]}
