from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from monitoring.report.page import REPORT_FILE, write_report
from tests.browsers import launched
from tests.unit.monitoring.report.scenes import scene


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report with everything on it: charts over time, twenty classes, outcomes of each kind."""
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, scene(images=120, classes=20, lasts=timedelta(days=2)))
    return (folder / REPORT_FILE).as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as started:
        yield started
