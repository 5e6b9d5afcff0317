"""Image files of every kind that a test may need, drawn here."""

import io
from typing import Any

from PIL import Image

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
