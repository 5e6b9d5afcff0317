"""What a browser shows of pictures with a transparent colour, over white, beside what the workflow makes of them."""

import base64
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from imaging.decoding import squash
from tests.hostile_images import chunk, png
from tests.waiting import LONGEST_SECONDS

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
SIDE = 16
PAGE = """<meta charset="utf-8"><pre id="read">waiting</pre><script>
const pictures = %s;
Promise.all(pictures.map(async (data) => {
  const image = new Image();
  image.src = "data:image/png;base64," + data;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width; canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
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


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_transparent_colour_shows_as_in_a_browser(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    files = pictures()
    page = tmp_path / "page.html"
    page.write_text(PAGE % json.dumps([base64.b64encode(data).decode() for data in files.values()]))
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST_SECONDS).stdout
    text = re.search(r'<pre id="read">(.*?)</pre>', shown, re.DOTALL)
    assert text
    read = json.loads(html.unescape(text[1]))
    for (name, data), values in zip(files.items(), read, strict=True):
        expected = np.array(values).reshape(SIDE, SIDE, 4)[..., :3]
        ours = np.asarray(squash(data, SIDE)[0], dtype=np.int64)
        assert (expected == 255).all(2).any(), name
        # Of 16 bits the browser rounds, and the workflow keeps the first eight.
        assert np.abs(ours - expected).max() <= (1 if "16" in name else 0), name
