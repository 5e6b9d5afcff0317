"""Pictures that cost a decoder far more than their bytes, and some that make one fail in an odd way."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tests.images import encoded, gradient

SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00"


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(samples: np.ndarray, depth: int, colour_type: int, *before: bytes, after: bytes = b"") -> bytes:
    """A PNG of samples (height, width) or (height, width, channels), with chunks before and after its pixels."""
    height, width = samples.shape[:2]
    rows = samples.reshape(height, -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8).reshape(height, -1)
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(height, -1), axis=1)
    lines = b"".join(b"\0" + line.tobytes() for line in packed)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + pixels + after + chunk(b"IEND", b"")


def profile(size: int) -> bytes:
    """An iCCP chunk that unpacks to so many bytes."""
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(size)))


def progressive_with_empty_scans(scans: int, side: int) -> bytes:
    """A progressive JPEG; each further scan of ten bytes visits every block of the picture."""
    data = encoded(gradient(side, side), "JPEG", progressive=True)
    end = data.rindex(b"\xff\xd9")
    return data[:end] + SCAN * scans + data[end:]


def png_of_profiles(size: int) -> bytes:
    """A PNG that repeats one chunk, which unpacks to nearly a megabyte, up to a size."""
    one = profile(1_000_000)
    return png(np.zeros((1, 1)), 8, 0, one * (size // len(one)))


def png_of_empty_chunks(size: int) -> bytes:
    """A PNG of chunks that hold nothing."""
    return png(np.zeros((1, 1)), 8, 0, chunk(b"teSt", b"") * (size // 12))


def gif_of_tiny_comments(size: int) -> bytes:
    """A GIF whose one comment comes in blocks of one byte."""
    data = encoded(gradient(), "GIF")
    return data[:-1] + b"\x21\xfe" + b"\x01x" * (size // 2) + b"\0;"


def gif_of_comments_before_the_picture(size: int) -> bytes:
    """A GIF with nothing but comments before its picture."""
    data = encoded(gradient(), "GIF")
    start = 13 + 3 * (2 << (data[10] & 7)) if data[10] & 128 else 13
    return data[:start] + b"\x21\xfe\x01x\0" * (size // 5) + data[start:]


def jpeg_of_empty_segments(size: int) -> bytes:
    """A JPEG of comments without text."""
    data = encoded(gradient(), "JPEG")
    return data[:2] + b"\xff\xfe\0\x02" * (size // 4) + data[2:]


def bmp_of_short_runs(size: int) -> bytes:
    """A run-length-encoded BMP in which each run is one pixel."""
    width = 1_000
    height = size // (2 * width + 2)
    return run_length_bmp(width, height, (b"\x01\x07" * width + b"\0\0") * height + b"\0\x01")


def run_length_bmp(width: int, height: int, pixels: bytes) -> bytes:
    """A run-length-encoded BMP with 256 grays."""
    palette = bytes(range(256)) * 4
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    offset = 14 + len(info) + len(palette)
    header = b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset)
    return header + info + palette + pixels


def largest_png() -> bytes:
    """Fifty million pixels with transparency: the most that is taken."""
    buffer = io.BytesIO()
    Image.new("RGBA", (10_000, 5_000), (255, 0, 0, 128)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header names a size, and which has no pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def tiff_of_size(width: int, height: int) -> bytes:
    """A TIFF whose header names a size, and which has no pixels."""
    return _tiff(width, height, 1, b"")


def tiff_of_empty_scans(scans: int, side: int) -> bytes:
    """A TIFF whose one strip is a progressive JPEG; each further scan of ten bytes visits every block of it."""
    return _tiff(side, side, 7, progressive_with_empty_scans(scans, side), photometric=6)


def _tiff(width: int, height: int, compression: int, strip: bytes, photometric: int = 2) -> bytes:
    """A TIFF of one strip: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf."""
    bits = 8 + 2 + 10 * 12 + 4
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, bits),
        (259, 3, 1, compression),
        (262, 3, 1, photometric),
        (273, 4, 1, bits + 6),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(strip)),
        (284, 3, 1, 1),
    ]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    header = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    return header + entries + bytes(4) + struct.pack("<3H", 8, 8, 8) + strip
