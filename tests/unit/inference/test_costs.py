import pytest

from inference.costs import CostsError, Measured, measure, paths

PRICES = {
    "states_transition": 0.01,
    "express_request": 0.001,
    "express_gb_second": 0.1,
    "lambda_request": 0.0001,
    "lambda_gb_second": 1.0,
    "s3_get": 0.00001,
    "s3_put": 0.0001,
    "sqs_request": 0.001,
}
MEMORY = {"SerializeFunction": 1024, "ClassifyFunction": 512, "ThresholdFunction": 256}
SECONDS = {"app-SerializeFunction-X1:live": 0.2, "ClassifyFunction:live": 0.1, "ThresholdFunction": 0.04}
MEASURED = Measured(executions=10, transitions=3.4, seconds=0.41, function_seconds=SECONDS, review=0.2)


def test_each_path_is_the_sum_of_its_terms() -> None:
    course, single, batch = paths(MEASURED, PRICES, MEMORY, 20)
    lambda_seconds = 1000 * (0.2 * 1 + 0.1 * 0.5 + 0.04 * 0.25)
    work = {"Lambda requests": 0.3, "Lambda duration": lambda_seconds, "S3 gets": 0.01}
    assert course.terms == pytest.approx({"state transitions": 30.0} | work)
    assert single.terms == pytest.approx({"state transitions": 34.0, "SQS requests": 0.2} | work)
    assert batch.terms == pytest.approx(
        {
            "state transitions": 0.54,
            "Express requests": 1.05,
            "Express duration": 1050 * 0.5 * 0.0625 * 0.1,
            "S3 lists and puts": 0.0004,
            "S3 gets of results": 0.00004,
            "SQS requests": 0.2,
        }
        | work
    )
    assert set(batch.said) == set(batch.terms)


def test_orchestration_is_transitions_and_workflow_requests() -> None:
    course, _, batch = paths(MEASURED, PRICES, MEMORY, 20)
    assert course.orchestration == pytest.approx(30.0)
    assert batch.orchestration == pytest.approx(0.54 + 1.05 + 1050 * 0.5 * 0.0625 * 0.1)


@pytest.mark.parametrize(("size", "children"), [(1, 1000), (20, 50), (40, 25), (999, 2), (1000, 1)])
def test_a_child_is_a_transition_and_a_request(size: int, children: int) -> None:
    batch = paths(MEASURED, PRICES, MEMORY, size)[-1]
    assert batch.terms["state transitions"] == pytest.approx((4 + children) * 0.01)
    assert batch.terms["Express requests"] == pytest.approx((1000 + children) * 0.001)


def test_a_function_that_the_template_does_not_have_is_named() -> None:
    with pytest.raises(CostsError, match="ClassifyFunction:live"):
        paths(MEASURED, PRICES, {"SerializeFunction": 1024}, 20)


def test_without_executions_there_is_nothing_to_measure() -> None:
    with pytest.raises(CostsError, match="workflow run"):
        measure(None, [])  # type: ignore[arg-type]  # it isn't asked
