"""What a model answered of the test images in its training job: `test.jsonl` in the job's output.tar.gz.

One line of JSON an image: `file`, `class`, `sha256` of the file, and `answer` as the container gives it to
POST /invocations. The model was finished before it saw these images.
"""

import json
import re
from dataclasses import dataclass

from contracts.answer import Answer, AnswerError, read_answer
from contracts.errors import WorkflowError
from contracts.outcomes import review_reason

TEST_FILE = "test.jsonl"
SHA256 = re.compile(r"[0-9a-f]{64}")


class JudgedError(WorkflowError):
    """What a training job left of the test images is missing or can't be read."""


@dataclass(frozen=True)
class Judged:
    """What a model answered of one test image, which really is of the class `truth`."""

    file: str
    truth: str
    sha256: str
    answer: Answer

    @property
    def right(self) -> bool:
        """Whether the label is the true class."""
        return self.answer.label == self.truth

    @property
    def accepted(self) -> bool:
        """Whether the workflow would accept it, by the model's own threshold and limit of familiarity."""
        return review_reason(self.answer, self.answer.threshold) is None


def parse_judged(text: str, where: str) -> tuple[Judged, ...]:
    """Read the lines of `test.jsonl`, which come from *where*; of an image that is there twice the first counts.

    Raises:
        JudgedError: there are none, or a line isn't one.
    """
    try:
        found = [_parse_line(line) for line in text.split("\n") if line]
    except (ValueError, KeyError, TypeError, RecursionError, AnswerError) as error:
        raise JudgedError(f"{TEST_FILE} of {where} is not what training writes ({error!r}).") from error
    if not found:
        raise JudgedError(f"{TEST_FILE} of {where} has no images.")
    first: dict[str, Judged] = {}
    for one in found:
        first.setdefault(one.sha256, one)
    return tuple(first.values())


def _parse_line(line: str) -> Judged:
    row = json.loads(line)
    file, truth, digest = (row[key] for key in ("file", "class", "sha256"))
    if not isinstance(file, str) or not isinstance(truth, str) or not SHA256.fullmatch(digest):
        raise ValueError(f"{file!r}, {truth!r}, {digest!r}")
    answer = read_answer(json.dumps(row["answer"]).encode())
    if not answer.describes_itself:
        raise ValueError("an answer doesn't name its release")
    return Judged(file, truth, digest, answer)
