"""How good accepted answers are in use: what people decided about the share of them that was sent for an audit."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations

from contracts.labels import Decision, LabelledImage
from contracts.outcomes import ReviewReason
from monitoring.quality.calibration import Interval, interval, upper_bound
from monitoring.quality.error_watch import ErrorWatch, watch_error

UNNAMED = "unknown"


class Promise(StrEnum):
    """Whether the error that a release promised for what it accepts holds in use."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNKNOWN = "not yet known"


@dataclass(frozen=True)
class Audited:
    """An accepted image that a person judged: what the model had said, which release it was, and whether it was wrong.

    `wrong` is also where the person found that none of the classes fits.
    """

    sha256: str
    label: str
    release: str
    decided_at: datetime
    wrong: bool


@dataclass(frozen=True)
class Error:
    """How many of the images are wrong, the interval of that share, and its upper bound alone, at CONFIDENCE_LEVEL."""

    name: str
    images: int
    wrong: int
    interval: Interval
    upper_bound: float

    @property
    def share(self) -> float | None:
        """The share of wrong answers; None where there are no images."""
        return self.wrong / self.images if self.images else None


@dataclass(frozen=True)
class Agreement:
    """How often two people who decided about the same image gave it the same label, over all such pairs."""

    pairs: int
    same: int
    disputed: int


@dataclass(frozen=True)
class LiveAccuracy:
    """What the labels say of a model in use.

    Attributes:
        promised: the error among accepted images that the threshold was chosen for
        error: of all audited images
        by_class, by_release: the same by the model's answer, and by the release that gave it
        release: the one that answered last, and whose error is watched; empty where nothing was audited
        watch: the chart of its error
        broken_since: when the decision was made at which the chart raised its alarm; None where it never did
        reviewed, confirmed: images that the model had not accepted, and those of them where its answer was right
        agreement: of the people
    """

    promised: float
    error: Error
    by_class: tuple[Error, ...]
    by_release: tuple[Error, ...]
    release: str
    watch: ErrorWatch
    broken_since: datetime | None
    reviewed: int
    confirmed: int
    agreement: Agreement

    @property
    def watched(self) -> Error:
        """The error of `release`."""
        return next((one for one in self.by_release if one.name == self.release), self.error)

    @property
    def promise(self) -> Promise:
        """Whether `release` keeps what was promised: until the chart's alarm, as far as the upper bound shows it."""
        if self.broken_since is not None:
            return Promise.BROKEN
        return Promise.HOLDS if self.watched.upper_bound <= self.promised else Promise.UNKNOWN

    @property
    def images_missing(self) -> int:
        """How many more audited images of `release`, all of them right, would show that the promise holds."""
        return max(0, images_needed(self.watched.wrong, self.promised) - self.watched.images)


def images_needed(wrong: int, promised: float) -> int:
    """The fewest images that show an error of at most *promised* although *wrong* of them are wrong."""

    def shown(images: int) -> bool:
        return bool(upper_bound(wrong, images) <= promised)

    most = wrong + 1
    while not shown(most):
        most *= 2
    return bisect_left(range(most), True, lo=wrong + 1, key=shown)


def live_accuracy(images: Iterable[LabelledImage], promised: float) -> LiveAccuracy:
    """Judge accepted answers by what people decided; images in dispute are left out.

    Raises:
        ValueError: *promised* is not above 0 and below 0.5.
    """
    images = list(images)
    audited = sorted(filter(None, map(_audited, images)), key=lambda one: one.decided_at)
    release = audited[-1].release if audited else ""
    of_release = [one for one in audited if one.release == release]
    watch = watch_error([one.wrong for one in of_release], promised)
    reviewed = [
        (vote, image.settled)
        for image in images
        if image.settled and (vote := _first(image, lambda one: one.reason is not ReviewReason.AUDIT))
    ]
    return LiveAccuracy(
        promised=promised,
        error=_error("all", audited),
        by_class=_groups(audited, lambda one: one.label),
        by_release=_groups(audited, lambda one: one.release),
        release=release,
        watch=watch,
        broken_since=None if watch.alarm is None else of_release[watch.alarm - 1].decided_at,
        reviewed=len(reviewed),
        confirmed=sum(vote.model.label == settled.label for vote, settled in reviewed),
        agreement=_agreement(images),
    )


def _audited(image: LabelledImage) -> Audited | None:
    settled, vote = image.settled, _first(image, lambda one: one.reason is ReviewReason.AUDIT)
    if settled is None or vote is None:
        return None
    answer = vote.model
    return Audited(image.sha256, answer.label, answer.release or UNNAMED, settled.time, settled.label != answer.label)


def _first(image: LabelledImage, wanted: Callable[[Decision], bool]) -> Decision | None:
    return next((vote for vote in image.decisions if not vote.undone and wanted(vote)), None)


def _error(name: str, audited: Sequence[Audited]) -> Error:
    wrong = sum(one.wrong for one in audited)
    return Error(name, len(audited), wrong, interval(wrong, len(audited)), float(upper_bound(wrong, len(audited))))


def _groups(audited: Sequence[Audited], key: Callable[[Audited], str]) -> tuple[Error, ...]:
    names = sorted({key(one) for one in audited})
    return tuple(_error(name, [one for one in audited if key(one) == name]) for name in names)


def _agreement(images: Sequence[LabelledImage]) -> Agreement:
    pairs = [pair for image in images for pair in combinations(image.votes.values(), 2)]
    same = sum(one.label == other.label for one, other in pairs)
    return Agreement(len(pairs), same, sum(image.disputed for image in images))
