"""Small real inputs for the monitoring tests: images, captured lines, executions."""

import base64
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from contracts.outcomes import Outcome
from inference.executions import Execution
from monitoring.capture.sources import FolderCapture
from monitoring.drift.baseline import Baseline
from monitoring.drift.measures import MEASURES, measure
from monitoring.drift.window import Sample

BUCKET = "workflow"
DATASET = "pedals"
CLASSES = ("bicycle", "motorcycle")
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def png(seed: int = 0, size: tuple[int, int] = (32, 32)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def captured(
    event: str = "e1",
    inference_id: str | None = "i1",
    time: str = "2026-11-23T09:00:00Z",
    data: str | None = None,
    output: str = "[0.9, 0.1]",
    encoding: str = "JSON",
) -> dict[str, Any]:
    """One record as SageMaker writes it."""
    metadata = {"eventId": event, "inferenceTime": time}
    if inference_id is not None:
        metadata["inferenceId"] = inference_id
    return {
        "captureData": {
            "endpointInput": {
                "observedContentType": "application/x-image",
                "mode": "INPUT",
                "data": base64.b64encode(png()).decode() if data is None else data,
                "encoding": "BASE64",
            },
            "endpointOutput": {
                "observedContentType": "application/json",
                "mode": "OUTPUT",
                "data": output,
                "encoding": encoding,
            },
        },
        "eventMetadata": metadata,
        "eventVersion": "0",
    }


def answered(**changes: Any) -> str:
    """What a model that describes itself answers."""
    answer: dict[str, Any] = {"probabilities": [0.9, 0.1], "labels": CLASSES, "release": "r1", "threshold": 0.8}
    return json.dumps(answer | changes)


def sample(count: int, seed: int = 0, brighter: float = 0.0, confidence: float = 0.9) -> Sample:
    """Measured noise of which every image is *brighter* grey levels brighter, and answers of about that confidence."""
    random = np.random.default_rng(seed)
    levels = random.normal(128, 20, (count, 1, 1, 1)) + random.normal(0, 20, (count, 32, 32, 3)) + brighter
    scores = np.clip(random.normal(confidence, 0.03, count), 0, 1)
    labels = tuple(CLASSES[code] for code in random.integers(2, size=count))
    return Sample(*measure(np.clip(levels, 0, 255).astype(np.uint8), np.ones(count)), scores, labels)


def baseline(count: int = 200) -> Baseline:
    return Baseline(DATASET, "pedals", CLASSES, 32, True, START.isoformat(), MEASURES, sample(count, seed=1))


def lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def execution(number: int = 1, outcome: str = "ACCEPTED", confidence: float = 0.9, **changes: Any) -> Execution:
    """An execution that ended in *outcome*; one that the model never saw carries nothing of the model's."""
    asked = outcome in ("ACCEPTED", "REVIEW")
    fields: dict[str, Any] = {
        "case": f"bicycle-{number:05d}",
        "input": {"s3_bucket": BUCKET, "s3_key": f"datasets/{DATASET}/test/{number}.png"},
        "truth": "bicycle" if asked else None,
        "outcome": Outcome(outcome),
        "error": {"ACCEPTED": None, "REVIEW": "ThresholdConfidenceNotMet"}.get(outcome, "InvalidImage"),
        "cause": None if outcome == "ACCEPTED" else "It is so.",
        "label": "bicycle" if asked else None,
        "confidence": confidence if asked else None,
        "inferences": [confidence, 1 - confidence] if asked else None,
        "inference_id": f"i{number}" if asked else None,
        "endpoint": "pedals" if asked else None,
        "variant": "AllTraffic" if asked else None,
        "threshold": 0.8 if asked else None,
        "execution_arn": f"arn:aws:states:us-east-1:123456789012:execution:classify_image:{number}",
        "started": (START + timedelta(seconds=number)).isoformat(timespec="milliseconds"),
        "seconds": 0.08,
    }
    return Execution(**{**fields, **changes})


def capture_folder(path: Path, count: int) -> FolderCapture:
    """*count* captured records of the endpoint `pedals`, in one file below *path*."""
    place = path / "capture/pedals/AllTraffic/2026/11/23/09"
    place.mkdir(parents=True)
    rows = [captured(f"e{n}", f"i{n}", f"2026-11-23T09:{n % 60:02}:00Z") for n in range(count)]
    (place / "00-00-000-a.jsonl").write_bytes(lines(*rows))
    return FolderCapture(path)
