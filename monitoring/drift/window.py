"""What drift is judged by: a sample of images, measured, and of what the model said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from contracts.answer import AnswerError
from monitoring.capture.records import CaptureError, CaptureRecord, SkippedLine
from monitoring.drift.measures import Floats, Images, measure, prepared

# More images than these make the tests no wiser, only slower.
SAMPLE = 2000


@dataclass(frozen=True)
class Sample:
    """Measured images and the model's answers.

    `measures` (n, len(MEASURES)) and `descriptions` (n, d) are of the same n images; `confidence` and `labels` are of
    the same m answers, and no image need belong to an answer.
    """

    measures: Floats
    descriptions: Floats
    confidence: Floats
    labels: tuple[str, ...]


class Reservoir:
    """A uniform sample of at most SAMPLE images of a stream of unknown length (Vitter's algorithm R, 1985)."""

    def __init__(self, max_side: int, seed: int = 0, *, exact: bool = False) -> None:
        self.seen = 0
        self._max_side = max_side
        self._exact = exact
        self._random = np.random.default_rng(seed)
        self._images: list[Images] = []
        self._aspects: list[float] = []

    def add(self, record: CaptureRecord) -> None:
        """Keep the record's image, or not; CaptureError where it is to be kept and can't be decoded."""
        place = self.seen if self.seen < SAMPLE else int(self._random.integers(self.seen + 1))
        if place >= SAMPLE:
            self.seen += 1
            return
        with record.image() as image:
            pixels, aspect = prepared(image, self._max_side, exact=self._exact)
        if place == len(self._images):
            self._images.append(pixels)
            self._aspects.append(aspect)
        else:
            self._images[place], self._aspects[place] = pixels, aspect
        self.seen += 1

    def images(self) -> tuple[list[Images], list[float]]:
        """The images kept, each of shape (height, width, 3), and their aspects."""
        return self._images, self._aspects


class Window:
    """Collects a sample from captured records as they pass, however many there are."""

    def __init__(self, classes: Sequence[str], max_side: int, *, exact: bool = False) -> None:
        """*classes* stand in label order; images are measured as the workflow fits them (see `prepared`)."""
        self.records = 0
        self.skipped = 0
        self.undecodable = 0
        self.unlike = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._classes = tuple(classes)
        self._images = Reservoir(max_side, exact=exact)
        self._confidence: list[float] = []
        self._labels: list[str] = []

    @property
    def images_seen(self) -> int:
        """How many images the sample was drawn from."""
        return self._images.seen

    def add(self, record: CaptureRecord | SkippedLine) -> None:
        """Take note of one record.

        An image that would be of the sample and can't be decoded is counted in `undecodable`, an answer of
        other classes in `unlike`; a record without an input or an output counts for what it has.
        """
        if isinstance(record, SkippedLine):
            self.skipped += 1
            return
        self.records += 1
        self.first = min(self.first or record.time, record.time)
        self.last = max(self.last or record.time, record.time)
        if record.data:
            try:
                self._images.add(record)
            except CaptureError:
                self.undecodable += 1
        if record.answer is None:
            return
        try:
            answer = record.answer.with_labels(self._classes)
        except AnswerError:
            self.unlike += 1
            return
        self._confidence.append(answer.confidence)
        self._labels.append(answer.label)

    def sample(self) -> Sample:
        """What was collected so far."""
        return Sample(*measure(*self._images.images()), np.array(self._confidence), tuple(self._labels))
