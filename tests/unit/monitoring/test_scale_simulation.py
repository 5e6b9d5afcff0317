import pytest

from benchmarks.scale import LAMBDAS, OVERHEAD_SECONDS, children_at_once, simulate

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
