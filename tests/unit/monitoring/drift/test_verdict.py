import json
from dataclasses import replace

import boto3
import numpy as np
import pytest

from monitoring.capture.records import parse_file
from monitoring.drift.result import Verdict
from monitoring.drift.verdict import (
    CHECKS,
    FEWEST,
    LABELS,
    Drift,
    compare,
    judge,
    overall,
    publish_drift,
)
from monitoring.drift.window import Sample, Window
from monitoring.metrics import NAMESPACE
from tests.unit.samples import CLASSES, baseline, captured, lines, sample


def window(count: int) -> Window:
    seen = Window(CLASSES, 32)
    for number in range(count):
        for record in parse_file("a", lines(captured(f"e{number}"))):
            seen.add(record)
    return seen


def judged(found: Sample) -> Drift:
    return judge("pedals", baseline(), window(3), found)


@pytest.mark.parametrize(
    ("count", "verdict"), [(0, Verdict.TOO_FEW), (FEWEST - 1, Verdict.TOO_FEW), (FEWEST, Verdict.STABLE)]
)
def test_there_is_no_verdict_under_thirty_records(count: int, verdict: Verdict) -> None:
    checks = compare(sample(200, 1), sample(count, 2))
    assert len(checks) == CHECKS
    assert {check.verdict for check in checks} == {verdict}
    assert all((check.comparison is None) == (verdict is Verdict.TOO_FEW) for check in checks)


def test_images_alone_have_a_verdict_where_the_scores_have_none() -> None:
    found = replace(sample(100, 2, brighter=60), confidence=np.array([]), labels=())
    checks = {check.name: check.verdict for check in compare(sample(200, 1), found)}
    assert (checks["brightness"], checks["confidence"], checks[LABELS]) == ("drift", "too few records", checks[LABELS])
    assert overall(compare(sample(200, 1), found)) is Verdict.DRIFT


def test_brighter_images_and_surer_answers_are_drift_and_named_the_furthest_first() -> None:
    found = judged(sample(150, 3, brighter=15, confidence=0.6))
    assert found.verdict is Verdict.DRIFT
    assert found.drifted[0].name == "confidence"
    assert "brightness" in [check.name for check in found.drifted]
    assert "contrast" not in [check.name for check in found.drifted]


def test_one_label_alone_is_drift() -> None:
    found = replace(sample(100, 3), labels=("bicycle",) * 100)
    assert [check.name for check in judged(found).drifted] == [LABELS]


def test_undrifted_windows_are_seldom_called_drift() -> None:
    pool = sample(1200, 5)

    def part(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Sample:
        labels = tuple(pool.labels[row] for row in rows)
        return Sample(pool.measures[rows], pool.descriptions[rows], pool.confidence[rows], labels)

    called = 0
    for seed in range(100):
        order = np.random.default_rng(seed).permutation(1200)
        called += overall(compare(part(order[:600]), part(order[600:]))) is Verdict.DRIFT
    assert called <= 5


def test_a_change_too_small_to_matter_is_no_drift_however_many_records_there_are() -> None:
    [large] = [check for check in compare(many(20_000, 0.0), many(20_000, 0.08)) if check.name == "confidence"]
    assert large.p_value is not None
    assert large.p_value < 0.001
    assert large.verdict is Verdict.STABLE


def many(count: int, shift: float) -> Sample:
    few = sample(40, 1)
    scores = np.random.default_rng(round(shift * 100)).normal(shift, 1, count)
    return Sample(few.measures, few.descriptions, scores, few.labels)


def test_the_verdict_is_written_as_json_and_an_empty_window_has_no_times() -> None:
    empty = judge("pedals", baseline(), Window(CLASSES, 32), Window(CLASSES, 32).sample())
    row = json.loads(empty.to_json())
    assert (row["verdict"], row["records"], row["first"], row["last"]) == ("too few records", 0, None, None)
    full = json.loads(judged(sample(100, 2)).to_json())
    assert (full["verdict"], full["records"], full["first"]) == ("stable", 3, "2026-11-23T09:00:00+00:00")
    assert len(full["checks"]) == CHECKS


@pytest.mark.usefixtures("aws")
def test_a_verdict_is_published_for_alarms_and_none_leaves_their_data_missing() -> None:
    cloudwatch = boto3.client("cloudwatch")
    few = replace(judged(sample(3, 2)), endpoint="quiet")
    assert publish_drift(few) == 1
    assert publish_drift(judged(sample(100, 2, brighter=60))) == 2 + CHECKS
    metrics = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
    by_endpoint = {
        endpoint: {m["MetricName"] for m in metrics if {"Name": "EndpointName", "Value": endpoint} in m["Dimensions"]}
        for endpoint in ("quiet", "pedals")
    }
    assert by_endpoint == {"quiet": {"DriftRecords"}, "pedals": {"DriftRecords", "Drift", "DriftDistance"}}
    cloudwatch.close()
