import json
from datetime import UTC, datetime

import pytest

from benchmarks.logs import PLATFORM_LINES, bytes_an_image, express_lines, size
from benchmarks.scale import LAMBDAS, OVERHEAD_SECONDS, children_at_once, log_dollars, log_table, simulate
from inference.costs.typical import read_typical
from tests.conftest import ROOT

SECONDS = {"serialize": 0.006, "classify": 0.005, "threshold": 0.002, "endpoint": 0.004}


def test_a_busy_endpoint_bounds_the_time_from_below_and_is_kept_busy() -> None:
    lasted, _ = simulate(100_000, 20, SECONDS, processors=2)
    least = 100_000 * SECONDS["endpoint"] / 2
    assert least <= lasted <= 1.02 * least + OVERHEAD_SECONDS


def test_more_processors_are_never_slower() -> None:
    times = [simulate(20_000, 20, SECONDS, processors)[0] for processors in (1, 2, 4, 8, 16, 32, 64)]
    assert times == sorted(times, reverse=True)


def test_the_account_bounds_the_children_and_one_always_runs() -> None:
    assert children_at_once(20, SECONDS, 10_000) == LAMBDAS // 20
    assert children_at_once(40, SECONDS | {"endpoint": 100.0}, 1) >= 1


@pytest.mark.parametrize("images", [1, 19, 20, 21])
def test_a_batch_smaller_than_a_child_lasts_as_long_as_an_image(images: int) -> None:
    lasted, waited = simulate(images, 20, SECONDS, processors=8)
    assert OVERHEAD_SECONDS / 2 < lasted < 1
    assert 0 < waited < 0.1


def test_the_page_has_the_logs_that_were_measured() -> None:
    measured = read_typical().log_bytes
    assert log_table(measured) in (ROOT / "docs/scale.md").read_text()
    assert set(measured) == {"serialize", "classify", "threshold", "platform", "express"}


def test_logs_are_counted_between_two_looks_and_with_what_lambda_adds_to_each_call() -> None:
    before, after = {"serialize": 100, "classify": 0}, {"serialize": 500, "classify": 200}
    found = bytes_an_image(before, after, images=2)
    assert (found["serialize"], found["classify"]) == (200, 100)
    assert found["platform"] == 3 * sum(size(line) for line in PLATFORM_LINES)


def test_a_gigabyte_of_logs_has_the_price_of_the_table() -> None:
    prices = json.loads((ROOT / "training/sagemaker/prices.json").read_text())
    assert log_dollars({"serialize": 4e8, "express": 6e8}) == pytest.approx(prices["logs_gigabyte"])


def test_what_an_express_execution_logs_leaves_its_data_out() -> None:
    event = {
        "id": 2,
        "previousEventId": 1,
        "type": "TaskStateEntered",
        "timestamp": datetime(2026, 11, 23, tzinfo=UTC),
        "stateEnteredEventDetails": {"name": "Serialize", "input": "secret"},
    }
    (line,) = express_lines([event], "arn")
    assert line["details"] == {"name": "Serialize"}
    assert (line["id"], line["type"], line["event_timestamp"]) == ("2", "TaskStateEntered", "1795392000000")
