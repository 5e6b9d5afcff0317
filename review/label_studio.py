"""Label Studio's formats: tasks with the model's answer as a prediction, the labelling interface, and its JSON export.

Sources: https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions. The images are addressed as
Label Studio serves files of its own machine, below LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from review.errors import ReviewError
from review.image import ReviewImage

TASKS_FILE = "tasks.json"
INTERFACE_FILE = "label-studio.xml"
CHOICES = "label"
IMAGE = "image"


class InvalidExport(ReviewError):
    """A file isn't what Label Studio exports as JSON."""


@dataclass(frozen=True)
class Annotation:
    """What one person chose for an image: a choice of the interface, when and in how many seconds; None if unknown."""

    sha256: str
    choice: str
    annotator: str | None
    decided_at: datetime | None
    seconds: float | None


def task(image: ReviewImage, file: str) -> dict[str, Any]:
    """Return the task for an image in *file*, a path below the folder that Label Studio serves."""
    answer = {"from_name": CHOICES, "to_name": IMAGE, "type": "choices", "value": {"choices": [image.model.label]}}
    prediction = {"model_version": image.model.release, "score": image.model.confidence, "result": [answer]}
    data = {IMAGE: f"/data/local-files/?d={quote(file)}", "sha256": image.sha256, "reason": image.reason}
    return {"data": data, "predictions": [prediction]}


def interface(choices: Sequence[str]) -> str:
    """Return the labelling interface for these choices."""
    view = ET.Element("View")
    ET.SubElement(view, "Image", name=IMAGE, value=f"${IMAGE}")
    chosen = ET.SubElement(view, "Choices", name=CHOICES, toName=IMAGE, choice="single", showInline="true")
    for choice in choices:
        ET.SubElement(chosen, "Choice", value=choice)
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"


def read_annotations(text: str, where: str) -> Iterator[Annotation]:
    """Yield what people chose in Label Studio; tasks that they skipped or left open yield nothing.

    Raises:
        InvalidExport: it isn't an export in the format JSON; JSON-MIN doesn't say who decided.
    """
    try:
        for one in _tasks(json.loads(text)):
            for annotation in one["annotations"]:
                choices = _choices(annotation["result"])
                if choices and not annotation.get("was_cancelled"):
                    yield _annotation(str(one["data"]["sha256"]), choices, annotation)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidExport(f"{where} is not an export of Label Studio in the format JSON ({error!r}).") from error


def _tasks(read: Any) -> list[dict[str, Any]]:
    if not isinstance(read, list):
        raise TypeError("It is not a list of tasks.")
    return read


def _choices(result: list[dict[str, Any]]) -> list[str]:
    return [choice for region in result if region["from_name"] == CHOICES for choice in region["value"]["choices"]]


def _annotation(sha256: str, choices: list[str], annotation: dict[str, Any]) -> Annotation:
    (choice,) = choices
    by, taken = annotation.get("completed_by"), annotation.get("lead_time")
    # A person is given by number or, where the export expands it, with an address.
    name = by.get("email") or by.get("id") if isinstance(by, dict) else by
    annotator = name if isinstance(name, str) else None if name is None else f"Label Studio user {name}"
    when = datetime.fromisoformat(annotation["created_at"]) if annotation.get("created_at") else None
    seconds = round(float(taken), 3) if taken is not None and 0 <= float(taken) < math.inf else None
    return Annotation(sha256, str(choice), annotator, when and when.astimezone(UTC), seconds)
