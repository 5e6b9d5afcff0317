"""The colours of the report and its charts, on a light and on a dark page, and how well they can be told apart."""

from dataclasses import dataclass

# https://www.w3.org/TR/WCAG22/#contrast-minimum and #non-text-contrast
TEXT_CONTRAST = 4.5
GRAPHICS_CONTRAST = 3.0


@dataclass(frozen=True)
class Palette:
    """The colours of one colour scheme, as `#rrggbb`.

    `page` lies behind everything, `background` behind panels and charts. `grid` only decorates; all others are used for
    text, too.
    """

    page: str
    background: str
    ink: str
    muted: str
    grid: str
    accent: str
    accepted: str
    review: str
    wrong: str


LIGHT = Palette(
    page="#f4f6f9",
    background="#ffffff",
    ink="#1b2430",
    muted="#566372",
    grid="#e2e7ed",
    accent="#3d4fc4",
    accepted="#0f7a57",
    review="#9a5b00",
    wrong="#c4262e",
)
DARK = Palette(
    page="#11161c",
    background="#1a2129",
    ink="#e8ecf1",
    muted="#9ba8b6",
    grid="#323c47",
    accent="#94a3ff",
    accepted="#45d0a0",
    review="#f3b04c",
    wrong="#ff7a7a",
)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    red, green, blue = (_linear(int(color[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
