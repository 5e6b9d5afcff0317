"""Pictures that show where the model looked."""

from PIL import Image

from imaging.spotlight import DIMMED, spotlight

RED = (200, 40, 40)


def test_the_largest_share_keeps_its_colours_and_none_becomes_dark_gray() -> None:
    lit = spotlight(Image.new("RGB", (80, 40), RED), [[1, 0.5, 0, 0]])
    assert lit.size == (80, 40)
    assert lit.getpixel((2, 20)) == RED
    gray = round(Image.new("RGB", (1, 1), RED).convert("L").getpixel((0, 0)) * DIMMED)  # type: ignore[operator]  # of a gray picture
    assert all(abs(channel - gray) <= 1 for channel in lit.getpixel((77, 20)))  # type: ignore[union-attr]  # of an RGB picture


def test_where_nothing_spoke_for_the_answer_all_is_dark() -> None:
    lit = spotlight(Image.new("RGB", (8, 8), RED), [[0, 0], [0, 0]])
    assert lit.getcolors() is not None
    assert len(lit.getcolors() or ()) == 1
    assert lit.getpixel((0, 0)) != RED
