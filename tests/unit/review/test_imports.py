"""Labels that were filled in by other tools."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from contracts.labels import LabelledImage
from review.errors import ReviewError
from review.export import COLUMNS, NONE_OF_THESE, ExportError, cell, export, read_export
from review.imports import Imported, import_labels
from review.labels import Labels, read_labels
from review.queue import ReviewQueue
from review.session import Session
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET, png


def fill(folder: Path, *answers: str, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """Fill in the CSV as a spreadsheet does."""
    rows = list(csv.DictReader(io.StringIO((folder / "labels.csv").read_text())))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(row | {"label": answer} for row, answer in zip(rows, answers, strict=True))
    (folder / "labels.csv").write_text(text.getvalue(), encoding=encoding)
    return folder / "labels.csv"


def annotated(folder: Path, *annotations: Any) -> Path:
    """Write what Label Studio exports when people annotated the tasks so."""
    tasks = json.loads((folder / "tasks.json").read_text())
    path = folder / "project-1.json"
    path.write_text(json.dumps([one | {"annotations": by} for one, by in zip(tasks, annotations, strict=True)]))
    return path


def annotation(choice: str, by: Any = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "completed_by": by,
        "created_at": "2026-11-25T21:52:49.513742Z",
        "lead_time": 4.2881,
        "was_cancelled": False,
        "result": [
            {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [choice]}, "id": "x"}
        ],
    } | changes


def found(labels: Labels) -> list[LabelledImage]:
    return sorted(read_labels(labels.s3, BUCKET, "pets"), key=lambda image: image.s3_key)


def test_labels_of_a_csv_are_written_and_their_messages_deleted_and_no_others(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, folder: Path
) -> None:
    done = import_labels(queue, labels, fill(folder, "dog", "", NONE_OF_THESE), "login", "ann")
    assert done == Imported(written=2, before=0, open=1, disputed=0, kept=0)
    first, last = (image.settled for image in found(labels))
    assert first is not None
    assert last is not None
    assert (first.label, first.reviewer, first.seconds, first.reason) == ("dog", "ann", None, "low confidence")
    assert last.label is None
    assert sum(waiting.counts()) == 2


def test_a_file_that_is_imported_again_adds_only_what_is_new(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, folder: Path
) -> None:
    import_labels(queue, labels, fill(folder, "dog", "", ""), "login", None)
    done = import_labels(queue, labels, fill(folder, "dog", "cat", ""), "login", None)
    assert (done.written, done.before, done.open) == (1, 1, 1)
    assert [len(image.decisions) for image in found(labels)] == [1, 1]
    assert sum(waiting.counts()) == 2


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8-sig"), (";", "utf-8-sig"), (";", "utf-8")])
def test_a_csv_may_come_from_any_spreadsheet(
    queue: ReviewQueue, labels: Labels, folder: Path, delimiter: str, encoding: str
) -> None:
    file = fill(folder, "dog", "dog ", "cat", delimiter=delimiter, encoding=encoding)
    assert import_labels(queue, labels, file, "login", None).written == 3


@pytest.mark.drill("Review")
def test_labels_that_come_after_the_lease_ran_out_count_and_the_image_is_not_asked_again(
    waiting: Waiting, labels: Labels, queue: ReviewQueue, folder: Path
) -> None:
    file = fill(folder, "dog", "", "cat")
    waiting.show_all()
    with Session(queue, labels, "bob", ahead=1) as session:
        # Two of the three are Bob's by now, and the first is on his screen.
        (taken,) = session.upcoming()
        session.show(taken.id)
        done = import_labels(ReviewQueue(waiting.sqs, waiting.urls), labels, file, "ann", None)
        assert (done.written, done.open) == (2, 1)
        assert session.decide(taken.id, "cat").disputed
        waiting.show_all()
        while upcoming := session.upcoming():
            session.decide(upcoming[0].id, "cat")
    assert [len(image.votes) for image in found(labels)] == [2, 1, 1]


def test_what_label_studio_exports_is_written_with_who_and_when_and_how_long(
    queue: ReviewQueue, labels: Labels, folder: Path
) -> None:
    file = annotated(
        folder,
        [annotation("dog", {"id": 3, "email": "ann@example.org"}), annotation("cat", 4)],
        [annotation(NONE_OF_THESE, None, created_at="2999-01-01T00:00:00Z", lead_time=None)],
        [annotation("dog", was_cancelled=True), annotation("dog", result=[])],
    )
    done = import_labels(queue, labels, file, "login", None)
    assert (done.written, done.open, done.disputed) == (3, 1, 1)
    both, one = found(labels)
    assert {name: vote.label for name, vote in both.votes.items()} == {
        "ann@example.org": "dog",
        "Label Studio user 4": "cat",
    }
    assert (both.decisions[0].seconds, both.decisions[0].decided_at) == (4.288, "2026-11-25T21:52:49.513742+00:00")
    assert (one.decisions[0].reviewer, one.decisions[0].label, one.decisions[0].seconds) == ("login", None, None)
    assert one.decisions[0].time <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (("dog", "fox", ""), r"line 3: 'fox' is not one of cat, dog or none of these"),
        (("<script>", "", ""), r"line 2: '<script>' is not"),
        (("Cat", "", ""), r"line 2: 'Cat' is not"),
    ],
)
def test_nothing_is_written_when_a_label_is_wrong(
    queue: ReviewQueue, labels: Labels, folder: Path, answers: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ReviewError, match=said):
        import_labels(queue, labels, fill(folder, *answers), "login", None)
    assert found(labels) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("labels.csv", b"file,label\n../../etc/passwd,cat\n", "isn't in this export"),
        ("labels.csv", b"file,label\nimages/x.png,cat\n", "isn't in this export"),
        ("labels.csv", b"name;class\na;b\n", "no columns file and label"),
        ("labels.csv", b"", "no columns file and label"),
        ("labels.csv", b"file,label\n" + b'"' + b"a" * 200_000, "not a CSV"),
        ("labels.csv", b"\xff\xfe", "not text in UTF-8"),
        ("x.json", b"{}", "not an export of Label Studio"),
        ("x.json", b"[1]", "not an export of Label Studio"),
        ("x.json", b'[{"image": "a", "label": "cat"}]', "not an export of Label Studio"),
        ("x.json", b"[" * 100_000, "not an export of Label Studio"),
        ("x.json", json.dumps([{"data": {"sha256": "../x"}, "annotations": [annotation("cat")]}]).encode(), "isn't in"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(
    queue: ReviewQueue, labels: Labels, folder: Path, name: str, text: bytes, said: str
) -> None:
    (folder / name).write_bytes(text)
    with pytest.raises(ReviewError, match=said):
        import_labels(queue, labels, folder / name, "login", None)
    assert found(labels) == []


def test_a_file_that_is_named_twice_is_refused(queue: ReviewQueue, labels: Labels, folder: Path) -> None:
    file = fill(folder, "dog", "", "")
    file.write_text(file.read_text() + file.read_text().splitlines()[1] + "\n")
    with pytest.raises(ReviewError, match="twice"):
        import_labels(queue, labels, file, "login", None)


@pytest.mark.parametrize("choices", [["cat", "dog"], ["fox"]])
def test_a_choice_of_label_studio_that_is_none_is_refused(
    queue: ReviewQueue, labels: Labels, folder: Path, choices: list[str]
) -> None:
    several = annotation("cat")
    several["result"][0]["value"]["choices"] = choices
    with pytest.raises(ReviewError, match="not"):
        import_labels(queue, labels, annotated(folder, [several], [], []), "login", None)
    assert found(labels) == []


def test_a_reviewer_who_can_not_be_named_is_refused(queue: ReviewQueue, labels: Labels, folder: Path) -> None:
    with pytest.raises(ReviewError, match="can't name a reviewer"):
        import_labels(queue, labels, fill(folder, "dog", "", ""), "login", "a\nb")


def test_an_import_needs_the_export_beside_it(queue: ReviewQueue, labels: Labels, folder: Path, tmp_path: Path) -> None:
    file = fill(folder, "dog", "", "").rename(tmp_path / "labels.csv")
    with pytest.raises(ExportError, match=r"messages\.jsonl"):
        import_labels(queue, labels, file, "login", None)
    for text in ("{}\n", "[]\n", '{"file": "a", "messages": [{}]}\n', "{"):
        (tmp_path / "messages.jsonl").write_text(text)
        with pytest.raises(ExportError, match="not what `workflow review --export` wrote"):
            read_export(tmp_path)


def test_hostile_keys_and_labels_stay_in_the_folder_and_run_nowhere(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, tmp_path: Path
) -> None:
    names = ['=HYPERLINK("http://x")', "<img src=x onerror=alert(1)>"]
    key = "incoming/../../=1+1.png"
    waiting.send(0, labels=names, label=names[0])
    waiting.s3.put_object(Bucket=BUCKET, Key=key, Body=png(1))
    waiting.send(1, s3_key=key, labels=names, label=names[1])
    out = tmp_path / "waiting"
    assert export(queue, labels, out, 100).images == 2
    assert {path for path in tmp_path.rglob("*") if path.is_file()} <= set(out.rglob("*"))
    rows = list(csv.reader(io.StringIO((out / "labels.csv").read_text())))
    assert not [value for row in rows for value in row if value.startswith(("=", "+", "-", "@"))]
    ET.parse(out / "label-studio.xml")  # noqa: S314 - written a moment ago
    import_labels(queue, labels, fill(out, cell(names[0]), names[1]), "login", None)
    assert {image.settled.label for image in found(labels) if image.settled} == {*names}


def test_images_that_are_gone_or_decided_are_left_out(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, tmp_path: Path
) -> None:
    for number in (0, 1, 1, 2):
        waiting.send(number)
    waiting.s3.delete_object(Bucket=BUCKET, Key="incoming/0.png")
    with Session(ReviewQueue(waiting.sqs, waiting.urls), labels, "ann") as session:
        session.decide(next(one.id for one in session.upcoming(4) if one.image.s3_key == "incoming/2.png"), "cat")
    exported = export(queue, labels, tmp_path / "waiting", 100)
    # The same picture twice is one row with two messages.
    assert (exported.images, exported.unavailable) == (1, 1)
    assert waiting.counts() == (1, 2)
    done = import_labels(queue, labels, fill(tmp_path / "waiting", "cat"), "login", None)
    assert (done.written, done.before) == (1, 1) or done.written == 2
    assert waiting.counts() == (1, 0)
