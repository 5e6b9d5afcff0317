"""What can be measured of images without knowing what they show.

MEASURES have names that a person understands, and each is compared by itself. The description adds what only means
something together: the power of each band of frequencies (blur, noise and compression change it) and histograms of
oriented gradients (another subject changes them).
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

MEASURES = ("brightness", "contrast", "sharpness", "colourfulness", "red to green", "yellow to blue", "aspect")
BANDS = 8
ORIENTATIONS = 8
CELLS = 2
BATCH = 512
# Of the Rec. 601 luma, as Pillow's conversion to "L".
LUMA = np.array([0.299, 0.587, 0.114])
# Added before a logarithm: a spread of half a grey level is as good as none.
FLOOR = 0.25


def prepared(image: Image.Image, side: int) -> tuple[Images, float]:
    """*image* as RGB of shape (side, side, 3), squashed as the workflow does it, and its width over its height."""
    aspect = image.width / image.height
    rgb = image.convert("RGB")
    if rgb.size != (side, side):
        rgb = rgb.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(rgb), aspect


def measure(images: Images, aspects: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Measures of shape (n, len(MEASURES)) and descriptions of shape (n, d).

    *images* has shape (n, side, side, 3), *aspects* (n,). Lightness and colours are in grey levels from 0 to 255;
    sharpness is the logarithm of the variance of the Laplacian; colourfulness is Hasler's and Süsstrunk's, "Measuring
    colourfulness in natural images", 2003.
    """
    parts = [_batch(images[start : start + BATCH]) for start in range(0, max(len(images), 1), BATCH)]
    named = np.concatenate([part[0] for part in parts])
    descriptions = np.concatenate([part[1] for part in parts])
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
    """Logarithm of the mean power in BANDS bands of frequency, of shape (n, BANDS); *planes* is (n, side, side)."""
    side = planes.shape[1]
    power = np.abs(np.fft.rfft2(planes - planes.mean((1, 2), keepdims=True))) ** 2 / side**2
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
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
    count, side = len(luma), luma.shape[1]
    row = np.arange(side) * CELLS // side
    cell = row[:, None] * CELLS + row[None]
    slot = (np.arange(count)[:, None, None] * CELLS**2 + cell) * ORIENTATIONS + orientation
    sums = np.bincount(slot.ravel(), strength.ravel(), minlength=count * CELLS**2 * ORIENTATIONS)
    histograms = sums.reshape(count, CELLS**2 * ORIENTATIONS)
    shares: Floats = np.sqrt(histograms / (histograms.sum(axis=1, keepdims=True) + FLOOR))
    return shares
