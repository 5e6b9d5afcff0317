"""What each check of a verdict compares, where it draws the line, and what becomes of the verdict."""

import dataclasses
import json
import math
from datetime import UTC, datetime

import boto3
import numpy as np
import pytest
from botocore.stub import Stubber

from monitoring.capture.records import SkippedLine
from monitoring.drift import verdict
from monitoring.drift.measures import MEASURES
from monitoring.drift.result import Verdict
from monitoring.drift.two_sample import Comparison, compare_descriptions, compare_labels, compare_values
from monitoring.drift.verdict import FEWEST, Check, Drift, compare, judge
from monitoring.drift.window import Window
from tests.unit.samples import CLASSES, baseline, sample

VALUES = np.arange(float(FEWEST))


def checked(distance: float, p_value: float) -> Check:
    """The check of two samples of which a test says this."""
    return verdict._check("any", lambda *_: Comparison(distance, p_value), VALUES, VALUES)


def test_each_check_compares_its_own_part_of_the_samples() -> None:
    reference, window = sample(100, 1), sample(60, 2, brighter=3, confidence=0.85)
    expected = {
        name: compare_values(reference.measures[:, column], window.measures[:, column])
        for column, name in enumerate(MEASURES)
    }
    expected["all features"] = compare_descriptions(reference.descriptions, window.descriptions)
    expected["confidence"] = compare_values(reference.confidence, window.confidence)
    expected["label mix"] = compare_labels(np.array(reference.labels), np.array(window.labels))
    checks = compare(reference, window)
    assert {check.name: check.comparison for check in checks} == expected
    assert [check.name for check in checks] == list(expected)
    assert {check.window_records for check in checks} == {60}
    for check in checks:
        assert check.p_value == min(1.0, expected[check.name].p_value * len(checks))


def test_values_have_their_medians_and_mixes_and_features_have_none() -> None:
    reference, window = sample(100, 1), sample(60, 2)
    checks = {check.name: check for check in compare(reference, window)}
    for name in ("all features", "label mix"):
        assert (checks[name].reference_centre, checks[name].window_centre) == (None, None)
    confidence = checks["confidence"]
    medians = float(np.median(reference.confidence)), float(np.median(window.confidence))
    assert (confidence.reference_centre, confidence.window_centre) == medians


@pytest.mark.parametrize(
    ("distance", "p_value", "expected"),
    [
        (0.1, 0.0009, Verdict.DRIFT),
        (0.1, 0.001, Verdict.STABLE),
        (math.nextafter(0.1, 0), 0.0, Verdict.STABLE),
        (1.0, 0.0, Verdict.DRIFT),
        (0.0, 1.0, Verdict.STABLE),
    ],
)
def test_drift_is_a_distance_of_a_tenth_that_chance_alone_gives_under_once_in_a_thousand(
    distance: float, p_value: float, expected: Verdict
) -> None:
    # One in a hundred, for ten checks.
    assert checked(distance, p_value).verdict is expected


def test_a_p_value_never_passes_1_and_counts_the_number_of_checks() -> None:
    assert checked(0.5, 0.5).p_value == 1.0
    assert checked(0.5, 0.02).p_value == pytest.approx(0.2)


@pytest.mark.parametrize(("reference", "window"), [(FEWEST - 1, FEWEST), (FEWEST, FEWEST - 1)])
def test_a_side_with_too_few_records_has_no_check(reference: int, window: int) -> None:
    found = verdict._check("any", compare_values, VALUES[:reference], VALUES[:window])
    assert found == Check("any", Verdict.TOO_FEW, window, None, None)


def seen() -> Window:
    window = Window(CLASSES, 32)
    window.records, window.undecodable, window.unlike = 7, 2, 3
    for line in range(4):
        window.add(SkippedLine("a", line, "torn"))
    window.first, window.last = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    return window


def judged() -> Drift:
    return judge("wheels", baseline(), seen(), sample(100, 2, brighter=60))


def test_a_verdict_says_of_what_and_when_it_is() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    found = judged()
    assert (found.verdict, found.endpoint, found.dataset) == (Verdict.DRIFT, "wheels", "pedals")
    assert found.baseline_created == baseline().created
    assert (found.first, found.last) == ("2026-11-23T09:00:00+00:00", "2026-11-23T10:30:00+00:00")
    assert (found.records, found.skipped, found.undecodable, found.unlike) == (7, 4, 2, 3)
    checked = datetime.fromisoformat(found.checked)
    assert before <= checked <= datetime.now(UTC)
    assert (checked.tzinfo, checked.microsecond) == (UTC, 0)


def test_a_verdict_is_written_whole_and_never_with_what_json_has_no_word_for() -> None:
    found = judged()
    text = found.to_json()
    assert text.startswith('{\n "verdict": "drift",\n')
    assert text.endswith("}\n")
    assert json.loads(text) == dataclasses.asdict(found)
    broken = dataclasses.replace(found.checks[0], p_value=math.nan)
    with pytest.raises(ValueError, match="JSON compliant"):
        dataclasses.replace(found, checks=[broken]).to_json()


@pytest.mark.parametrize(("said", "value"), [(Verdict.DRIFT, 1.0), (Verdict.STABLE, 0.0)])
def test_a_verdict_is_published_with_each_distance_by_its_measure(said: Verdict, value: float) -> None:
    few = Check("brightness", Verdict.TOO_FEW, 3, None, None)
    far = Check("contrast", said, 40, 0.5, Comparison(0.25, 0.5))
    drift = dataclasses.replace(judged(), verdict=said, checks=[few, far])
    endpoint = {"Name": "EndpointName", "Value": "wheels"}
    data = [
        {"MetricName": "DriftRecords", "Value": 7, "Unit": "None", "Dimensions": [endpoint]},
        {"MetricName": "Drift", "Value": value, "Unit": "None", "Dimensions": [endpoint]},
        {
            "MetricName": "DriftDistance",
            "Value": 0.25,
            "Unit": "None",
            "Dimensions": [endpoint, {"Name": "Measure", "Value": "contrast"}],
        },
    ]
    cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
    with Stubber(cloudwatch) as stub:
        stub.add_response("put_metric_data", {}, {"Namespace": "ImageClassification", "MetricData": data})
        assert verdict.publish_drift(drift, cloudwatch) == 3
        stub.assert_no_pending_responses()
