import csv
import locale
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inference.ledger import COLUMNS, SCHEMA, Ledger, LedgerError
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


@pytest.mark.drill("Torn files and full disks")
def test_results_that_break_off_leave_nothing_of_themselves(ledger: Ledger) -> None:
    def torn() -> Iterator[dict[str, Any]]:
        yield row(A, "ACCEPTED")
        raise ConnectionError

    run = ledger.begin_run(0, "x")
    with pytest.raises(ConnectionError):
        ledger.record(run, torn())
    assert ledger.account().missing == 3
    assert ledger.last_run() == run


@pytest.mark.drill("Torn files and full disks")
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


def test_an_empty_ledger_counts_nothing_and_its_folders_are_made(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a" / "new" / "folder" / "ledger.sqlite")
    assert not ledger.is_listed
    assert set(vars(ledger.account()).values()) == {0}
    assert ledger.last_run() is None
    assert ledger.runs() == []
    ledger.close()


def test_images_that_are_named_again_are_counted_and_others_are_not(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.list([A, A, A, A, B])
    assert (ledger.account().listed, ledger.account().duplicates) == (2, 3)
    ledger.close()


def test_runs_are_told_in_the_order_of_their_numbers_once_they_are_started(ledger: Ledger) -> None:
    second, first = ledger.begin_run(1, "x-1"), ledger.begin_run(0, "x")
    assert ledger.runs() == []
    ledger.started(second, "arn:second")
    ledger.started(first, "arn:first")
    ledger.begin_run(2, "x-2")
    assert ledger.runs() == ["arn:first", "arn:second"]
    ledger.record(second, [])
    last = ledger.last_run()
    assert last is not None
    assert (last.number, last.execution, last.arn, last.collected) == (2, "x-2", None, False)


def test_a_run_whose_results_were_taken_says_so(ledger: Ledger) -> None:
    ledger.record(ledger.begin_run(0, "x"), [])
    run = ledger.last_run()
    assert run is not None
    assert run.collected is True


def test_unexpected_results_of_several_runs_add_up(ledger: Ledger) -> None:
    unknown = Image("bucket", "d.png")
    for number in range(3):
        ledger.record(ledger.begin_run(number, f"x-{number}"), [row(unknown, "ACCEPTED")])
    assert ledger.account().unexpected == 3


def test_a_result_goes_to_the_version_that_was_asked_for(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    latest, pinned = Image("b", "k"), Image("b", "k", "v1")
    ledger.list([latest, pinned])
    event = {"s3_bucket": "b", "s3_key": "k"}
    results = [{"item": event, "outcome": "ACCEPTED"}, {"item": event | {"s3_version_id": "v1"}, "outcome": "REVIEW"}]
    ledger.record(ledger.begin_run(0, "x"), results)
    assert ledger.account().holds
    with ledger.write_csv(tmp_path / "ledger.csv").open(newline="") as file:
        rows = [(one["s3_version_id"], one["outcome"]) for one in csv.DictReader(file)]
    assert rows == [("", "ACCEPTED"), ("v1", "REVIEW")]
    ledger.close()


def test_errors_are_counted_the_most_frequent_first_then_by_name(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    images = [Image("b", str(number)) for number in range(4)]
    ledger.list(images)
    errors = ("Z", "B", "Z", "A")
    results = [row(image, "FAILED", error=error) for image, error in zip(images, errors, strict=True)]
    ledger.record(ledger.begin_run(0, "x"), results)
    assert list(ledger.errors().items()) == [("Z", 2), ("A", 1), ("B", 1)]
    ledger.close()


def test_missing_images_are_named_in_order_and_not_more_than_asked_for(ledger: Ledger) -> None:
    assert ledger.missing(2) == ["s3://bucket/a.png", "s3://bucket/b.png"]


def test_the_csv_holds_any_key_and_every_value(ledger: Ledger, tmp_path: Path) -> None:
    odd = Image("bucket", 'é "quoted",\r\nwritten.png')
    ledger.list([odd])
    values = {"sha256": "f00", "label": "bicycle", "inference_id": "i", "s3_version_id": "v"}
    values |= {"release": "3fa4", "review_reason": "low confidence"}
    times = {"started": "2026-11-23T12:00:00Z", "stopped": "2026-11-23T12:00:00.123456Z"}
    results = [row(A, "REVIEW", confidence=0.5, **values, **times), row(B, "FAILED", started=times["started"])]
    ledger.record(ledger.begin_run(0, "x"), results)
    path = ledger.write_csv(tmp_path / "ledger.csv")
    content = path.read_bytes().decode("utf-8")
    assert content.splitlines()[1] == "bucket,a.png,v,f00,REVIEW,bicycle,0.5,3fa4,low confidence,,0.123,i"
    assert content.splitlines()[2] == "bucket,b.png,,,FAILED,,,,,,,"
    assert content.endswith('bucket,"é ""quoted"",\r\nwritten.png",,,,,,,,,,\n')


def test_a_batch_that_an_earlier_version_began_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as earlier:
        earlier.executescript(re.sub(r", release TEXT, review_reason TEXT", "", SCHEMA))
        earlier.execute("INSERT INTO image (s3_bucket, s3_key, asked_version) VALUES ('bucket', 'a.png', '')")
        earlier.commit()
    ledger = Ledger(path)
    ledger.record(ledger.begin_run(0, "x"), [row(A, "REVIEW", release="3fa4")])
    ledger.close()
    ledger = Ledger(path)
    assert "REVIEW,,,3fa4," in ledger.write_csv(tmp_path / "ledger.csv").read_text()
    ledger.close()


def test_the_csv_is_utf_8_in_any_locale(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.list([Image("bucket", "größe.png")])
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        path = ledger.write_csv(tmp_path / "ledger.csv")
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    assert "größe.png".encode() in path.read_bytes()
    ledger.close()


@pytest.mark.parametrize("share", [0.5, 0.0], ids=["cut", "overwritten"])
@pytest.mark.drill("Torn files and full disks")
def test_a_ledger_that_is_damaged_is_named_in_one_sentence(tmp_path: Path, share: float) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))] or b"no database at all" * 100)
    with pytest.raises(LedgerError, match=rf"^{path} is damaged: .*Restore it"):
        Ledger(path).to_run()
