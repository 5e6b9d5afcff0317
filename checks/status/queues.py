"""How much waits in the stack's queues, and which verb works on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitoring.quality.verdict import Finding, Level
from review.queue import ReviewQueue


@dataclass(frozen=True)
class Kind:
    """One of the stack's queues: its output, what waits in it (singular, plural), and what to do about it.

    In a queue that is `expected` to hold messages they are work; in any other something went wrong.
    """

    name: str
    output: str
    one: str
    many: str
    advice: str
    expected: bool = False


KINDS = (
    Kind("review", "ReviewQueueUrl", "image waits for review", "images wait for review", "`workflow review`", True),
    Kind(
        "failed executions",
        "FailedExecutionsQueueUrl",
        "execution failed",
        "executions failed",
        "`workflow redrive`",
    ),
    Kind(
        "review dead letters",
        "ReviewDeadLettersUrl",
        "review was never finished",
        "reviews were never finished",
        "`workflow review`",
    ),
    Kind(
        "upload dead letters",
        "UploadDeadLettersUrl",
        "upload started no execution",
        "uploads started no execution",
        "`aws sqs receive-message`, docs/deploy.md",
    ),
)


@dataclass(frozen=True)
class QueueDepth:
    """The messages of a queue, with those that somebody holds; SQS counts approximately."""

    name: str
    messages: int
    advice: str
    expected: bool
    sentence: str


@dataclass(frozen=True)
class Queues:
    """The stack's queues."""

    queues: tuple[QueueDepth, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What waits, and the verb that works on it."""
        waiting = [one for one in self.queues if one.messages]
        found = (
            Finding(Level.NOTICE if one.expected else Level.BAD, f"{one.sentence}: {one.advice}") for one in waiting
        )
        return tuple(found) or (Finding(Level.GOOD, "Nothing waits."),)


def queue_depths(sqs: Any, outputs: Mapping[str, str]) -> Queues:
    """Count the messages of every queue that the stack's outputs name."""
    return Queues(tuple(_depth(sqs, outputs[kind.output], kind) for kind in KINDS if kind.output in outputs))


def _depth(sqs: Any, url: str, kind: Kind) -> QueueDepth:
    count = ReviewQueue(sqs, (url,)).count()
    sentence = f"{count:,} {kind.one if count == 1 else kind.many}"
    return QueueDepth(kind.name, count, kind.advice, kind.expected, sentence)
