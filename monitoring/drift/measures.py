"""What can be measured of images without knowing what they show.

MEASURES have names that a person understands, and each is compared by itself. The description adds what only means
something together: the power of each band of frequencies (blur, noise and compression change it) and histograms of
oriented gradients (another subject changes them).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from imaging.fitting import fitted, resized

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

MEASURES = ("brightness", "contrast", "sharpness", "colourfulness", "red to green", "yellow to blue", "aspect")
BANDS = 8
ORIENTATIONS = 8
CELLS = 2
# Length of a description: the measures without the aspect, the bands of three planes, the orientations of all cells.
DESCRIBED = len(MEASURES) - 1 + 3 * BANDS + CELLS**2 * ORIENTATIONS
# An image has something in every band of frequencies from this side on.
FEWEST_PIXELS = 2 * BANDS
# Measured at once, in a hundred times as many bytes.
BATCH_PIXELS = 2_000_000
# Of the Rec. 601 luma, as Pillow's conversion to "L".
LUMA = np.array([0.299, 0.587, 0.114])
# Added before a logarithm: a spread of half a grey level is as good as none.
FLOOR = 0.25


def prepared(image: Image.Image, max_side: int, *, exact: bool = False) -> tuple[Images, float]:
    """*image* as RGB of shape (height, width, 3), fitted as the workflow does it, and its width over its height.

    A side of fewer than FEWEST_PIXELS is brought to as many.
    """
    small = fitted(image.convert("RGB"), max_side, exact=exact)
    enough = max(small.width, FEWEST_PIXELS), max(small.height, FEWEST_PIXELS)
    return np.asarray(resized(small, enough)), image.width / image.height


def measure(images: Sequence[Images] | Images, aspects: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Measures of shape (n, len(MEASURES)) and descriptions of shape (n, d).

    Each of the n *images* has a shape (height, width, 3) of its own, and an aspect. Lightness and colours are in grey
    levels from 0 to 255; sharpness is the logarithm of the variance of the Laplacian; colourfulness is Hasler's and
    Süsstrunk's, "Measuring colourfulness in natural images", 2003.
    """
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for place, image in enumerate(images):
        by_shape.setdefault(image.shape, []).append(place)
    named = np.empty((len(images), len(MEASURES) - 1))
    descriptions = np.empty((len(images), DESCRIBED))
    for shape, places in by_shape.items():
        at_once = max(1, BATCH_PIXELS // (shape[0] * shape[1]))
        for start in range(0, len(places), at_once):
            batch = places[start : start + at_once]
            named[batch], descriptions[batch] = _batch(np.stack([images[place] for place in batch]))
    return np.column_stack([named, np.asarray(aspects, dtype=float)]), descriptions


def _batch(images: Images) -> tuple[Floats, Floats]:
    rgb = images.astype(float)
    luma = rgb @ LUMA
    red_green = rgb[..., 0] - rgb[..., 1]
    yellow_blue = (rgb[..., 0] + rgb[..., 1]) / 2 - rgb[..., 2]
    means = [plane.mean((1, 2)) for plane in (luma, red_green, yellow_blue)]
    spreads = [plane.std((1, 2)) for plane in (luma, red_green, yellow_blue)]
    laplacian = np.var(
        luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:] - 4 * luma[:, 1:-1, 1:-1],
        axis=(1, 2),
    )
    colourfulness = np.hypot(*spreads[1:]) + 0.3 * np.hypot(*means[1:])
    named = np.column_stack([means[0], spreads[0], np.log(laplacian + FLOOR), colourfulness, *means[1:]])
    powers = [_band_powers(plane) for plane in (luma, red_green, yellow_blue)]
    return named, np.column_stack([named, *powers, _oriented_gradients(luma)])


def _band_powers(planes: Floats) -> Floats:
    """Logarithm of the mean power in BANDS bands of frequency, of shape (n, BANDS); *planes* is (n, height, width)."""
    height, width = planes.shape[1:]
    power = np.abs(np.fft.rfft2(planes - planes.mean((1, 2), keepdims=True))) ** 2 / (height * width)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    ring = np.minimum(frequency * 2 * BANDS, BANDS - 1).astype(int).ravel()
    inside = (ring == np.arange(BANDS)[:, None]).astype(float)
    means = power.reshape(len(planes), ring.size) @ (inside / inside.sum(axis=1, keepdims=True)).T
    logarithms: Floats = np.log(means + FLOOR)
    return logarithms


def _oriented_gradients(luma: Floats) -> Floats:
    """Shares of the gradients by orientation in CELLS x CELLS cells, of shape (n, CELLS**2 * ORIENTATIONS)."""
    down, across = np.gradient(luma, axis=(1, 2))
    strength = np.hypot(down, across)
    orientation = ((np.arctan2(down, across) / np.pi % 1) * ORIENTATIONS).astype(int) % ORIENTATIONS
    count, height, width = luma.shape
    row, column = np.arange(height) * CELLS // height, np.arange(width) * CELLS // width
    cell = row[:, None] * CELLS + column[None]
    slot = (np.arange(count)[:, None, None] * CELLS**2 + cell) * ORIENTATIONS + orientation
    sums = np.bincount(slot.ravel(), strength.ravel(), minlength=count * CELLS**2 * ORIENTATIONS)
    histograms = sums.reshape(count, CELLS**2 * ORIENTATIONS)
    shares: Floats = np.sqrt(histograms / (histograms.sum(axis=1, keepdims=True) + FLOOR))
    return shares
