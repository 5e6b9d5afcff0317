import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inference.ledger import COLUMNS, Ledger
from inference.manifest import Image

A, B, C = (Image("bucket", f"{name}.png") for name in "abc")


def row(image: Image, outcome: str, **more: Any) -> dict[str, Any]:
    return {"item": vars(image), "outcome": outcome, **more}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.sqlite")
    opened.list([A, B, C])
    yield opened
    opened.close()


def test_the_account_holds_when_every_image_has_one_outcome(ledger: Ledger) -> None:
    run = ledger.begin_run(0, "x")
    ledger.record(run, [row(A, "ACCEPTED"), row(B, "REVIEW"), row(C, "REJECTED", error="InvalidImage")])
    account = ledger.account()
    assert account.holds
    assert (account.listed, account.accepted, account.review, account.rejected, account.failed) == (3, 1, 1, 1, 0)
    assert ledger.errors() == {"InvalidImage": 1}
    assert ledger.to_run() == 0


def test_an_image_without_an_outcome_breaks_the_account_and_is_named(ledger: Ledger) -> None:
    ledger.record(ledger.begin_run(0, "x"), [row(A, "ACCEPTED"), row(C, "FAILED", error="EndpointBusy")])
    account = ledger.account()
    assert not account.holds
    assert (account.missing, account.failed) == (1, 1)
    assert ledger.missing(20) == ["s3://bucket/b.png"]
    assert list(ledger.images_to_run()) == [B, C]


def test_a_failed_image_takes_the_outcome_of_the_next_run_and_no_other_does(ledger: Ledger) -> None:
    ledger.record(ledger.begin_run(0, "x"), [row(A, "ACCEPTED"), row(B, "FAILED", error="E"), row(C, "REVIEW")])
    assert ledger.account().holds
    ledger.record(ledger.begin_run(1, "x-1"), [row(B, "REJECTED", error="InvalidImage"), row(C, "ACCEPTED")])
    account = ledger.account()
    assert (account.accepted, account.review, account.rejected, account.failed) == (1, 1, 1, 0)
    assert account.unexpected == 1
    assert not account.holds


def test_a_result_of_an_image_that_was_not_listed_breaks_the_account(ledger: Ledger) -> None:
    rows = [row(image, "ACCEPTED") for image in (A, B, C, Image("bucket", "d.png"), Image("bucket", "a.png", "v1"))]
    ledger.record(ledger.begin_run(0, "x"), rows)
    assert (ledger.account().accepted, ledger.account().unexpected, ledger.account().holds) == (3, 2, False)


def test_results_are_taken_once(ledger: Ledger) -> None:
    run = ledger.begin_run(0, "x")
    ledger.record(run, [row(A, "ACCEPTED")])
    ledger.record(run, [row(B, "ACCEPTED")])
    assert ledger.account().accepted == 1


def test_results_that_break_off_leave_nothing_of_themselves(ledger: Ledger) -> None:
    def torn() -> Iterator[dict[str, Any]]:
        yield row(A, "ACCEPTED")
        raise ConnectionError

    run = ledger.begin_run(0, "x")
    with pytest.raises(ConnectionError):
        ledger.record(run, torn())
    assert ledger.account().missing == 3
    assert ledger.last_run() == run


def test_a_list_that_breaks_off_is_no_list(tmp_path: Path) -> None:
    def torn() -> Iterator[Image]:
        yield A
        raise ConnectionError

    ledger = Ledger(tmp_path / "ledger.sqlite")
    with pytest.raises(ConnectionError):
        ledger.list(torn())
    assert not ledger.is_listed
    ledger.list([A, B, A, A])
    assert (ledger.account().listed, ledger.account().duplicates) == (2, 2)
    ledger.close()


def test_what_is_known_outlives_the_process(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger.sqlite")
    first.list([A])
    first.started(first.begin_run(0, "x"), "arn")
    first.close()
    second = Ledger(tmp_path / "ledger.sqlite")
    run = second.last_run()
    assert second.is_listed
    assert run is not None
    assert (run.execution, run.arn, run.collected) == ("x", "arn", False)
    second.close()


def test_versions_of_a_key_are_images_of_their_own(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.list([Image("b", "k"), Image("b", "k", "v1"), Image("b", "k", "v2")])
    assert ledger.account().listed == 3
    ledger.close()


def test_the_csv_has_a_row_an_image_with_what_is_known_of_it(ledger: Ledger, tmp_path: Path) -> None:
    told = {"s3_version_id": "v", "sha256": "f00", "label": "bicycle", "confidence": 0.97, "inference_id": "i"}
    times = {"started": "2026-11-23T12:00:00.250Z", "stopped": "2026-11-23T12:00:01.500Z"}
    rows = [row(A, "ACCEPTED", **told, **times), row(B, "REJECTED", error="InvalidImage", **times)]
    ledger.record(ledger.begin_run(0, "x"), rows)
    with ledger.write_csv(tmp_path / "ledger.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert list(read[0]) == list(COLUMNS)
    assert [(one["s3_key"], one["outcome"], one["error"]) for one in read] == [
        ("a.png", "ACCEPTED", ""),
        ("b.png", "REJECTED", "InvalidImage"),
        ("c.png", "", ""),
    ]
    assert (read[0]["s3_version_id"], read[0]["confidence"], read[0]["seconds"]) == ("v", "0.97", "1.25")
