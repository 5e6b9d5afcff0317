"""Pictures of reports: `python -m tests.report_screenshots FOLDER REPORT README_PICTURE`; needs Chromium.

On a screen and on a phone, light and dark, of a few images and of many, with two classes and with twenty. The picture
for the README is the first screen of an existing REPORT.
"""

import sys
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from monitoring.report.page import REPORT_FILE, write_report
from tests.browsers import SCHEMES, SIZES, launched, visiting
from tests.unit.monitoring.report.scenes import scene

# Images, classes, and how long the run lasted.
SCENES = {
    "few-2": (30, 2, timedelta(seconds=20)),
    "few-20": (30, 20, timedelta(days=3)),
    "many-2": (100_000, 2, timedelta(days=7)),
    "many-20": (100_000, 20, timedelta(hours=5)),
}
# The README's picture ends below the first two charts.
WITHOUT_OTHERS = ".charts figure:nth-of-type(n + 3) { display: none; }"


def take(browser: Browser, report: Path, folder: Path) -> None:
    """Take a picture of the whole page in each size and scheme."""
    for size in SIZES:
        for scheme in SCHEMES:
            with visiting(browser, size, scheme) as context:
                page = context.new_page()
                page.goto(report.resolve().as_uri())
                page.screenshot(path=folder / f"{report.parent.name}-{size}-{scheme}.png", full_page=True)


def main(folder: Path, report: Path, readme: Path) -> None:
    """Write the reports of all scenes and take their pictures, and that of *report*."""
    with launched() as browser:
        for name, (images, classes, lasts) in SCENES.items():
            write_report(folder / name, scene(images, classes, lasts))
            take(browser, folder / name / REPORT_FILE, folder)
        take(browser, report, folder)
        with visiting(browser, "screen", "light") as context:
            page = context.new_page()
            page.goto(report.resolve().as_uri())
            page.add_style_tag(content=WITHOUT_OTHERS)
            box = page.locator(".charts").bounding_box()
            assert box
            page.set_viewport_size({"width": SIZES["screen"][0], "height": int(box["y"] + box["height"]) + 16})
            page.screenshot(path=readme)
    # A page has few colours: half the bytes, and no difference that one could see.
    with Image.open(readme) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(readme, optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
