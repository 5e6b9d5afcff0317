"""The last verdict on drift: of the hourly check, or of `workflow drift`."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from checks.status.section import NothingYet, Unreadable
from monitoring.drift.result import DRIFT_FILE, Verdict
from monitoring.metrics import NAMESPACE
from monitoring.quality.verdict import Finding, Level

DAYS = 7
# CloudWatch keeps values by the minute for 15 days.
MINUTE = 60
LEVELS = {Verdict.DRIFT: Level.BAD, Verdict.STABLE: Level.GOOD, Verdict.TOO_FEW: Level.NOTICE}


@dataclass(frozen=True)
class DriftState:
    """The last verdict: when, on how many records, and whether CloudWatch has it or the file of `workflow drift`."""

    verdict: Verdict
    time: datetime
    records: int
    source: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The verdict in a sentence."""
        text = f"{self.verdict}, at {self.time:%Y-%m-%d %H:%M} UTC, on {self.records:,} records ({self.source})."
        return (Finding(LEVELS[self.verdict], text),)


def last_drift(cloudwatch: Any, endpoint: str, out: Path) -> DriftState:
    """Return the newer of CloudWatch's verdict and that of drift.json.

    Raises:
        NothingYet: there is neither.
    """
    found = [one for one in (_published(cloudwatch, endpoint), _written(out, endpoint)) if one]
    if not found:
        raise NothingYet("Drift was not checked yet; `workflow drift` does it, or DriftCheck=on every hour.")
    return max(found, key=lambda one: one.time)


def _published(cloudwatch: Any, endpoint: str) -> DriftState | None:
    """Return the last verdict of the last days that was put to CloudWatch: DriftRecords alone are too few records."""
    now = datetime.now(UTC)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[_query("records", "DriftRecords", endpoint), _query("drift", "Drift", endpoint)],
        StartTime=now - timedelta(days=DAYS),
        EndTime=now + timedelta(minutes=1),
        ScanBy="TimestampDescending",
    )
    values = {
        one["Id"]: dict(zip(one["Timestamps"], one["Values"], strict=True)) for one in answer["MetricDataResults"]
    }
    if not values["records"]:
        return None
    time = max(values["records"])
    drifted = values["drift"].get(time)
    verdict = Verdict.TOO_FEW if drifted is None else Verdict.DRIFT if drifted else Verdict.STABLE
    return DriftState(verdict, time.astimezone(UTC), round(values["records"][time]), "CloudWatch")


def _written(out: Path, endpoint: str) -> DriftState | None:
    path = out / DRIFT_FILE
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text())
        if record["endpoint"] != endpoint:
            return None
        time = datetime.fromisoformat(record["checked"])
        return DriftState(Verdict(record["verdict"]), time, int(record["records"]), str(path))
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{path} holds no verdict on drift; `workflow drift` writes it anew.") from error


def _query(name: str, metric: str, endpoint: str) -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": endpoint}]
    named = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": named, "Period": MINUTE, "Stat": "Maximum"}}
