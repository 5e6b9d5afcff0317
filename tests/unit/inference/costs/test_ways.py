"""Every term of every way against a quantity computed by hand: 10 days of 1,010 images."""

import pytest

from inference.costs.bill import Bill
from inference.costs.ways import batch, bills, cheapest, course_project, instance, serverless
from tests.unit.inference.costs.months import PRICES, month

IMAGES = 10_100
WORK = {
    "endpoint, data": 0.505,
    "Lambda requests": 30_300,
    "Lambda duration, x86_64": 2_525,
    "Lambda duration, arm64": 1_262.5,
    "S3 gets of images": IMAGES,
}
MONITORED = {
    "SQS requests": 6_060,
    "S3 storage of captured data": 1_010 * 90 * 100_000 / 1e9,
    "custom metrics": 9,
    "alarms": 19,
    "dashboard": 1,
}
SINGLE = (
    WORK
    | MONITORED
    | {
        "state transitions": 45_450,
        "logs": 0.0404,
        "log storage, at most": 0.1212,
        "X-Ray traces": IMAGES,
    }
)


def quantities(bill: Bill) -> dict[str, float]:
    assert len(bill.by_name) == len(bill.terms), "two terms have one name"
    return {term.name: term.quantity for term in bill.terms}


def test_an_endpoint_on_instances_is_there_all_day() -> None:
    assert quantities(instance(month(1_010))) == pytest.approx(SINGLE | {"endpoint": 10 * 24 * 2})


def test_a_serverless_endpoint_is_paid_by_its_work_and_each_captured_record_is_a_put() -> None:
    # 0.02 s of 2 GB an image.
    expected = SINGLE | {"endpoint": 404, "S3 puts of captured data": IMAGES, "alarms": 20, "custom metrics": 10}
    assert quantities(serverless(month(1_010))) == pytest.approx(expected)


def test_a_batch_a_day_pays_the_endpoint_only_while_it_is_there() -> None:
    # Two instances of two processors answer 100 images a second; 10 minutes more to deploy and delete.
    hours = 10 / 60 + 1_010 / 100 / 3600
    # 51 children; the 410 ms of an execution are billed as 500.
    executions = IMAGES + 510
    traced = 10 * 10.1 * (1 + 0.05 * 99)
    expected = (
        WORK
        | MONITORED
        | {
            "endpoint": hours * 10 * 2,
            "schedules": 10,
            "state transitions": 40 + 510,
            "Express requests": executions,
            "Express duration": executions * 0.5 / 16,
            "S3 lists and puts": (2 + 3) * 10,
            "S3 gets of results": 40,
            "logs": 0.0909,
            "log storage, at most": 0.2727,
            "X-Ray traces": traced,
        }
    )
    assert quantities(batch(month(1_010))) == pytest.approx(expected)


def test_the_course_project_has_an_endpoint_functions_and_executions_of_three_states_alone() -> None:
    expected = WORK | {"endpoint": 480, "state transitions": 30_300}
    assert quantities(course_project(month(1_010))) == pytest.approx(expected)


def test_a_term_has_the_price_of_the_table() -> None:
    compared = bills(month(1_010))
    single, own = compared[1].by_name, compared[2].by_name
    assert single["endpoint"].price == PRICES["serverless_gb_second"]
    assert single["endpoint"].cost == pytest.approx(4.04)
    assert own["endpoint"].price == PRICES["instance_hour"]["ml.m5.large"]
    named = {
        "endpoint, data": "endpoint_gigabyte",
        "Lambda requests": "lambda_request",
        "S3 gets of images": "s3_get",
        "SQS requests": "sqs_request",
        "S3 storage of captured data": "s3_gigabyte_month",
        "custom metrics": "custom_metric_month",
        "alarms": "alarm_metric_month",
        "dashboard": "dashboard_month",
        "state transitions": "states_transition",
        "Express requests": "express_request",
        "Express duration": "express_gb_second",
        "S3 lists and puts": "s3_put",
        "S3 gets of results": "s3_get",
        "logs": "logs_gigabyte",
        "log storage, at most": "logs_gigabyte_month",
        "X-Ray traces": "trace",
        "schedules": "schedule_invocation",
    }
    assert {name: own[name].price for name in named} == {name: PRICES[price] for name, price in named.items()}
    assert single["S3 puts of captured data"].price == PRICES["s3_put"]
    for architecture, price in PRICES["lambda_gb_second"].items():
        assert own[f"Lambda duration, {architecture}"].price == price


@pytest.mark.parametrize("images_a_day", [1, 999, 1_000, 1_001, 10**7])
def test_a_total_is_the_sum_of_its_terms_as_the_record_has_them(images_a_day: int) -> None:
    for bill in bills(month(images_a_day)):
        record = bill.to_record()
        assert record["total"] == pytest.approx(sum(one["quantity"] * one["price"] for one in record["terms"]))
        assert all(one["cost"] == pytest.approx(one["quantity"] * one["price"]) for one in record["terms"])


def test_the_cheapest_has_the_lowest_total() -> None:
    compared = bills(month(1))
    assert cheapest(compared).total == min(bill.total for bill in compared)


@pytest.mark.parametrize(("size", "children"), [(1, 1010), (20, 51), (40, 26), (1009, 2), (1010, 1)])
def test_a_child_is_a_transition_and_a_request(size: int, children: int) -> None:
    terms = batch(month(1_010, days=1, batch_size=size)).by_name
    assert terms["state transitions"].quantity == 4 + children
    assert terms["Express requests"].quantity == 1_010 + children


def test_orchestration_is_transitions_and_express_requests() -> None:
    found = batch(month(1_010))
    names = ("state transitions", "Express requests", "Express duration")
    assert found.orchestration == pytest.approx(sum(found.by_name[name].cost for name in names))
    assert course_project(month(1_010)).orchestration == pytest.approx(30.3)
