"""The objects of the workflow's bucket, with their versions, metadata and tags.

Not kept are lists of who may read an object, locks, and uploads in several parts that haven't been completed.
"""

from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend

from local.stack import BUCKET
from local.state.folder import StateFolder

# What moto keeps of an object beside what its constructor takes.
FIELDS = ("checksum_algorithm", "checksum_value", "checksum_type", "checksum_parts", "website_redirect_location")
ENCRYPTION = ("encryption", "kms_key_id", "bucket_key_enabled")

Saved = dict[str, Any]


class Objects:
    """Mirrors the bucket into a folder; of each version the content is read and written once."""

    def __init__(self, backend: S3Backend, folder: StateFolder) -> None:
        self._backend = backend
        self._folder = folder
        self._contents: WeakKeyDictionary[FakeKey, str] = WeakKeyDictionary()

    def snapshot(self) -> list[Saved]:
        """Return every version and delete marker, those of a key in their order, after their contents are written."""
        keys = self._backend.get_bucket(BUCKET).keys
        versions = [version for name in list(keys) for version in list(keys.getlist(name, []))]
        return [self._saved(version) for version in versions if not _is_being_written(version)]

    def restore(self, saved: list[Saved]) -> None:
        """Put the versions into the bucket, which is empty; nobody is notified."""
        keys = self._backend.get_bucket(BUCKET).keys
        for one in saved:
            keys[one["key"]] = self._deleted(one) if "deleted" in one else self._key(one)

    def _saved(self, version: FakeKey | FakeDeleteMarker) -> Saved:
        modified = version.last_modified.isoformat()
        common = {"key": version.name, "version": version.version_id}
        if isinstance(version, FakeDeleteMarker):
            return common | {"deleted": modified}
        if version not in self._contents:
            self._contents[version] = self._folder.put_object(version.value)
        return common | {
            "content": self._contents[version],
            "modified": modified,
            "versioned": version._is_versioned,
            "etag": version._etag,
            "storage": version.storage_class,
            "metadata": dict(version.metadata),
            "tags": self._backend.tagger.get_tag_dict_for_resource(version.arn),
            **{field: getattr(version, field) for field in (*FIELDS, *ENCRYPTION)},
        }

    def _key(self, saved: Saved) -> FakeKey:
        content = self._folder.object(saved["content"])
        key = FakeKey(
            saved["key"],
            content,
            self._backend.account_id,
            self._backend.region_name,
            saved["storage"],
            saved["etag"],
            saved["versioned"],
            saved["version"],
            bucket_name=BUCKET,
            **{field: saved[field] for field in ENCRYPTION},
        )
        key.last_modified = datetime.fromisoformat(saved["modified"])
        key.set_metadata(saved["metadata"], replace=False)
        for field in FIELDS:
            setattr(key, field, saved[field])
        if saved["tags"]:
            tags = [{"Key": name, "Value": value} for name, value in saved["tags"].items()]
            self._backend.tagger.tag_resource(key.arn, tags)
        self._contents[key] = saved["content"]
        return key

    def _deleted(self, saved: Saved) -> FakeDeleteMarker:
        gone = FakeKey(saved["key"], b"", self._backend.account_id, self._backend.region_name, bucket_name=BUCKET)
        marker = FakeDeleteMarker(gone)
        marker.last_modified, marker._version_id = datetime.fromisoformat(saved["deleted"]), saved["version"]
        return marker


def _is_being_written(version: FakeKey | FakeDeleteMarker) -> bool:
    """Whether the request that writes an object has no answer yet: the last thing that it does is to set the ETag.

    To read such an object would also disturb moto, which reads it then without its lock.
    """
    return isinstance(version, FakeKey) and version._etag is None
