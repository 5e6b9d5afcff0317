import numpy as np
import pytest
from PIL import Image, ImageFilter

from monitoring.drift.measures import BATCH, MEASURES, Images, measure, prepared


def noise(count: int, side: int = 32) -> Images:
    return np.random.default_rng(0).integers(40, 200, (count, side, side, 3), dtype=np.uint8)


def named(images: Images) -> dict[str, float]:
    measures, _ = measure(images, np.ones(len(images)))
    return dict(zip(MEASURES, measures.mean(axis=0), strict=True))


def test_a_brighter_image_is_brighter_by_as_much_and_nothing_else() -> None:
    before, after = named(noise(4)), named(noise(4) + 20)
    assert after.pop("brightness") - before.pop("brightness") == pytest.approx(20)
    assert after == pytest.approx(before)


def test_a_blurred_image_is_less_sharp() -> None:
    blurred = np.stack([np.asarray(Image.fromarray(i).filter(ImageFilter.GaussianBlur(1))) for i in noise(4)])
    assert named(blurred)["sharpness"] < named(noise(4))["sharpness"] - 2


def test_a_grey_image_has_no_colour_and_a_flat_one_no_contrast() -> None:
    grey = named(np.repeat(noise(2)[..., :1], 3, axis=3))
    assert [grey[name] for name in ("colourfulness", "red to green", "yellow to blue")] == [0, 0, 0]
    flat = named(np.full((1, 32, 32, 3), 7, dtype=np.uint8))
    assert flat["brightness"] == pytest.approx(7)
    assert flat["contrast"] == pytest.approx(0)
    assert all(np.isfinite(value) for value in flat.values())


def test_an_image_is_measured_alike_alone_and_in_a_crowd() -> None:
    images = noise(BATCH + 1, 16)
    measures, descriptions = measure(images, np.ones(len(images)))
    alone, description = measure(images[-1:], [1])
    assert measures[-1] == pytest.approx(alone[0])
    assert descriptions[-1] == pytest.approx(description[0])


def test_no_images_have_no_measures() -> None:
    measures, descriptions = measure(noise(0), [])
    assert measures.shape == (0, len(MEASURES))
    assert descriptions.shape[1] == measure(noise(1), [1])[1].shape[1]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_an_image_of_any_mode_and_size_is_prepared_and_keeps_its_aspect(mode: str) -> None:
    pixels, aspect = prepared(Image.new(mode, (80, 40)), 32)
    assert (pixels.shape, pixels.dtype.name, aspect) == ((32, 32, 3), "uint8", 2)
