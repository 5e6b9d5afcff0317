"""The wavelet scattering transform of small colour images, in two parts under mirroring.

Scattering averages the modulus of wavelet coefficients over windows, once and twice; Bruna and Mallat, "Invariant
Scattering Convolution Networks", 2013, https://arxiv.org/abs/1203.1513. Mirroring an image only permutes its
coefficients, so an even and an odd part of each pair describe the image and its mirror image at once.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from classifier.processors import cores

SCALES = 3
"""Sizes of the wavelets, each twice the one before; the smallest suits edges about two pixels wide."""
ANGLES = 4
WINDOW = 8
"""Pixels from one averaging window to the next."""
PADDING = 4
"""Pixels mirrored at each border, for wavelets would else see the opposite side of the image."""
CHUNK = 4
"""Images that one thread transforms at once: few enough to stay in the processor's cache."""
LOG_FLOOR = 1e-3
"""Added before the logarithm; pixel values run from 0 to 1."""
OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]], np.float32) / np.sqrt(np.array([[3], [2], [6]], np.float32))
"""Rows: luminance, red against green, yellow against blue; orthonormal."""

CHANNELS = len(OPPONENT) * (1 + SCALES * ANGLES + SCALES * (SCALES - 1) // 2 * ANGLES**2)
"""Coefficients in each window."""

Floats = NDArray[np.float32]


def features(images: NDArray[np.uint8]) -> Floats:
    """Transform images on all the cores this process may use.

    Args:
        images: array of shape (n, side, side, 3), RGB; side is a multiple of 16

    Returns:
        array of shape (n, d): the first d/2 columns don't change when the image is mirrored, the others change sign
    """
    chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    if len(chunks) == 1:
        return _even_odd(chunks[0])
    with ThreadPoolExecutor(cores()) as pool:
        return np.concatenate(list(pool.map(_even_odd, chunks)))


def grid(side: int) -> tuple[int, int]:
    """Rows and columns of windows in an image."""
    return side // WINDOW, side // WINDOW


def _even_odd(images: NDArray[np.uint8]) -> Floats:
    """Combine each coefficient with the one that takes its place in the mirror image, orthonormally."""
    coefficients = _scatter(images)
    half = coefficients.shape[-1] // 2
    left, right = coefficients[..., :half], coefficients[:, :, _mirrored_paths()][..., : half - 1 : -1]
    pair = np.stack([left + right, left - right]) * np.float32(np.sqrt(0.5))
    return np.concatenate(list(pair.reshape(2, len(images), -1)), axis=1)


def _scatter(images: NDArray[np.uint8]) -> Floats:
    """Coefficients of orders 0, 1 and 2: (n, 3 colours, paths, windows, windows); orders 1 and 2 as logarithms."""
    side = images.shape[1]
    pixels = np.einsum("kc,nhwc->nkhw", OPPONENT, images.astype(np.float32) / np.float32(255))
    border = ((0, 0), (0, 0), (PADDING, PADDING), (PADDING, PADDING))
    padded = np.pad(pixels, border, mode="symmetric")
    spectrum = fft.fft2(padded)[:, :, None]
    mean = _average(padded[:, :, None], side, 0)
    first, second = [], []
    for scale in range(SCALES):
        modulus = _modulus(spectrum, side, scale, 0)
        first.append(_average(modulus, side, scale))
        inner = fft.fft2(modulus)[:, :, :, None]
        for coarser in range(scale + 1, SCALES):
            averages = _average(_modulus(inner, side, coarser, scale), side, coarser)
            second.append(averages.reshape(*mean.shape[:2], -1, *mean.shape[3:]))
    logs = np.log(np.concatenate(first + second, axis=2) + np.float32(LOG_FLOOR))
    return np.concatenate([mean, logs], axis=2)


def _modulus(spectrum: NDArray[np.complex64], side: int, scale: int, level: int) -> Floats:
    """Modulus of the wavelets of one scale, on a grid 2**scale pixels wide, of a signal on a grid 2**level wide."""
    wavelets = _wavelets(side, scale, level)
    filtered = _lowest(spectrum, wavelets.shape[-1]) * wavelets
    if scale:
        # Keeping every second sample folds the spectrum onto itself.
        half = filtered.shape[-1] // 2
        rows = filtered[..., :half, :] + filtered[..., half:, :]
        filtered = rows[..., :half] + rows[..., half:]
    modulus: Floats = np.abs(fft.ifft2(filtered, overwrite_x=True))
    return modulus


def _lowest(spectrum: NDArray[Any], size: int) -> NDArray[Any]:
    """The lowest size x size frequencies, in the order of the transform."""
    if spectrum.shape[-1] == size:
        return spectrum
    half = size // 2
    rows = np.concatenate([spectrum[..., :half, :], spectrum[..., -half:, :]], axis=-2)
    return np.concatenate([rows[..., :half], rows[..., -half:]], axis=-1)


def _average(signal: Floats, side: int, level: int) -> Floats:
    """Gaussian averages over the windows of a signal on a grid 2**level pixels wide."""
    rows = _windows(side, level)
    return rows @ (signal @ rows.T)


@lru_cache
def _windows(side: int, level: int) -> Floats:
    """Weights of the samples of one axis in each window: (windows, samples), symmetric about the image's centre."""
    step = 2**level
    positions = np.arange((side + 2 * PADDING) // step) * step + (step - 1) / 2 - PADDING
    centres = (np.arange(side // WINDOW) + 0.5) * WINDOW - 0.5
    weights = np.exp(-0.5 * ((positions - centres[:, None]) / (3 * WINDOW / 8)) ** 2)
    shares: Floats = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return shares


@lru_cache
def _wavelets(side: int, scale: int, level: int) -> NDArray[np.complex64]:
    """Fourier transforms of the wavelets of one scale, (angles, frequencies, frequencies), for `_modulus`.

    They have no weight above the lowest frequencies. A phase moves the samples that are kept to the centres of the
    cells they stand for, so that a grid mirrors onto itself.
    """
    size = side + 2 * PADDING
    angles = np.pi * (np.arange(ANGLES) + 0.5) / ANGLES - np.pi / 2
    bank = np.stack([_morlet(size, 0.8 * 2**scale, 0.75 * np.pi / 2**scale, angle) for angle in angles])
    kept = size // 2 ** max(scale - 1, 0)
    if kept < size:
        bank = _lowest(bank, kept)
        # The highest of them has no counterpart of the other sign.
        bank[:, kept // 2] = bank[:, :, kept // 2] = 0
    phase = np.exp(1j * np.pi * np.fft.fftfreq(kept, 1 / kept) / (size >> level) * (2 ** (scale - level) - 1))
    shifted: NDArray[np.complex64] = (bank * phase[:, None] * phase / 4 ** (scale - level)).astype(np.complex64)
    return shifted


def _morlet(size: int, sigma: float, frequency: float, angle: float) -> NDArray[np.float64]:
    """Fourier transform of a Morlet wavelet of mean 0 on a periodic grid; sigma in pixels, frequency in radians."""
    axis = np.fft.fftfreq(size, 1 / size)
    envelope, wave = np.zeros((size, size)), np.zeros((size, size), complex)
    for down, across in np.ndindex(3, 3):
        y, x = axis[:, None] + (down - 1) * size, axis + (across - 1) * size
        along, beside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        gauss = np.exp(-(along**2 + (4 / ANGLES * beside) ** 2) / (2 * sigma**2))
        envelope += gauss
        wave += gauss * np.exp(1j * frequency * along)
    wave -= envelope * (wave.sum() / envelope.sum())
    # Point symmetry makes the transform real.
    return np.fft.fft2(wave / (np.pi * ANGLES / 2 * sigma**2)).real


@lru_cache
def _mirrored_paths() -> Sequence[int]:
    """For each path of `_scatter`, the path that takes its place in the mirror image: every angle is negated."""
    paths = [0]
    for scale in range(SCALES):
        paths += [1 + scale * ANGLES + ANGLES - 1 - angle for angle in range(ANGLES)]
    start = len(paths)
    for pair in range(SCALES * (SCALES - 1) // 2):
        block = start + pair * ANGLES**2
        paths += [block + ANGLES**2 - 1 - angles for angles in range(ANGLES**2)]
    return paths
