"""A real browser for tests of pages, and axe-core, which finds what makes a page hard to use for some people."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium"))
# As root Chromium runs without its sandbox alone; the pages here are the project's own. It asks nobody on the network.
FLAGS: Sequence[str] = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
AXE = os.environ.get("AXE")
SCHEMES = ("light", "dark")
SIZES = {"screen": (1280, 800), "phone": (390, 844)}

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed; CHROMIUM=PATH names one")
needs_axe = pytest.mark.skipif(AXE is None, reason="axe-core is not installed; `make judges` installs it and runs this")


@contextmanager
def launched() -> Iterator[Browser]:
    """Start Chromium, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, size: str, scheme: Any, *, axe: bool = False) -> Iterator[BrowserContext]:
    """Open a window of one of SIZES in one of SCHEMES, for pages with *axe* added."""
    width, height = SIZES[size]
    # Axe is added to the page, which its policy forbids to everybody else.
    viewport = ViewportSize(width=width, height=height)
    with browser.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=axe) as context:
        if axe:
            assert AXE
            context.add_init_script(Path(AXE).read_text())
        yield context


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong on the page as it is shown."""
    found: list[dict[str, Any]] = page.evaluate("() => axe.run().then((results) => results.violations)")
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]
