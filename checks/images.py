"""Whether the images of a folder can be a data set, and whether they are enough for a model that can be used."""

import math
from collections.abc import Iterator, Sequence

from contracts.dataset import DatasetError
from monitoring.quality.calibration import fewest_accepted, upper_bound
from monitoring.quality.verdict import FEW_IMAGES, Finding, Level
from training.datasets.folder import TEST_PART
from training.datasets.inspection import ClassCounts, Inspection, SeenImage, Unused
from training.stage import check_classes

# With two classes, always answering the larger one is then right four times in five.
IMBALANCE = 4
NAMED = 3


def examine(found: Inspection, max_error: float) -> list[Finding]:
    """Return what there is to say of a folder, the worst first; with a bad finding it can't be staged.

    Args:
        found: what is in the folder.
        max_error: the error among accepted images that is tolerated, above 0.
    """
    counts = found.counts()
    findings = [*_unusable(found, counts), *_left_out(found), *_copies(found.copies()), *_few(counts, max_error)]
    findings.sort(key=lambda finding: [*Level].index(finding.level))
    return findings


def _unusable(found: Inspection, counts: Sequence[ClassCounts]) -> Iterator[Finding]:
    try:
        check_classes(found.labels)
    except DatasetError as error:
        sentence = str(error)
        yield Finding(Level.BAD, f"{sentence[0].upper()}{sentence[1:]}.")
    for label in found.labels:
        if not label.isprintable():
            yield Finding(Level.BAD, f"{label!r} can't name a class; rename the folder.")
    if conflicts := found.conflicts():
        groups = _first([" = ".join(image.file for image in group) for group in conflicts])
        text = f"{_count(conflicts, 'image')} of more than one class: {groups}. Delete each from the wrong class."
        yield Finding(Level.BAD, text)
    for one in counts:
        if not one.train or not one.test:
            yield Finding(
                Level.BAD,
                f"{one.label} has {one.images - one.copies} different image; a class needs at least two, one to train "
                "and one to test. Add images, or move the folder away.",
            )


def _left_out(found: Inspection) -> Iterator[Finding]:
    if found.empty:
        names = _first(found.empty)
        yield Finding(Level.NOTICE, f"{_count(found.empty, 'folder')} without images, which can't be a class: {names}.")
    if found.broken:
        text = f"{_count(found.broken, 'file')} that can't be read as an image: {_reasons(found.broken)}."
        yield Finding(Level.NOTICE, f"{text} They are left out.")
    if found.others:
        text = f"{_count(found.others, 'file')} that can't be an image of a class: {_reasons(found.others)}."
        yield Finding(Level.NOTICE, f"{text} They are passed over.")


def _copies(groups: Sequence[Sequence[SeenImage]]) -> Iterator[Finding]:
    if groups:
        named = _first([" = ".join(image.file for image in group) for group in groups])
        text = f"{_count(groups, 'image')} with copies in the same class: {named}."
        yield Finding(Level.NOTICE, f"{text} Copies teach nothing new; they always go to the same side of the split.")


def _few(counts: Sequence[ClassCounts], max_error: float) -> Iterator[Finding]:
    """Say which classes are small, and what the training images allow of the threshold."""
    for one in counts:
        if one.test and one.train < FEW_IMAGES:
            text = f"{one.label} leaves {one.train} images to train; with fewer than {FEW_IMAGES} expect more errors."
            yield Finding(Level.NOTICE, f"{text} Add images of it.")
    if len(counts) > 1:
        small, *_, large = sorted(counts, key=lambda one: one.images)
        if large.images >= IMBALANCE * small.images:
            share = large.images / sum(one.images for one in counts)
            text = f"{large.label} has {large.images / small.images:.0f} times as many images as {small.label}: always "
            text += f"answering {large.label} would be right about {share:.0%} of them. Add images of {small.label}."
            yield Finding(Level.NOTICE, text)
    train, enough = sum(one.train for one in counts), fewest_accepted(max_error)
    if train >= enough:
        text = f"{train} images to train are enough for a threshold with an error of at most {max_error:g}"
        yield Finding(Level.GOOD, f"{text}, if the model is sure of {enough} and right about all of them.")
    elif train:
        reachable = math.ceil(100 * float(upper_bound(0, train))) / 100
        text = f"{train} images to train are too few to show an error of at most {max_error:g}, which takes {enough}: "
        text += "every image would go to review. Have about "
        text += f"{math.ceil(enough / (1 - TEST_PART))} images in all, or tolerate more: --max-error {reachable:g}."
        yield Finding(Level.NOTICE, text)


def _count(things: Sequence[object], what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def _reasons(files: Sequence[Unused]) -> str:
    return _first([f"{one.file} ({one.reason.rstrip('.')})" for one in files], "; ")


def _first(names: Sequence[str], separator: str = ", ") -> str:
    """Name the first of many."""
    more = len(names) - NAMED
    return separator.join([*names[:NAMED], *([f"and {more} more"] if more > 0 else [])])
