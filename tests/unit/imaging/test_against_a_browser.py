"""What a browser shows of pictures over white, beside what the workflow makes of them: colour keys, turns, formats."""

import base64
import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imaging.decoding import bound, squash
from tests.hostile_images import chunk, png
from tests.images import encoded, gradient
from tests.waiting import LONGEST_SECONDS

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
SIDE = 16
PAGE = """<meta charset="utf-8"><pre id="read">waiting</pre><script>
const pictures = %s;
Promise.all(pictures.map(async (data) => {
  const image = new Image();
  const loaded = new Promise((done, failed) => { image.onload = done; image.onerror = failed; });
  image.src = "data:image/png;base64," + data;
  await loaded;
  const canvas = document.createElement("canvas");
  canvas.width = image.width; canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  const pixels = Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
  return [canvas.height, canvas.width, pixels];
})).then((pixels) => { document.getElementById("read").textContent = JSON.stringify(pixels); });
</script>"""


def pictures() -> dict[str, bytes]:
    """Pictures whose samples run over all levels, or close to the transparent one, at every depth."""
    count = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    found = {}
    for depth in (1, 2, 4, 8, 16):
        samples = count % (1 << depth) if depth < 16 else 0x7F80 + count
        key = int(samples[3, 5])
        found[f"gray of {depth} bits"] = png(samples, depth, 0, chunk(b"tRNS", key.to_bytes(2, "big")))
    for depth in (8, 16):
        base = count if depth == 8 else 0x7F80 + count
        samples = np.stack([base, base[::-1], base.T], 2)
        key = samples[3, 5].astype(">u2").tobytes()
        found[f"colours of {depth} bits"] = png(samples, depth, 2, chunk(b"tRNS", key))
    return found


def turned(kind: str) -> list[bytes]:
    """A picture in each of EXIF's orientations, with transparency where the format has it."""
    picture = gradient(48, 32)
    if kind != "JPEG":
        picture.putalpha(Image.linear_gradient("L").resize((48, 32)))
    files = []
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        files.append(encoded(picture, kind, exif=exif, quality=95))
    return files


def shown(files: Iterable[bytes], tmp_path: Path) -> list[NDArray[np.int64]]:
    """Return what a browser shows of each file, (height, width, 3)."""
    assert CHROMIUM is not None
    page = tmp_path / "page.html"
    page.write_text(PAGE % json.dumps([base64.b64encode(data).decode() for data in files]))
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000", "--dump-dom", page.as_uri()]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST_SECONDS).stdout
    text = re.search(r'<pre id="read">(.*?)</pre>', said, re.DOTALL)
    assert text
    read = json.loads(html.unescape(text[1]))
    return [np.array(values).reshape(height, width, 4)[..., :3] for height, width, values in read]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF"])
def test_a_picture_of_any_format_and_orientation_shows_as_in_a_browser(kind: str, tmp_path: Path) -> None:
    # BMP and GIF have no orientation, and Chromium reads none of a WebP.
    files = turned(kind) if kind in ("JPEG", "PNG", "AVIF") else [encoded(gradient(48, 32), kind)]
    for number, (data, expected) in enumerate(zip(files, shown(files, tmp_path), strict=True), 1):
        ours = np.asarray(bound(data, 224)[0], dtype=np.int64)
        assert ours.shape == expected.shape, number
        # Decoders round colours of half the resolution in ways of their own.
        assert np.abs(ours - expected).max() <= 8, number


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_transparent_colour_shows_as_in_a_browser(tmp_path: Path) -> None:
    files = pictures()
    for (name, data), expected in zip(files.items(), shown(files.values(), tmp_path), strict=True):
        ours = np.asarray(squash(data, SIDE)[0], dtype=np.int64)
        assert (expected == 255).all(2).any(), name
        # Of 16 bits the browser rounds, and the workflow keeps the first eight.
        assert np.abs(ours - expected).max() <= (1 if "16" in name else 0), name
