"""Has what the endpoint sees, or says, moved away from the baseline?

Each measure, the confidence and the label mix are compared by themselves, and all features of an image together. A
comparison says drift only if chance is an unlikely reason, with all comparisons taken into account, and if the
distance is large enough to matter: the first rule keeps small windows from false alarms, the second large ones.

The scores stand for the classifier's own features: they are what an endpoint of any algorithm gives, and no model has
to be loaded to watch one. What the pixels alone tell is in the images' descriptions.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from monitoring.drift.baseline import Baseline
from monitoring.drift.measures import MEASURES
from monitoring.drift.result import Verdict
from monitoring.drift.two_sample import Comparison, compare_descriptions, compare_labels, compare_values
from monitoring.drift.window import Sample, Window
from monitoring.metrics import Value, put_metrics

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

Values = npt.NDArray[Any]

FEWEST = 30
# Of windows without drift, this share is called drift: at one window an hour, one in four days.
FALSE_ALARMS = 0.01
SMALLEST_DISTANCE = 0.1
CONFIDENCE = "confidence"
LABELS = "label mix"
FEATURES = "all features"
CHECKS = len(MEASURES) + 3


@dataclass(frozen=True)
class Check:
    """One comparison: of `window_records` with the baseline; `comparison` is None where there were too few.

    `p_value` is adjusted for the number of comparisons (Bonferroni). The centres are medians, None where there is none.
    """

    name: str
    verdict: Verdict
    window_records: int
    p_value: float | None
    comparison: Comparison | None
    reference_centre: float | None = None
    window_centre: float | None = None


@dataclass(frozen=True)
class Drift:
    """A window against its baseline; times are ISO 8601, UTC, and None where the window is empty."""

    verdict: Verdict
    endpoint: str
    dataset: str
    baseline_created: str
    checked: str
    first: str | None
    last: str | None
    records: int
    skipped: int
    undecodable: int
    unlike: int
    checks: list[Check]

    @property
    def drifted(self) -> list[Check]:
        """The checks that say drift, the furthest first."""
        found = [one for one in self.checks if one.verdict is Verdict.DRIFT]
        return sorted(found, key=lambda one: -(one.comparison.distance if one.comparison else 0.0))

    def to_json(self) -> str:
        """The content of `drift.json`."""
        return json.dumps(asdict(self), indent=1, allow_nan=False) + "\n"


def judge(endpoint: str, baseline: Baseline, window: Window, sample: Sample) -> Drift:
    """Compare *sample*, which was taken of a *window* of what *endpoint* captured, with *baseline*."""
    found = compare(baseline.sample, sample)
    return Drift(
        verdict=overall(found),
        endpoint=endpoint,
        dataset=baseline.dataset,
        baseline_created=baseline.created,
        checked=datetime.now(UTC).isoformat(timespec="seconds"),
        first=window.first.isoformat() if window.first else None,
        last=window.last.isoformat() if window.last else None,
        records=window.records,
        skipped=window.skipped,
        undecodable=window.undecodable,
        unlike=window.unlike,
        checks=found,
    )


def compare(reference: Sample, window: Sample) -> list[Check]:
    """Every comparison of two samples, in a fixed order; those with under FEWEST records on a side are TOO_FEW."""
    checks = [
        _check(name, compare_values, reference.measures[:, column], window.measures[:, column])
        for column, name in enumerate(MEASURES)
    ]
    checks += [
        _check(FEATURES, compare_descriptions, reference.descriptions, window.descriptions),
        _check(CONFIDENCE, compare_values, reference.confidence, window.confidence),
        _check(LABELS, compare_labels, np.array(reference.labels), np.array(window.labels)),
    ]
    return checks


def _check(name: str, test: Callable[[Any, Any], Comparison], reference: Values, window: Values) -> Check:
    if min(len(reference), len(window)) < FEWEST:
        return Check(name, Verdict.TOO_FEW, len(window), None, None)
    comparison = test(reference, window)
    p_value = min(1.0, comparison.p_value * CHECKS)
    moved = p_value < FALSE_ALARMS and comparison.distance >= SMALLEST_DISTANCE
    centres = (float(np.median(reference)), float(np.median(window))) if test is compare_values else (None, None)
    return Check(name, Verdict.DRIFT if moved else Verdict.STABLE, len(window), p_value, comparison, *centres)


def overall(checks: Sequence[Check]) -> Verdict:
    """Drift if any comparison says so; too few records if none could be made."""
    verdicts = {check.verdict for check in checks}
    return next(verdict for verdict in Verdict if verdict in verdicts)


def publish_drift(drift: Drift, cloudwatch: "CloudWatchClient | None" = None) -> int:
    """Put the verdict to CloudWatch as metrics, for alarms; how many values were put.

    `DriftRecords` always; with a verdict also `Drift` (1 or 0), and for each comparison `DriftDistance` with the
    dimension `Measure`. A window without a verdict thus leaves an alarm's data missing, not good.
    """
    values: list[Value] = [("DriftRecords", drift.records, {})]
    if drift.verdict is not Verdict.TOO_FEW:
        values.append(("Drift", float(drift.verdict is Verdict.DRIFT), {}))
    values += [
        ("DriftDistance", check.comparison.distance, {"Measure": check.name})
        for check in drift.checks
        if check.comparison is not None
    ]
    return put_metrics(drift.endpoint, values, cloudwatch)
