"""What has no bill, and what instances can answer."""

import pytest

from inference.costs.measured import CostsError, DeployedFunction, Measured
from inference.costs.setup import processors_of
from inference.costs.typical import read_typical
from inference.costs.use import measured_use, typical_use
from tests.unit.inference.costs.months import USE, month


@pytest.mark.parametrize("images", [0, -1])
def test_no_images_have_no_bill(images: int) -> None:
    with pytest.raises(CostsError, match=f"must be 1 or more, not {images}"):
        month(images)


def test_instances_without_a_price_are_refused_with_those_that_have_one() -> None:
    with pytest.raises(CostsError, match=r"no price of 'ml.u9.huge'; there is one of ml.m5.large, ml.c5.2xlarge"):
        month(1, instance_type="ml.u9.huge")


@pytest.mark.parametrize(
    ("instance", "processors"),
    [("ml.m5.large", 2), ("ml.c5.xlarge", 4), ("ml.g5.2xlarge", 8), ("ml.c5.18xlarge", 72)],
)
def test_an_instance_types_size_tells_its_processors(instance: str, processors: int) -> None:
    assert processors_of(instance) == processors


@pytest.mark.parametrize("instance", ["", "m5.large", "ml.m5", "ml.m5.huge", "ml.m5.largexlarge"])
def test_what_is_no_instance_type_has_no_processors(instance: str) -> None:
    with pytest.raises(CostsError, match="not an instance type"):
        processors_of(instance)


def test_instances_are_busy_for_their_images_processor_time() -> None:
    # Four processors, 0.04 s an image.
    assert month(1).images_a_second == pytest.approx(100)
    assert month(8_640_000).busy == pytest.approx(1)


@pytest.mark.parametrize(("seconds", "traced"), [(86_400.0, 1_000), (1_000.0, 1_000), (500.0, 525), (10.0, 59.5)])
def test_the_first_image_of_each_second_is_traced_and_a_twentieth_of_the_others(seconds: float, traced: float) -> None:
    assert month(1_000, days=1).traces(seconds).quantity == pytest.approx(traced)


def test_executions_replace_what_they_tell_and_leave_the_rest_to_the_benchmark() -> None:
    typical = read_typical()
    measured = Measured(10, 4.0, 0.3, {"arn:a": 0.2, "arn:b": 0.1}, 0.5)
    functions = {"arn:a": DeployedFunction(1024, "arm64"), "arn:b": DeployedFunction(512, "arm64")}
    found, default = measured_use(typical, measured, functions), typical_use(typical)
    assert (found.states, found.seconds, found.review, found.calls) == (4.0, 0.3, 0.5, 2)
    assert found.gigabyte_seconds == pytest.approx({"arm64": 0.25})
    assert (found.model_seconds, found.captured_bytes) == (default.model_seconds, default.captured_bytes)


def test_the_benchmarks_figures_are_whole() -> None:
    typical = read_typical()
    assert set(typical.functions) == set(typical.measured.function_seconds)
    assert set(typical.processor_seconds) == {"serialize", "classify", "threshold", "endpoint", "stack"}
    assert set(typical.log_bytes) == {"serialize", "classify", "threshold", "platform", "express"}
    # An image in base64 and the answer.
    assert typical.captured_bytes > 4 / 3 * typical.request_bytes + typical.answer_bytes
    total = sum(typical.log_bytes.values())
    assert typical_use(typical).log_bytes == pytest.approx(total - typical.log_bytes["express"])
    assert USE.calls == len(typical.functions)
