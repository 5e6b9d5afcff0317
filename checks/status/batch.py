"""The last batch: when it ran, of how many images, and how it ended."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.status.section import NothingYet, Unreadable
from inference.batch import ACCOUNT_FILE, BATCHES
from monitoring.quality.verdict import Finding, Level

# An execution is named after its batch, and a redrive has a number besides.
BATCH_ID = re.compile(r"(\d{8}-\d{6}-[0-9a-f]{6})(-\d+)?")
LEDGER_COUNTS = ("listed", "accepted", "review", "rejected", "failed")
MAP_RUN_COUNTS = ("total", "succeeded", "failed", "timedOut", "aborted")
LEVELS = {"SUCCEEDED": Level.GOOD, "RUNNING": Level.NOTICE}


@dataclass(frozen=True)
class LastBatch:
    """The newest execution of ClassifyBatch.

    Attributes:
        execution: its name.
        status: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        started: when it was started.
        ended: when it ended; None while it runs.
        counts: images by how they ended, of the ledger in the folder of results, else of its Map Run.
        source: `ledger` or `map run`.
    """

    execution: str
    status: str
    started: datetime
    ended: datetime | None
    counts: Mapping[str, int]
    source: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The batch in a sentence."""
        ended = f", ended at {self.ended:%H:%M}" if self.ended else ""
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items()) or "no image counted"
        text = f"{self.execution}, started at {self.started:%Y-%m-%d %H:%M} UTC{ended}: {self.status}; {counts}"
        level = LEVELS.get(self.status, Level.BAD)
        return (Finding(Level.BAD if self.counts.get("failed") else level, f"{text} ({self.source})."),)


def last_batch(states: Any, state_machine_arn: str, out: Path) -> LastBatch:
    """Read the newest execution, and how its images ended.

    Raises:
        NothingYet: none was started, or Step Functions forgot it, which it does after 90 days.
    """
    found = states.list_executions(stateMachineArn=state_machine_arn, maxResults=1)["executions"]
    if not found:
        raise NothingYet("No batch was started in the last 90 days; `workflow batch` starts one.")
    (newest,) = found
    ledger = _ledger(out, newest["name"])
    counts, source = (ledger, "ledger") if ledger else (_map_run(states, newest["executionArn"]), "map run")
    started, ended = newest["startDate"].astimezone(UTC), newest.get("stopDate")
    ended = ended.astimezone(UTC) if ended else None
    return LastBatch(newest["name"], newest["status"], started, ended, counts, source)


def _ledger(out: Path, execution: str) -> dict[str, int]:
    """Return the counts of the batch's account; none where it was run elsewhere, or is not accounted for yet."""
    named = BATCH_ID.fullmatch(execution)
    path = out / BATCHES / named[1] / ACCOUNT_FILE if named else None
    if path is None or not path.exists():
        return {}
    try:
        account = json.loads(path.read_text())
        return {name: int(account[name]) for name in LEDGER_COUNTS}
    except (ValueError, KeyError, TypeError) as error:
        redriven = path.parent.name
        raise Unreadable(f"{path} holds no account; `workflow batch --redrive {redriven}` writes it anew.") from error


def _map_run(states: Any, execution_arn: str) -> dict[str, int]:
    runs = states.list_map_runs(executionArn=execution_arn)["mapRuns"]
    if not runs:
        return {}
    counts = states.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
    return {name: counts[name] for name in MAP_RUN_COUNTS if counts[name] or name in ("total", "succeeded")}
