"""Every text of the report can be read and every mark be seen, on a light and on a dark page."""

import re
from dataclasses import asdict
from itertools import product

import pytest

from monitoring.report.confusion_chart import text_color, tint
from monitoring.report.palette import DARK, GRAPHICS_CONTRAST, LIGHT, TEXT_CONTRAST, Palette, contrast
from tests.conftest import ROOT

TEXTS = ("ink", "muted", "accent", "accepted", "review", "wrong")
BEHIND = ("page", "background")
TEMPLATES = ROOT / "monitoring" / "report" / "templates"

in_both_schemes = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_that_of_the_guidelines(first: str, second: str, ratio: float) -> None:
    assert contrast(first, second) == pytest.approx(ratio, abs=0.005)
    assert contrast(second, first) == contrast(first, second)


@in_both_schemes
@pytest.mark.parametrize(("text", "behind"), [*product(TEXTS, BEHIND)])
def test_text_of_every_colour_can_be_read_on_the_page_and_on_its_panels(
    palette: Palette, text: str, behind: str
) -> None:
    colors = asdict(palette)
    assert contrast(colors[text], colors[behind]) >= TEXT_CONTRAST > GRAPHICS_CONTRAST


@in_both_schemes
def test_a_colour_that_is_no_text_only_decorates(palette: Palette) -> None:
    assert {*asdict(palette)} - {*TEXTS, *BEHIND} == {"grid"}


@in_both_schemes
@pytest.mark.parametrize("color", ["accent", "wrong"])
def test_the_number_in_a_cell_can_be_read_whatever_the_cells_share_is(palette: Palette, color: str) -> None:
    behind = [tint(palette, asdict(palette)[color], share / 100) for share in range(101)]
    assert (behind[0], behind[-1]) == (palette.background, asdict(palette)[color])
    assert min(contrast(text_color(one), one) for one in behind) >= TEXT_CONTRAST


def test_the_page_has_no_colours_but_those_of_the_palettes() -> None:
    text = "".join(path.read_text() for path in TEMPLATES.iterdir())
    assert not re.findall(r"#(?:[0-9a-fA-F]{3}){1,2}\b", text)
    assert {*re.findall(r"rgb\([^)]*\)", text)} == {"rgb(0 0 0 / .28)", "rgb(0 0 0 / .75)"}
    assert "opacity" not in text
