"""Image files of every kind that a test may need, drawn here."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

# HEIC files of `gradient(48, 32)`, encoded by x265, which the tests have no encoder for: `turned` is stored lying and
# says so by its container (irot), `deep` has ten bits a channel, and `alpha` is transparent at its top.
HEIC = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent / "pictures").glob("*.heic"))}
# A sample image of the kind that the workflow's tests train on: familiar to their model, which is sure of it.
BICYCLE = (Path(__file__).parents[1] / "events/images/bicycle.png").read_bytes()

Colour = float | tuple[int, ...]


def gradient(width: int = 32, height: int = 32) -> Image.Image:
    """Return an RGB picture whose every pixel tells its place."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (across, down, Image.new("L", (width, height), 128)))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> Image.Image:
    """Return the picture of a file, fully read."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
