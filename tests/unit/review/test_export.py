"""Images that wait, written to a folder for other tools."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from review.export import COLUMNS, NONE_OF_THESE, Exported, ExportError, export, read_export
from review.labels import Labels
from review.queue import ReviewQueue
from tests.unit.review.samples import Waiting
from tests.unit.samples import png


def test_an_export_has_the_images_as_they_are_stored_and_a_row_for_each(folder: Path, exported: Exported) -> None:
    rows = list(csv.DictReader(io.StringIO((folder / "labels.csv").read_text())))
    assert [*rows[0]] == [*COLUMNS]
    assert [(folder / row["file"]).read_bytes() for row in rows] == [png(number) for number in range(3)]
    assert rows[0] | {"file": ""} == {
        "file": "",
        "label": "",
        "model_label": "cat",
        "confidence": "0.7000",
        "reason": "low confidence",
    }
    assert (exported.unavailable, exported.unreadable) == (0, 1)


def test_an_export_has_tasks_and_an_interface_for_label_studio(folder: Path) -> None:
    tasks = json.loads((folder / "tasks.json").read_text())
    (file,) = (path.name for path in (folder / "images").iterdir() if path.stem == tasks[0]["data"]["sha256"])
    assert tasks[0]["data"]["image"] == f"/data/local-files/?d=images/{file}"
    (prediction,) = tasks[0]["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("3fa4c0d1e2b7", 0.7)
    view = ET.parse(folder / "label-studio.xml").getroot()  # noqa: S314 - written a moment ago
    choices = view.find("Choices")
    assert choices is not None
    assert [choice.get("value") for choice in choices] == ["cat", "dog", NONE_OF_THESE]
    names = (choices.get("name"), choices.get("toName"), view.find("Image").get("name"))  # type: ignore[union-attr]
    (result,) = prediction["result"]
    assert names == (result["from_name"], result["to_name"], result["to_name"])


def test_an_export_holds_its_messages_for_twelve_hours(
    waiting: Waiting, queue: ReviewQueue, exported: Exported
) -> None:
    assert waiting.counts() == (0, 4)
    assert queue.take(10) == []
    assert timedelta(hours=11.9) < exported.until - datetime.now(UTC) < timedelta(hours=12)


def test_an_export_of_nothing_writes_nothing(queue: ReviewQueue, labels: Labels, tmp_path: Path) -> None:
    assert export(queue, labels, tmp_path / "waiting", 100).images == 0
    assert not [*tmp_path.iterdir()]


def test_an_export_is_not_written_over_another(
    queue: ReviewQueue, labels: Labels, waiting: Waiting, folder: Path
) -> None:
    waiting.send(5)
    with pytest.raises(ExportError, match="choose another folder"):
        export(queue, labels, folder, 100)
    assert waiting.counts()[0] == 1


def test_an_export_that_fails_gives_all_back(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, tmp_path: Path
) -> None:
    waiting.send(0)
    waiting.send(1, labels=["cat", NONE_OF_THESE], inferences=[0.7, 0.3])
    with pytest.raises(ExportError, match="A class is called"):
        export(queue, labels, tmp_path / "waiting", 100)
    assert waiting.counts() == (2, 0)
    assert not (tmp_path / "waiting/messages.jsonl").exists()


def test_an_export_takes_no_more_than_its_limit_and_keeps_the_order_that_it_is_given(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, tmp_path: Path
) -> None:
    for number in range(4):
        waiting.send(number)
    export(queue, labels, tmp_path / "waiting", 3, lambda found: sorted(found, key=lambda one: one.image.s3_key)[::-1])
    tasks = json.loads((tmp_path / "waiting/tasks.json").read_text())
    rows = read_export(tmp_path / "waiting")
    keys = [rows[one["data"]["sha256"]].image.s3_key for one in tasks]
    assert keys == ["incoming/2.png", "incoming/1.png", "incoming/0.png"]
    assert waiting.counts() == (1, 3)
