"""Draw the things of the sample data set, seen from the side.

Things are drawn in their own coordinates (metres: x to the front, y up, the ground at 0) through a pen that scales,
turns, foreshortens and mirrors them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw

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

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.shape([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        self.shape([(x + radius * c, y + radius * s) for c, s in _CIRCLE], colour)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Colour) -> None:
        """Draw a circle's line."""
        self.line([(x + radius * c, y + radius * s) for c, s in _CIRCLE], width, colour)


def colour(rng: Rng, low: int = 0, high: int = 255) -> Colour:
    """Choose a colour between two levels, mostly muted: a third of the way from a grey to anything."""
    grey, vivid = rng.uniform(low, high), rng.uniform(low, high, 3)
    red, green, blue = (grey + (0.9 if rng.random() < 0.3 else 0.35) * (vivid - grey)).astype(int).tolist()
    return red, green, blue


def _dark(rng: Rng) -> Colour:
    grey = int(rng.integers(10, 75))
    return grey, grey, grey


def bicycle(pen: Pen, rng: Rng) -> None:
    """Draw a bicycle: two thin wheels, a frame of tubes, saddle and handlebar; some carry bags or a rider."""
    radius, base = rng.uniform(0.29, 0.36), rng.uniform(0.48, 0.58)
    tyre, tube = rng.uniform(0.025, 0.08), rng.uniform(0.03, 0.07)
    paint, rubber = colour(rng), _dark(rng)
    rear, front = (-base, radius), (base, radius)
    crank, seat = (-0.08, radius - 0.04), (-0.22, radius + rng.uniform(0.3, 0.42))
    head = (base - 0.17, radius + rng.uniform(0.3, 0.42))
    for x, y in (rear, front):
        _spoked_wheel(pen, rng, x, y, radius)
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
    if rng.random() < 0.2:  # Bags at the back.
        pen.box(-base - 0.19, 0.3, -base + 0.19, radius + 0.38, colour(rng))
    if rng.random() < 0.2:  # A basket in front.
        pen.box(base - 0.08, 0.74, base + 0.22, 0.98, colour(rng, 60, 200))
    if rng.random() < 0.2:
        _rider(pen, rng, (seat[0], seat[1] + 0.13), grip, crank)


def _spoked_wheel(pen: Pen, rng: Rng, x: float, y: float, radius: float) -> None:
    if rng.random() < 0.12:
        pen.disc(x, y, radius, colour(rng, 60, 200))
    elif rng.random() < 0.6:
        for angle in rng.uniform(0, math.pi) + np.arange(4) * math.pi / 4:
            dx, dy = radius * math.cos(angle), radius * math.sin(angle)
            pen.line([(x - dx, y - dy), (x + dx, y + dy)], 0.008, (150, 150, 150))


def motorcycle(pen: Pen, rng: Rng) -> None:
    """Draw a motorcycle: broad wheels, engine, tank, long seat and exhaust; some have a fairing, a box or a rider."""
    radius, base = rng.uniform(0.26, 0.34), rng.uniform(0.56, 0.72)
    tyre = rng.uniform(0.07, 0.16)
    paint, rubber, metal = colour(rng), _dark(rng), colour(rng, 90, 210)
    slim = rng.random() < 0.2  # A trial or dirt bike shows daylight between its parts.
    rear, front = (-base, radius), (base, radius)
    head = (base - rng.uniform(0.22, 0.34), radius + rng.uniform(0.4, 0.52))
    tail = (-base - 0.05, radius + rng.uniform(0.3, 0.44))
    for x, y in (rear, front):
        if rng.random() < 0.5:
            pen.disc(x, y, radius * rng.uniform(0.4, 0.75), metal)
        pen.ring(x, y, radius, tyre, rubber)
    pen.line([rear, (0, radius + 0.02)], 0.07, metal)
    pen.line([front, head, (head[0] - 0.06, head[1] + 0.1)], 0.06, metal)
    block = 0.2 if slim else rng.uniform(0.24, 0.34)
    engine = rubber if rng.random() < 0.6 else metal
    pen.shape([(-block, 0.17), (block, 0.15), (block + 0.04, 0.5), (-block + 0.06, 0.56)], engine)
    pen.line([(block, 0.3), (0.1, 0.16), (-base - 0.15, rng.uniform(0.2, 0.42))], 0.06, metal)
    waist, knee = (-0.12, radius + 0.32), (head[0], head[1] + 0.02)
    pen.shape([waist, (head[0] + 0.02, head[1] - 0.12), knee, (0.12, head[1] + 0.06), (-0.08, waist[1] + 0.1)], paint)
    pen.line([(0.0, waist[1] + 0.04), waist, tail], 0.07 if slim else 0.13, rubber)
    if not slim:
        pen.shape([(-0.5, waist[1]), waist, (-0.05, 0.45), (-0.35, 0.45)], paint)
    pen.line([(tail[0] - 0.05, tail[1]), (tail[0] + 0.2, tail[1])], 0.07, paint)
    pen.line([(front[0] - 0.22, radius * 1.9), (front[0] + 0.14, radius * 2.15)], 0.05, paint)
    grip = (head[0] - 0.1, head[1] + 0.14)
    pen.line([(head[0] - 0.05, head[1] + 0.1), grip], 0.045, rubber)
    pen.disc(head[0] + 0.06, head[1] - 0.02, 0.075, colour(rng, 180, 255))
    if rng.random() < 0.3:  # A fairing.
        nose, screen = (head[0] + 0.18, head[1] - 0.12), (head[0] + 0.02, head[1] + 0.26)
        pen.shape([nose, screen, (head[0] - 0.12, head[1]), (0.1, 0.42)], paint)
    if rng.random() < 0.2:  # A top case.
        pen.box(-base - 0.18, 0.72, -base + 0.2, 1.05, colour(rng))
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
    pen.box(-1, 0.15, 1, 1, paint)
    for x in np.linspace(-0.9, 0.65, 5).tolist():
        pen.box(x, 0.55, x + 0.26, 0.88, glass)
    for x in (-0.6, 0.6):
        pen.disc(x, 0.16, 0.17, _dark(rng))


def house(pen: Pen, rng: Rng) -> None:
    """Draw a house."""
    glass = colour(rng, 20, 120)
    pen.box(-0.7, 0, 0.7, 0.7, colour(rng, 90, 255))
    pen.shape([(-0.85, 0.65), (0.85, 0.65), (0, rng.uniform(0.95, 1.3))], colour(rng, 20, 180))
    pen.box(-0.12, 0, 0.15, 0.42, glass)
    for x in (-0.55, 0.3):
        pen.box(x, 0.25, x + 0.25, 0.5, glass)


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
