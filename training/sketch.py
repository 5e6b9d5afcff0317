"""Draw small scenes for the sample data set: vehicles seen from the side, and what stands around them.

Things are drawn in their own coordinates (metres: x to the front, y up, the ground at 0) through a pose that scales,
turns, foreshortens and mirrors them, on a canvas `DETAIL` times as large as the image it becomes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE = 32
DETAIL = 4
CANVAS = SIDE * DETAIL

Point = tuple[float, float]
Colour = tuple[int, int, int]
Rng = np.random.Generator

_CIRCLE = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 25)]


@dataclass(frozen=True)
class Pen:
    """Draws in a thing's own coordinates: `matrix` takes metres to canvas pixels, `origin` is where (0, 0) lands."""

    draw: ImageDraw.ImageDraw
    matrix: tuple[float, float, float, float]
    origin: Point
    scale: float

    def at(self, points: Sequence[Point]) -> list[Point]:
        """Take points to canvas pixels."""
        (a, b, c, d), (x0, y0) = self.matrix, self.origin
        return [(x0 + a * x + b * y, y0 + c * x + d * y) for x, y in points]

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a line `width` metres thick, never thinner than a canvas pixel."""
        self.draw.line(self.at(points), fill=colour, width=max(1, round(width * self.scale)), joint="curve")

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self.draw.polygon(self.at(points), fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        self.shape([(x + radius * c, y + radius * s) for c, s in _CIRCLE], colour)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Colour) -> None:
        """Draw a circle's line."""
        self.line([(x + radius * c, y + radius * s) for c, s in _CIRCLE], width, colour)


def colour(rng: Rng, low: int = 0, high: int = 255) -> Colour:
    """Choose a colour between two levels, mostly muted: a third of the way from a grey to anything."""
    grey, vivid = rng.uniform(low, high), rng.uniform(low, high, 3)
    red, green, blue = (grey + rng.choice((0.35, 0.35, 0.9)) * (vivid - grey)).astype(int).tolist()
    return red, green, blue


def _dark(rng: Rng) -> Colour:
    grey = int(rng.integers(10, 75))
    return grey, grey, grey


def bicycle(pen: Pen, rng: Rng) -> None:
    """Draw a bicycle: two thin wheels, a frame of tubes, saddle and handlebar; some carry bags or a rider."""
    radius, base = rng.uniform(0.29, 0.36), rng.uniform(0.48, 0.58)
    tyre, tube = rng.uniform(0.03, 0.085), rng.uniform(0.03, 0.08)
    paint, rubber = colour(rng), _dark(rng)
    rear, front = (-base, radius), (base, radius)
    crank, seat = (-0.08, radius - 0.04), (-0.22, radius + rng.uniform(0.3, 0.42))
    head = (base - 0.17, radius + rng.uniform(0.3, 0.42))
    for x, y in (rear, front):
        if rng.random() < 0.12:
            pen.disc(x, y, radius, colour(rng, 60, 200))
        elif rng.random() < 0.6:
            for angle in rng.uniform(0, math.pi) + np.arange(4) * math.pi / 4:
                dx, dy = radius * math.cos(angle), radius * math.sin(angle)
                pen.line([(x - dx, y - dy), (x + dx, y + dy)], 0.008, (150, 150, 150))
        pen.ring(x, y, radius, tyre, rubber)
    if rng.random() < 0.25:  # A battery, a child's seat or a frame bag fills the frame.
        pen.shape([crank, seat, head, (base - 0.2, radius + 0.12)], colour(rng))
    low_step = rng.random() < 0.3
    pen.line([rear, crank, seat, rear], tube * 0.8, paint)
    pen.line([crank, (head[0] + 0.03, head[1] - 0.1)], tube, paint)
    if not low_step:
        pen.line([seat, head], tube, paint)
    pen.line([front, head, (head[0] - 0.03, head[1] + 0.12)], tube, paint)
    pen.line([seat, (seat[0] - 0.02, seat[1] + 0.1)], 0.04, rubber)
    pen.line([(seat[0] - 0.13, seat[1] + 0.12), (seat[0] + 0.12, seat[1] + 0.11)], 0.065, rubber)
    grip = (head[0] - 0.03, head[1] + 0.14)
    pen.line([grip, (grip[0] + rng.uniform(-0.14, 0.12), grip[1] + rng.uniform(-0.06, 0.05))], 0.045, rubber)
    pen.disc(*crank, 0.075, rubber)
    if rng.random() < 0.2:
        pen.shape(
            [(-base - 0.2, radius + 0.38), (-base + 0.2, radius + 0.38), (-base + 0.17, 0.3), (-base - 0.17, 0.3)],
            colour(rng),
        )
    if rng.random() < 0.2:
        pen.shape(
            [(base - 0.1, 0.98), (base + 0.24, 0.98), (base + 0.2, 0.74), (base - 0.06, 0.74)], colour(rng, 60, 200)
        )
    if rng.random() < 0.2:
        _rider(pen, rng, (seat[0], seat[1] + 0.13), grip, crank)


def motorcycle(pen: Pen, rng: Rng) -> None:
    """Draw a motorcycle: broad wheels, engine, tank, long seat and exhaust; some have a fairing, a box or a rider."""
    radius, base = rng.uniform(0.26, 0.34), rng.uniform(0.56, 0.72)
    tyre = rng.uniform(0.06, 0.15)
    paint, rubber, metal = colour(rng), _dark(rng), colour(rng, 90, 210)
    slim = rng.random() < 0.3  # A trial or dirt bike shows daylight between its parts.
    rear, front = (-base, radius), (base, radius)
    head, tail = (
        (base - rng.uniform(0.22, 0.34), radius + rng.uniform(0.4, 0.52)),
        (-base - 0.05, radius + rng.uniform(0.3, 0.44)),
    )
    for x, y in (rear, front):
        if rng.random() < 0.5:
            pen.disc(x, y, radius * rng.uniform(0.4, 0.75), metal)
        pen.ring(x, y, radius, tyre, rubber)
    pen.line([rear, (0, radius + 0.02)], 0.07, metal)
    pen.line([front, head, (head[0] - 0.06, head[1] + 0.1)], 0.06, metal)
    block = 0.2 if slim else rng.uniform(0.24, 0.34)
    pen.shape(
        [(-block, 0.17), (block, 0.15), (block + 0.04, 0.5), (-block + 0.06, 0.56)],
        rubber if rng.random() < 0.6 else metal,
    )
    pen.line([(block, 0.3), (0.1, 0.16), (-base - 0.15, rng.uniform(0.2, 0.42))], 0.06, metal)
    waist = (-0.12, radius + 0.32)
    pen.shape(
        [
            waist,
            (head[0] + 0.02, head[1] - 0.12),
            (head[0], head[1] + 0.02),
            (0.12, head[1] + 0.06),
            (-0.08, waist[1] + 0.1),
        ],
        paint,
    )
    pen.line([(0.0, waist[1] + 0.04), waist, tail], 0.07 if slim else 0.13, rubber)
    if not slim:
        pen.shape([(-0.5, waist[1]), waist, (-0.05, 0.45), (-0.35, 0.45)], paint)
    pen.line([(tail[0] - 0.05, tail[1]), (tail[0] + 0.2, tail[1])], 0.07, paint)
    pen.line([(front[0] - 0.22, front[1] + radius * 0.9), (front[0] + 0.14, front[1] + radius * 1.15)], 0.05, paint)
    grip = (head[0] - 0.1, head[1] + 0.14)
    pen.line([(head[0] - 0.05, head[1] + 0.1), grip], 0.045, rubber)
    pen.disc(head[0] + 0.06, head[1] - 0.02, 0.075, colour(rng, 180, 255))
    if rng.random() < 0.3:
        nose = [
            (head[0] + 0.18, head[1] - 0.12),
            (head[0] + 0.02, head[1] + 0.26),
            (head[0] - 0.12, head[1]),
            (0.1, 0.42),
        ]
        pen.shape(nose, paint)
    if rng.random() < 0.2:
        pen.shape([(-base - 0.2, 1.05), (-base + 0.2, 1.05), (-base + 0.2, 0.72), (-base - 0.15, 0.72)], colour(rng))
    if rng.random() < 0.25:
        _rider(pen, rng, (-0.28, waist[1] + 0.08), grip, (0.02, 0.25))


def _rider(pen: Pen, rng: Rng, hip: Point, grip: Point, foot: Point) -> None:
    shirt, trousers = colour(rng), colour(rng, 0, 140)
    shoulder = (hip[0] + rng.uniform(0.1, 0.35), hip[1] + rng.uniform(0.42, 0.52))
    knee = ((hip[0] + foot[0]) / 2 + 0.22, (hip[1] + foot[1]) / 2 + 0.08)
    pen.line([hip, knee, foot], 0.13, trousers)
    pen.line([hip, shoulder], 0.22, shirt)
    pen.line([shoulder, ((shoulder[0] + grip[0]) / 2, (shoulder[1] + grip[1]) / 2 - 0.08), grip], 0.09, shirt)
    pen.disc(shoulder[0] + 0.08, shoulder[1] + 0.18, 0.13, colour(rng, 40, 240))


def bus(pen: Pen, rng: Rng) -> None:
    """Draw a bus."""
    paint, glass = colour(rng), colour(rng, 20, 120)
    pen.shape([(-1, 0.15), (1, 0.15), (1, 1), (-1, 1)], paint)
    for x in np.linspace(-0.9, 0.65, 5).tolist():
        pen.shape([(x, 0.55), (x + 0.26, 0.55), (x + 0.26, 0.88), (x, 0.88)], glass)
    for x in (-0.6, 0.6):
        pen.disc(x, 0.16, 0.17, _dark(rng))


def house(pen: Pen, rng: Rng) -> None:
    """Draw a house."""
    glass = colour(rng, 20, 120)
    pen.shape([(-0.7, 0), (0.7, 0), (0.7, 0.7), (-0.7, 0.7)], colour(rng, 90, 255))
    pen.shape([(-0.85, 0.65), (0.85, 0.65), (0, rng.uniform(0.95, 1.3))], colour(rng, 20, 180))
    pen.shape([(-0.12, 0), (0.15, 0), (0.15, 0.42), (-0.12, 0.42)], glass)
    for x in (-0.55, 0.3):
        pen.shape([(x, 0.25), (x + 0.25, 0.25), (x + 0.25, 0.5), (x, 0.5)], glass)


def tree(pen: Pen, rng: Rng) -> None:
    """Draw a tree."""
    green = int(rng.integers(70, 190))
    leaves = (int(rng.integers(10, green)), green, int(rng.integers(10, 70)))
    pen.line([(0, 0), (0, 0.6)], 0.14, (90, 60, 35))
    for _ in range(5):
        pen.disc(rng.uniform(-0.28, 0.28), rng.uniform(0.6, 1.05), rng.uniform(0.2, 0.34), leaves)


# In the order of their class numbers.
THINGS: dict[str, Callable[[Pen, Rng], None]] = {
    "bicycle": bicycle,
    "bus": bus,
    "house": house,
    "motorcycle": motorcycle,
    "tree": tree,
}


def _pen(draw: ImageDraw.ImageDraw, rng: Rng, scale: float, ground: Point, tilt: float) -> Pen:
    """Put a thing on the ground, as seen a little from the front or the back, leaning, perhaps mirrored."""
    along = scale * rng.uniform(0.72, 1.0) * rng.choice((-1.0, 1.0))
    shear = rng.uniform(-0.12, 0.12)
    cos, sin = math.cos(tilt), math.sin(tilt)
    # Canvas y points down, so heights are negative there.
    return Pen(
        draw,
        (cos * along, (cos * shear + sin) * scale, sin * along, (sin * shear - cos) * scale),
        ground,
        scale,
    )


def _background(rng: Rng) -> Image.Image:
    """Paint soft blotches, or a plain studio; then often a horizon, and things far off."""
    blotches, strength = rng.integers(2, 9), rng.uniform(0, 35)
    tone = colour(rng, 50, 230) if rng.random() < 0.7 else colour(rng, 225, 250)
    soft = np.clip(
        tone + rng.normal(0, strength, (blotches, blotches, 1)) + rng.normal(0, strength / 4, (blotches, blotches, 3)),
        0,
        255,
    ).astype(np.uint8)
    image = Image.fromarray(soft).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.7:
        horizon = rng.uniform(0.45, 0.8) * CANVAS
        draw.rectangle((0, horizon, CANVAS, CANVAS), fill=colour(rng, 50, 200))
    for _ in range(rng.integers(0, 4)):
        x, width, top = rng.uniform(-0.2, 1) * CANVAS, rng.uniform(0.05, 0.4) * CANVAS, rng.uniform(0, 0.5) * CANVAS
        draw.rectangle((x, top, x + width, rng.uniform(0.5, 0.75) * CANVAS), fill=colour(rng, 30, 230))
    for _ in range(rng.integers(0, 4)):
        start, end = rng.uniform(0, CANVAS, 2), rng.uniform(0, CANVAS, 2)
        draw.line([(start[0], start[1]), (end[0], end[1])], fill=colour(rng, 20, 230), width=int(rng.integers(1, 6)))
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
    scale = CANVAS * rng.uniform(0.36, 0.56)
    ground = (CANVAS * rng.uniform(0.4, 0.6), CANVAS * rng.uniform(0.72, 0.92))
    if rng.random() < 0.6:
        shade = (ground[0] - scale * 0.85, ground[1] - scale * 0.07, ground[0] + scale * 0.85, ground[1] + scale * 0.08)
        draw.ellipse(shade, fill=colour(rng, 20, 90))
    THINGS[thing](_pen(draw, rng, scale, ground, rng.normal(0, 0.12)), rng)
    if rng.random() < 0.25:
        _occlude(draw, rng)
    return _light(canvas.reduce(DETAIL), rng)


def _light(image: Image.Image, rng: Rng) -> Image.Image:
    """Give the picture its light, colour cast, blur and noise."""
    if rng.random() < 0.3:
        # Shrinking and enlarging is a blur at a fraction of a filter's cost.
        small = int(rng.integers(18, 28))
        image = image.resize((small, small), Image.Resampling.BILINEAR).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels = np.asarray(image, dtype=np.float32)
    slope = np.linspace(-1, 1, SIDE, dtype=np.float32) * rng.uniform(-0.3, 0.3)
    contrast, brightness = rng.uniform(0.45, 1.1), rng.normal(0, 18)
    cast = rng.uniform(0.85, 1.1, 3)
    pixels = ((pixels - 128) * contrast + 128 + brightness) * cast * (1 + slope[None, :, None])
    pixels += rng.normal(0, rng.uniform(1, 12), pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
