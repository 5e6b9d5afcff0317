"""Small pictures of images, and of where the model looked, as data URIs."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from contracts.outcomes import is_familiar
from imaging.spotlight import spotlight
from monitoring.capture.records import CaptureError
from monitoring.quality.suspects import Suspect
from monitoring.report.explanations import Explanations
from monitoring.report.gallery import Pair

SIDE = 96


@dataclass(frozen=True)
class Thumbnail:
    """One image of a gallery, with what is said below it.

    `source` is a data URI, or None where the image can't be decoded; `looked` is one that shows where the model looked,
    where that is known. `wrong` marks a label that is not the truth.
    """

    source: str | None
    alt: str
    title: str
    wrong: bool = False
    notes: tuple[str, ...] = ()
    looked: str | None = None


def of_pair(pair: Pair, explanations: Explanations | None = None) -> Thumbnail:
    """The captured image of an execution, and where the model looked, if *explanations* say so."""
    execution = pair.execution
    wrong = execution.truth is not None and execution.truth != execution.label
    notes = [f"truth: {execution.truth}"] if wrong else []
    if execution.familiarity is not None and not is_familiar(execution.familiarity, execution.familiarity_limit):
        notes.append(f"familiarity {execution.familiarity:.1%}")
    alt = f"{execution.case}: {execution.label} with {execution.confidence:.1%}"
    if execution.truth is not None:
        alt += f", truth {execution.truth}"
    title = f"{execution.label} {execution.confidence:.0%}"
    try:
        with pair.record.image() as image:
            picture = _shrunk(image)
    except CaptureError:
        return Thumbnail(None, f"{alt}; the captured image can't be decoded", title, wrong, tuple(notes))
    explanation = explanations.by_event.get(pair.record.event_id) if explanations else None
    looked = data_uri(spotlight(picture, explanation)) if explanation else None
    return Thumbnail(data_uri(picture), alt, title, wrong, tuple(notes), looked)


def of_suspect(suspect: Suspect, content: bytes | None) -> Thumbnail:
    """An image that looks mislabelled; *content* is its file, None where that is gone."""
    title = f"{suspect.truth}?"
    notes = (f"looks like {suspect.label}, {suspect.confidence:.0%}", suspect.key.rpartition("/")[2])
    alt = f"{suspect.key}: labelled {suspect.truth}, looks like {suspect.label} with {suspect.confidence:.1%}"
    try:
        with Image.open(io.BytesIO(content or b"")) as image:
            return Thumbnail(data_uri(_shrunk(image)), alt, title, notes=notes)
    # What Pillow's decoders raise on data that isn't what its header says.
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return Thumbnail(None, f"{alt}; the image can't be read", title, notes=notes)


def data_uri(image: Image.Image | bytes) -> str:
    """An image, or the bytes of a PNG, as an address that needs no file."""
    if isinstance(image, Image.Image):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        image = buffer.getvalue()
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def _shrunk(image: Image.Image) -> Image.Image:
    shrunk = image.convert("RGB")
    shrunk.thumbnail((SIDE, SIDE))
    return shrunk
