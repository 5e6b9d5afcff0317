"""What a person does with the report in a browser: filter its table, also by keyboard, and read it on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from monitoring.report.chart_style import WIDTH
from monitoring.report.matching import match_executions
from monitoring.report.page import REPORT_FILE, Report, write_report
from monitoring.report.rows import MOST_ROWS
from tests.browsers import needs_chromium, visiting
from tests.unit.samples import execution

pytestmark = needs_chromium
# Pixels.
SMALLEST_LETTERS = 11
ROWS = "#images tbody tr:visible"
# The words of the page that have a line end inside of them, though nothing separates them there.
BROKEN_WORDS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const match of node.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) found.push(match[0]);
    }
  }
  return found;
}"""


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with visiting(browser, "screen", "light") as context:
        errors: list[str] = []
        opened = context.new_page()
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.goto(address)
        yield opened
        assert errors == []


def test_the_table_is_filtered_by_outcome_label_and_text_and_says_how_many_rows_are_shown(page: Page) -> None:
    status = page.locator("#filter output")
    expect(status).to_have_text("120 of 120 rows are shown. ")
    page.get_by_label("Outcome").select_option("REVIEW")
    reviews = page.locator(ROWS).count()
    assert 0 < reviews < 120
    assert {*page.locator(f"{ROWS} td:nth-child(2)").all_inner_texts()} == {"REVIEW"}
    expect(status).to_have_text(f"{reviews} of 120 rows are shown. ")
    label = page.locator(f"{ROWS} td:nth-child(3)").first.inner_text()
    page.locator("#filter [name=label]").select_option(label)
    assert {*page.locator(f"{ROWS} td:nth-child(3)").all_inner_texts()} == {label}
    page.get_by_label("Text").fill("nothing that is there")
    expect(status).to_have_text("0 of 120 rows are shown. ")
    page.get_by_role("button", name="Show all").click()
    expect(status).to_have_text("120 of 120 rows are shown. ")
    page.get_by_label("wrong labels only").check()
    assert page.locator(ROWS).count() == page.locator("#images td.wrong").count() > 0


def test_the_keyboard_alone_reaches_filter_and_table(page: Page) -> None:
    page.get_by_label("Outcome").focus()
    page.keyboard.type("REJ")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Bicycle 00007")
    page.keyboard.press("Enter")
    assert page.locator(f"{ROWS} td:first-child").all_inner_texts() == ["bicycle-00007"]
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#images th").first.get_attribute("aria-sort") == "ascending"


def test_without_scripts_every_row_is_there_and_no_filter_that_would_do_nothing(browser: Browser, address: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        assert page.locator(ROWS).count() == 120
        assert page.locator("#filter").is_hidden()


def test_the_page_fits_a_phone_breaks_no_word_and_says_which_tables_scroll(browser: Browser, address: str) -> None:
    with visiting(browser, "phone", "light") as context:
        page = context.new_page()
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.evaluate(BROKEN_WORDS) == []
        table = page.get_by_role("region", name="All executions")
        assert table.evaluate("(one) => one.scrollWidth > one.clientWidth && one.tabIndex === 0")
        assert table.evaluate("(one) => one.previousElementSibling.textContent").startswith("Scroll sideways")
        assert "linear-gradient" in table.evaluate("(one) => getComputedStyle(one).backgroundImage")
        wide = "[...document.querySelectorAll('main *')].filter((one) => one.scrollWidth > one.clientWidth + 1)"
        scrolling = f"{wide}.filter((one) => getComputedStyle(one).overflowX === 'auto')"
        assert page.evaluate(f"{scrolling}.every((one) => one.matches('.scroll[tabindex=\"0\"][aria-label]'))")
        letters = 10 / 72 * page.locator(".charts img").first.evaluate("(one) => one.clientWidth") / WIDTH
        assert letters >= SMALLEST_LETTERS


def test_of_many_images_the_filter_says_that_it_sees_only_the_rows_of_the_table(
    browser: Browser, tmp_path: Path
) -> None:
    many = [execution(number, "REJECTED") for number in range(MOST_ROWS + 1)]
    write_report(tmp_path, Report(many, *match_executions(many, [])))
    with visiting(browser, "screen", "dark") as context:
        page = context.new_page()
        page.goto((tmp_path / REPORT_FILE).as_uri())
        expect(page.locator("#filter output")).to_contain_text(
            "The filter looks only at these rows; executions.jsonl has"
        )
