"""axe-core finds nothing wrong with the report; `make judges` installs it and runs this."""

import pytest
from playwright.sync_api import Browser

from tests.browsers import SCHEMES, SIZES, needs_axe, needs_chromium, violations, visiting

pytestmark = [needs_chromium, needs_axe]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_wrong_with_the_report(browser: Browser, address: str, size: str, scheme: str) -> None:
    with visiting(browser, size, scheme, axe=True) as context:
        page = context.new_page()
        page.goto(address)
        assert page.locator("#filter").is_visible()
        assert violations(page) == []
