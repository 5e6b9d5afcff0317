"""Decode one still picture, with bounds on its size and on the time that it takes."""

import io
import time
import warnings
from collections.abc import Callable

from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError, WebPImagePlugin

from imaging.errors import ImageTooLarge, InvalidImage
from imaging.fitting import bounded_size, resized
from imaging.transparency import apply_colour_key, over_white

Size = tuple[int, int]

MAX_PIXELS = 50_000_000
# Processor seconds that one image may take to decode: three times what 50 million pixels with transparency took.
MAX_SECONDS = 4.0
# A JPEG decoder visits every pixel in every scan, also in one of ten bytes: 0.13 s for a thousand million of them.
MAX_SCANNED_PIXELS = 12_000_000_000
# What is read of a JPEG at a smaller scale is rounded up to whole pixels, which must not matter.
FEWEST_READ_PIXELS = 64
# Pillow unpacks run-length-encoded BMPs in Python, and fills a line that ends early byte by byte.
MAX_RUN_LENGTH_PIXELS = 4_000_000
START_OF_SCAN = b"\xff\xda"
# Their decoders read piece by piece, so that `BoundedReader` can stop them. Pillow itself registers the first four;
# unless it knows all of them it would import every decoder that it has.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", WebPImagePlugin.WebPImageFile.format)
# Their decoders take a whole file at once.
LIBRARY_FORMATS = ("AVIF", "HEIF", "TIFF")
NOT_TAKEN = "The object isn't a picture of a format that is taken: BMP, GIF, JPEG, PNG, WebP, AVIF, HEIC, TIFF."
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
AVIF_BRANDS = (b"avif", b"avis")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
# Of image sequences: https://nokiatech.github.io/heif/technical.html. libavif tells those of AVIF itself.
SEQUENCE_BRANDS = (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1")
# Not JPEG: the further pictures of a phone's photograph (MPO) are previews.
ANIMATED_FORMATS = ("AVIF", "GIF", "PNG", "WEBP")
JPEG_FORMATS = ("JPEG", "MPO")
# NewSubfileType of a TIFF: bit 0 marks a smaller version of the picture, as cameras' raw files have it first.
SUBFILE_TYPE, PREVIEW = 254, 1
# Values of EXIF's orientation that exchange width and height.
TURNED = frozenset({5, 6, 7, 8})

# The size is checked against MAX_PIXELS from the header, before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


class BoundedReader(io.BytesIO):
    """An image's bytes for a decoder that may use no more than MAX_SECONDS of its thread's processor time.

    Every decoder reads piece by piece, so that small pieces by the million end here too.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.deadline = time.thread_time() + MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does; raises InvalidImage when the time is over."""
        if time.thread_time() > self.deadline:
            raise InvalidImage(f"The image takes more than {MAX_SECONDS:g} s of processor time to decode.")
        return super().read(size)


# The width and height that are wanted of a picture, by those that it has and the side that is asked for.
FITS: dict[str, Callable[[Size, int], Size]] = {"bound": bounded_size, "squash": lambda _, side: (side, side)}


def library_format(data: bytes) -> str | None:
    """Name the one of LIBRARY_FORMATS that the bytes begin as, None where they don't."""
    if data.startswith(TIFF_SIGNATURES):
        return "TIFF"
    if data[4:8] != b"ftyp":
        return None
    major, compatible = data[8:12], data[16 : int.from_bytes(data[:4])]
    if major in AVIF_BRANDS or (major in (b"mif1", b"msf1") and any(brand in compatible for brand in AVIF_BRANDS)):
        return "AVIF"
    return "HEIF" if major in HEIF_BRANDS + SEQUENCE_BRANDS else None


def format_of(data: bytes) -> str:
    """Name the format of a picture that is taken; raises UnidentifiedImageError for other bytes."""
    if kind := library_format(data):
        return kind
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return str(image.format)


def check_header(image: ImageFile.ImageFile, data: bytes) -> None:
    """Refuse what is too large to decode, or isn't one still picture."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(f"The image has {width}x{height} pixels; at most {MAX_PIXELS:,} are taken.")
    if image.tile and image.tile[0].codec_name == "bmp_rle" and width * height > MAX_RUN_LENGTH_PIXELS:
        raise ImageTooLarge(
            f"The image has {width}x{height} pixels; a run-length-encoded BMP may have {MAX_RUN_LENGTH_PIXELS:,}."
        )
    if image.format in ANIMATED_FORMATS and getattr(image, "is_animated", False):
        raise InvalidImage("The image is animated; a still one is needed.")
    if image.format in JPEG_FORMATS and data.count(START_OF_SCAN) * width * height > MAX_SCANNED_PIXELS:
        raise InvalidImage(f"The image has {data.count(START_OF_SCAN):,} scans, too many for its size.")
    if image.format == "TIFF":
        check_tiff(image)


def check_tiff(image: ImageFile.ImageFile) -> None:
    """Refuse a TIFF that isn't one picture of 1, 8 or 16 bits a sample."""
    if getattr(image, "is_animated", False):
        raise InvalidImage("The image has several pages; a single one is needed.")
    if int(image.tag_v2.get(SUBFILE_TYPE, 0)) & PREVIEW:  # type: ignore[attr-defined]
        raise InvalidImage("The image is a preview, as of a camera's raw file; export it as a JPEG.")
    if image.mode in ("F", "I"):
        raise InvalidImage(
            "The image has samples of 32 bits, or negative ones; up to 16 bits without a sign are taken."
        )


def upright(data: bytes, fit: str, side: int, formats: tuple[str, ...]) -> tuple[Image.Image, Size, Size]:
    """Return the one still picture that the bytes hold, turned as it is seen, its wanted size and its stored one.

    A JPEG may be read smaller than it is stored, but not below twice the size that is wanted, nor below
    FEWEST_READ_PIXELS: of 12 megapixels that takes a fifth of the time, and at 224 pixels moves a channel by at most 18
    of 255 on line art and 3 on a smooth picture.
    """
    reader = BoundedReader(data)
    # What Pillow warns of is either an error later on or doesn't matter.
    with warnings.catch_warnings(action="ignore"), Image.open(reader, formats=formats) as image:
        check_header(image, data)
        width, height = size = image.size
        wanted = FITS[fit](size, side)
        image.draft("RGB", (max(2 * wanted[0], FEWEST_READ_PIXELS), max(2 * wanted[1], FEWEST_READ_PIXELS)))
        raw_mode = str(image.tile[0].args) if image.format == "PNG" else ""
        # Decoding all of it is what verifies it.
        image.load()
        if image.getexif().get(ExifTags.Base.Orientation) in TURNED:
            wanted = FITS[fit]((height, width), side)
        return ImageOps.exif_transpose(apply_colour_key(image, raw_mode, reader)), wanted, size


def decode(data: bytes, fit: str, side: int, formats: tuple[str, ...]) -> tuple[Image.Image, Size]:
    """Return the one still picture that the bytes hold, fitted to a side, and the size it is stored with.

    It is upright RGB, and over white where it is transparent.

    Raises:
        ImageTooLarge: it has more than MAX_PIXELS.
        InvalidImage: the bytes aren't one still picture of one of the formats, or take too long.
    """
    if data[4:8] == b"ftyp" and data[8:12] in SEQUENCE_BRANDS:
        raise InvalidImage("The image is animated; a still one is needed.")
    try:
        image, wanted, size = upright(data, fit, side, formats)
    except (InvalidImage, ImageTooLarge, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InvalidImage(NOT_TAKEN) from error
    # Decoders raise anything on data that isn't what its header says; what they were given is at fault.
    except Exception as error:
        raise InvalidImage(f"The object can't be decoded as an image: {str(error) or type(error).__name__}") from error
    return resized(over_white(image), wanted), size
