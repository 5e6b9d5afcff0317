"""What models answer of test images, by a letter an image, and as training leaves it beside a model."""

import io
import json
import tarfile
from collections.abc import Sequence

import boto3

from contracts.addresses import S3Address
from contracts.answer import Answer
from contracts.judged import TEST_FILE, Judged
from training.model import Model

LABELS = ("bicycle", "motorcycle")
SURE, UNSURE = 0.95, 0.6
# R and r are right, W and w wrong; capitals are confident enough to be accepted.
CONFIDENCES = {"R": (SURE, True), "r": (UNSURE, True), "W": (SURE, False), "w": (UNSURE, False)}


def judged(answers: str, release: str = "a", threshold: float | None = 0.9) -> tuple[Judged, ...]:
    """Return the answers of a release, by a letter an image."""
    found = []
    for number, letter in enumerate(answers):
        confidence, right = CONFIDENCES[letter]
        truth, other = LABELS if number % 2 else LABELS[::-1]
        label = truth if right else other
        probabilities = (confidence, 1 - confidence) if label == LABELS[0] else (1 - confidence, confidence)
        answer = Answer(probabilities, LABELS, release, threshold)
        found.append(Judged(f"{number}.png", truth, f"{number:064x}", answer))
    return tuple(found)


def lines(answers: Sequence[Judged]) -> str:
    """Write answers as training does."""
    rows = (
        {
            "file": one.file,
            "class": one.truth,
            "sha256": one.sha256,
            "answer": {
                "probabilities": one.answer.probabilities,
                "labels": one.answer.labels,
                "release": one.answer.release,
                "threshold": one.answer.threshold,
            },
        }
        for one in answers
    )
    return "".join(json.dumps(row) + "\n" for row in rows)


def leave(model: Model, answers: Sequence[Judged], name: str = f"./{TEST_FILE}") -> Model:
    """Upload answers as the output of the model's training job, and return the model."""
    content = lines(answers).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    artifact = S3Address.parse(model.artifact)
    key = artifact.key.replace("model.tar.gz", "output.tar.gz")
    boto3.client("s3").put_object(Bucket=artifact.bucket, Key=key, Body=packed.getvalue())
    return model
