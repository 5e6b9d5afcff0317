import base64
import io

import pytest
from PIL import Image

from monitoring.quality.suspects import Suspect
from monitoring.report.pictures import DIMMED, SIDE, of_suspect, spotlight
from tests.unit.samples import png

RED = (200, 0, 0)
GRAY = Image.new("RGB", (1, 1), RED).convert("L").getpixel((0, 0))


def test_what_spoke_for_the_answer_keeps_its_colour_and_the_rest_is_gray_and_dark() -> None:
    picture = Image.new("RGB", (80, 40), RED)
    lit = spotlight(picture, ((0.0, 0.0, 0.0, 0.7),))
    assert lit.size == (80, 40)
    assert lit.getpixel((79, 20)) == RED
    assert isinstance(GRAY, int)
    assert lit.getpixel((0, 20)) == (int(DIMMED * GRAY),) * 3


def test_where_no_cell_spoke_for_the_answer_nothing_is_lit() -> None:
    assert len(spotlight(Image.new("RGB", (8, 8), RED), ((0.0, 0.0), (0.0, 0.0))).getcolors() or []) == 1


@pytest.mark.parametrize("content", [None, b"", b"no image", png()[:60]])
def test_a_suspect_whose_file_is_gone_or_damaged_has_no_picture(content: bytes | None) -> None:
    shown = of_suspect(Suspect("a/b.png", "cat", "dog", 0.99), content)
    assert (shown.source, shown.title, shown.notes) == (None, "cat?", ("looks like dog, 99%", "b.png"))


def test_a_large_image_is_shown_small() -> None:
    shown = of_suspect(Suspect("a/b.png", "cat", "dog", 0.99), png(size=(400, 200)))
    assert shown.source is not None
    content = io.BytesIO(base64.b64decode(shown.source.partition(",")[2]))
    with Image.open(content) as picture:
        assert picture.size == (SIDE, SIDE // 2)
