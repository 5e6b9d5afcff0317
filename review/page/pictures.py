"""Pictures for the browser: as they are stored wherever a browser shows them, else encoded anew."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from imaging.decoding import bound
from imaging.still import FORMATS

# More pixels than a screen has, and no more memory than a browser has for several of them.
LARGEST_SIDE = 4096
THUMBNAIL_SIDE = 480
QUALITY = 92
# The formats that every browser shows, by Pillow's names; of a phone's MPO it shows the first picture.
MEDIA_TYPES = {
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
}
TURNED_BY_ALL_BROWSERS = {"JPEG", "MPO"}
EXIF_CHUNKS = (b"eXIf", b"EXIF")


@dataclass(frozen=True)
class Picture:
    """An image file for a browser."""

    data: bytes
    media_type: str


def full_size(data: bytes) -> Picture:
    """Return the picture as large as it is stored, at most LARGEST_SIDE; raises as `imaging.decoding.bound`."""
    media_type = _media_type(data)
    return Picture(data, media_type) if media_type else _encoded(data, LARGEST_SIDE)


def thumbnail(data: bytes) -> Picture:
    """Return the picture with at most THUMBNAIL_SIDE pixels a side; raises as `imaging.decoding.bound`."""
    return _encoded(data, THUMBNAIL_SIDE)


def _media_type(data: bytes) -> str | None:
    """Return the type under which every browser shows these very bytes upright, or None."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=FORMATS) as image:
            name, mode, longest = image.format or "", image.mode, max(image.size)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None
    if longest > LARGEST_SIDE or mode == "CMYK":
        return None
    if name not in TURNED_BY_ALL_BROWSERS and any(chunk in data for chunk in EXIF_CHUNKS):
        return None
    return MEDIA_TYPES.get(name)


def _encoded(data: bytes, side: int) -> Picture:
    image, _ = bound(data, side)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, subsampling=0)
    return Picture(file.getvalue(), "image/jpeg")
