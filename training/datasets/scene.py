"""Compose the sample data set's images: an object on its ground, its surroundings, the light and the noise.

A scene is drawn `DETAIL` times as large as the image it becomes.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

from training.datasets.sketch import THINGS, Pen, Point, Rng, colour

SIDE = 32
DETAIL = 4
CANVAS = SIDE * DETAIL


def _pen(draw: ImageDraw.ImageDraw, rng: Rng, scale: float, ground: Point, tilt: float) -> Pen:
    """Put a thing on the ground, as seen a little from the front or the back, leaning, perhaps mirrored."""
    along = scale * rng.uniform(0.78, 1.0) * rng.choice((-1.0, 1.0))
    shear = rng.uniform(-0.12, 0.12)
    cos, sin = math.cos(tilt), math.sin(tilt)
    # Canvas y points down, so heights are negative there.
    matrix = (cos * along, (cos * shear + sin) * scale, sin * along, (sin * shear - cos) * scale)
    return Pen(draw, matrix, ground, scale)


def _background(rng: Rng) -> Image.Image:
    """Paint soft blotches, or a plain studio; then often a horizon, and things far off."""
    blotches, strength = rng.integers(2, 9), rng.uniform(0, 35)
    tone = colour(rng, 50, 230) if rng.random() < 0.7 else colour(rng, 225, 250)
    light = rng.normal(0, strength, (blotches, blotches, 1))
    tint = rng.normal(0, strength / 4, (blotches, blotches, 3))
    image = Image.fromarray(np.clip(tone + light + tint, 0, 255).astype(np.uint8))
    image = image.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.7:
        horizon = rng.uniform(0.45, 0.8) * CANVAS
        draw.rectangle((0, horizon, CANVAS, CANVAS), fill=colour(rng, 50, 200))
    for _ in range(rng.integers(0, 4)):
        x, width, top = rng.uniform(-0.2, 1) * CANVAS, rng.uniform(0.05, 0.4) * CANVAS, rng.uniform(0, 0.5) * CANVAS
        draw.rectangle((x, top, x + width, rng.uniform(0.5, 0.75) * CANVAS), fill=colour(rng, 30, 230))
    for _ in range(rng.integers(0, 4)):
        ends = rng.uniform(0, CANVAS, 4).tolist()
        draw.line(ends, fill=colour(rng, 20, 230), width=int(rng.integers(1, 6)))
    return image


def _occlude(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    """Put a post, a bush or a passer-by in front."""
    x, width = rng.uniform(0.1, 0.9) * CANVAS, rng.uniform(0.04, 0.2) * CANVAS
    top = rng.uniform(0.0, 0.7) * CANVAS
    if rng.random() < 0.5:
        draw.rectangle((x, top, x + width, CANVAS), fill=colour(rng, 20, 220))
    else:
        draw.ellipse((x - width, CANVAS * 0.95 - width * 2, x + width, CANVAS * 0.95), fill=colour(rng, 20, 160))


def picture(thing: str, rng: Rng) -> Image.Image:
    """Draw one image of a thing, `SIDE` pixels a side, RGB."""
    canvas = _background(rng)
    draw = ImageDraw.Draw(canvas)
    scale = CANVAS * rng.uniform(0.42, 0.57)
    ground = (CANVAS * rng.uniform(0.4, 0.6), CANVAS * rng.uniform(0.72, 0.92))
    if rng.random() < 0.6:
        shade = (ground[0] - scale * 0.85, ground[1] - scale * 0.07, ground[0] + scale * 0.85, ground[1] + scale * 0.08)
        draw.ellipse(shade, fill=colour(rng, 20, 90))
    THINGS[thing](_pen(draw, rng, scale, ground, rng.normal(0, 0.08)), rng)
    if rng.random() < 0.25:
        _occlude(draw, rng)
    return _light(canvas.reduce(DETAIL), rng)


def _light(image: Image.Image, rng: Rng) -> Image.Image:
    """Give the picture its light, colour cast, blur and noise."""
    if rng.random() < 0.2:
        # Shrinking and enlarging is a blur at a fraction of a filter's cost.
        small = int(rng.integers(18, 28))
        image = image.resize((small, small), Image.Resampling.BILINEAR).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels = np.asarray(image, dtype=np.float32)
    slope = np.linspace(-1, 1, SIDE, dtype=np.float32) * rng.uniform(-0.3, 0.3)
    contrast, brightness = rng.uniform(0.5, 1.1), rng.normal(0, 18)
    cast = rng.uniform(0.85, 1.1, 3)
    pixels = ((pixels - 128) * contrast + 128 + brightness) * cast * (1 + slope[None, :, None])
    pixels += rng.normal(0, rng.uniform(1, 10), pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
