"""The ledger of a batch: one row per image, from its listing to its outcome, in a SQLite file of any size."""

import csv
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.addresses import S3Address
from contracts.files import written_whole
from contracts.outcomes import Outcome
from inference.errors import InferenceError
from inference.manifest import Image

LEDGER_FILE = "ledger.csv"
# The columns of ledger.csv; `seconds` is what the execution took, `error` the name of what went wrong.
COLUMNS = (
    "s3_bucket",
    "s3_key",
    "s3_version_id",
    "sha256",
    "outcome",
    "label",
    "confidence",
    "release",
    "review_reason",
    "error",
    "seconds",
    "inference_id",
)
SCHEMA = """
CREATE TABLE IF NOT EXISTS image (
    s3_bucket TEXT, s3_key TEXT, asked_version TEXT,
    s3_version_id TEXT, sha256 TEXT, outcome TEXT, label TEXT, confidence REAL, error TEXT, seconds REAL,
    inference_id TEXT, release TEXT, review_reason TEXT,
    PRIMARY KEY (s3_bucket, s3_key, asked_version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run (number INTEGER PRIMARY KEY, execution TEXT, arn TEXT, collected INTEGER DEFAULT 0);
"""
# Columns that an earlier version's file lacks.
ADDED = {"release", "review_reason"}
ADD = "INSERT OR IGNORE INTO image (s3_bucket, s3_key, asked_version) VALUES (?, ?, ?)"
# Only what has no outcome, or failed, takes one: an image is never accounted twice.
OPEN = f"(outcome IS NULL OR outcome = '{Outcome.FAILED}')"
RECORD = f"""
UPDATE image SET s3_version_id = ?, sha256 = ?, outcome = ?, label = ?, confidence = ?, error = ?, seconds = ?,
    inference_id = ?, release = ?, review_reason = ?
WHERE s3_bucket = ? AND s3_key = ? AND asked_version = ? AND {OPEN}
"""  # noqa: S608 - our own text
TO_RUN = f"FROM image WHERE {OPEN}"


class LedgerError(InferenceError):
    """The ledger can't be read or written."""


@dataclass(frozen=True)
class Account:
    """What became of the images of a batch, in numbers; `missing` have no outcome.

    `duplicates` are rows of the source that named an image again, `unexpected` results of images that weren't listed or
    had been accounted for before.
    """

    listed: int
    accepted: int
    review: int
    rejected: int
    failed: int
    missing: int
    duplicates: int
    unexpected: int

    @property
    def holds(self) -> bool:
        """Whether every image that was listed has exactly one outcome."""
        return self.listed == self.accepted + self.review + self.rejected + self.failed and not self.unexpected


@dataclass(frozen=True)
class Run:
    """One execution of the state machine for the batch: its name, and its ARN once it was started."""

    number: int
    execution: str
    arn: str | None
    collected: bool


class _Database(sqlite3.Connection):
    """Raises LedgerError where the file, or the disk that it is on, can't be used."""

    def __init__(self, path: Path, *options: Any, **named: Any) -> None:
        super().__init__(path, *options, **named)
        self._path = path

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        """Run one statement."""
        with self._explained():
            return super().execute(*statement)

    def execute_all(self, statements: str) -> None:
        """Run several statements."""
        with self._explained():
            super().executescript(statements)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LedgerError(
                f"{self._path} can't be written: {error}. It keeps what it had; free some space if the disk is full, "
                "then run the same command again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{self._path} is damaged: {error}. Restore it, or start the batch anew.") from error


class Ledger:
    """A batch's images and runs. Every method that writes does so whole or not at all."""

    def __init__(self, path: Path) -> None:
        """Open the file; it is made where it isn't there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, factory=_Database)
        self._database.execute_all(SCHEMA)
        # A batch that an earlier version began goes on in its own file.
        known = {column[1] for column in self._database.execute("PRAGMA table_info(image)")}
        for name in ADDED - known:
            self._database.execute(f"ALTER TABLE image ADD COLUMN {name} TEXT")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def is_listed(self) -> bool:
        """Whether the images of the batch are known."""
        return self._fact("listed") is not None

    def list(self, images: Iterable[Image]) -> None:
        """Take the images of the batch; one that is named again is counted."""
        with self._transaction():
            duplicates = 0
            for image in images:
                row = (image.s3_bucket, image.s3_key, image.s3_version_id)
                duplicates += not self._database.execute(ADD, row).rowcount
            self._state("duplicates", duplicates)
            self._state("listed", self._count("SELECT count(*) FROM image"))

    def images_to_run(self) -> Iterator[Image]:
        """Every image without an outcome, or that failed."""
        rows = self._database.execute(f"SELECT s3_bucket, s3_key, asked_version {TO_RUN}")
        return (Image(*row) for row in rows)

    def to_run(self) -> int:
        """Return how many images have no outcome or failed."""
        return self._count(f"SELECT count(*) {TO_RUN}")

    def last_run(self) -> Run | None:
        """Return the run that was begun last."""
        rows = self._database.execute("SELECT number, execution, arn, collected FROM run ORDER BY number DESC LIMIT 1")
        row = rows.fetchone()
        return Run(row[0], row[1], row[2], bool(row[3])) if row else None

    def begin_run(self, number: int, execution: str) -> Run:
        """Note a run before it is started, so that whoever comes after a crash starts the same one."""
        self._database.execute("INSERT INTO run (number, execution) VALUES (?, ?)", (number, execution))
        return Run(number, execution, None, False)

    def started(self, run: Run, arn: str) -> None:
        """Note the run's execution."""
        self._database.execute("UPDATE run SET arn = ? WHERE number = ?", (arn, run.number))

    def runs(self) -> Sequence[str]:
        """Return the ARNs of the executions that were started."""
        rows = self._database.execute("SELECT arn FROM run WHERE arn IS NOT NULL ORDER BY number")
        return [row[0] for row in rows]

    def record(self, run: Run, rows: Iterable[dict[str, Any]]) -> None:
        """Take the results of a run, once; each names its `item` and how it ended."""
        with self._transaction():
            if self._count("SELECT collected FROM run WHERE number = ?", run.number):
                return
            unexpected = sum(not self._database.execute(RECORD, _values(row)).rowcount for row in rows)
            self._state("unexpected", (self._fact("unexpected") or 0) + unexpected)
            self._database.execute("UPDATE run SET collected = 1 WHERE number = ?", (run.number,))

    def account(self) -> Account:
        """Count the images by how they ended."""
        counts = dict(self._database.execute("SELECT outcome, count(*) FROM image GROUP BY outcome"))
        return Account(
            listed=self._fact("listed") or 0,
            missing=counts.get(None, 0),
            duplicates=self._fact("duplicates") or 0,
            unexpected=self._fact("unexpected") or 0,
            **{outcome.lower(): counts.get(outcome, 0) for outcome in Outcome},
        )

    def errors(self) -> dict[str, int]:
        """Count the images by the error that they ended with, the most frequent first."""
        query = "SELECT error, count(*) AS n FROM image WHERE error IS NOT NULL GROUP BY error ORDER BY n DESC, error"
        return dict(self._database.execute(query))

    def missing(self, most: int) -> Sequence[str]:
        """Return the keys of at most `most` images without an outcome."""
        query = "SELECT s3_bucket, s3_key FROM image WHERE outcome IS NULL ORDER BY s3_bucket, s3_key LIMIT ?"
        return [str(S3Address(bucket, key)) for bucket, key in self._database.execute(query, (most,))]

    def write_csv(self, path: Path) -> Path:
        """Write the rows, ordered by bucket, key and version."""
        columns = ", ".join("coalesce(s3_version_id, asked_version)" if c == "s3_version_id" else c for c in COLUMNS)
        with written_whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(self._database.execute(f"SELECT {columns} FROM image"))  # noqa: S608 - our own text
        return path

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            # On a full disk SQLite has rolled back by itself.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def _fact(self, name: str) -> int | None:
        row = self._database.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else None

    def _state(self, name: str, value: int) -> None:
        self._database.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def _count(self, query: str, *values: object) -> int:
        return int(self._database.execute(query, values).fetchone()[0])


def _values(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return the parameters of RECORD for a row of the results."""
    item = row["item"]
    return (
        row.get("s3_version_id"),
        row.get("sha256"),
        row["outcome"],
        row.get("label"),
        row.get("confidence"),
        row.get("error"),
        _seconds(row.get("started"), row.get("stopped")),
        row.get("inference_id"),
        row.get("release"),
        row.get("review_reason"),
        item["s3_bucket"],
        item["s3_key"],
        item.get("s3_version_id", ""),
    )


def _seconds(started: str | None, stopped: str | None) -> float | None:
    if started is None or stopped is None:
        return None
    return round((datetime.fromisoformat(stopped) - datetime.fromisoformat(started)).total_seconds(), 3)
