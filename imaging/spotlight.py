"""Show on a picture where the model looked."""

from collections.abc import Sequence

from PIL import Image

# Brightness of what didn't speak for the answer.
DIMMED = 0.35


def spotlight(image: Image.Image, shares: Sequence[Sequence[float]]) -> Image.Image:
    """Return an RGB picture with the colours of what spoke for the answer; the rest is gray and dark.

    Args:
        image: RGB.
        shares: rows of a grid over the picture, 0 and above. The cell with the largest share keeps all of its colours,
            one without a share has none.
    """
    most = max(map(max, shares)) or 1.0
    light = Image.new("L", (len(shares[0]), len(shares)))
    light.putdata([round(255 * share / most) for row in shares for share in row])
    gray = image.convert("L").point(lambda level: level * DIMMED).convert("RGB")
    return Image.composite(image, gray, light.resize(image.size, Image.Resampling.BICUBIC))
