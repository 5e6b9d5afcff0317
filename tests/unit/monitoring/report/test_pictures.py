import base64
import io

import pytest
from PIL import Image

from monitoring.quality.suspects import Suspect
from monitoring.report.pictures import SIDE, of_suspect
from tests.unit.samples import png


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
