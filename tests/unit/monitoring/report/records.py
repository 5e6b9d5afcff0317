"""What data capture holds of executions."""

from collections.abc import Iterable
from typing import Any

from inference.executions import Execution
from monitoring.capture.records import CaptureRecord, SkippedLine, parse_file
from tests.unit.samples import captured, lines

FILE = "capture/pedals/AllTraffic/2026/11/23/09/00-00-000-a.jsonl"


def capture_of(executions: Iterable[Execution], **changes: Any) -> list[CaptureRecord | SkippedLine]:
    """One record of each execution that the model answered; *changes* are those of `captured`."""
    rows = [
        captured(f"e-{e.inference_id}", e.inference_id, output=str(e.inferences), **changes)
        for e in executions
        if e.inference_id is not None
    ]
    return list(parse_file(FILE, lines(*rows)))
