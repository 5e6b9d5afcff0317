"""`workflow costs` without a run, a stack, an account or a network."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import cli
from benchmarks.month import month_table
from checks.costs import compare, typical_basis
from checks.template_setup import template_setup
from inference.costs.measured import CostsError
from inference.costs.ways import WAYS
from inference.executions import EXECUTIONS_FILE
from tests.conftest import ROOT
from training.errors import DeployError


def costs(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["costs", "--out", str(out), *arguments], env={"COLUMNS": "200"})


def test_a_month_is_printed_side_by_side_with_the_cheapest_marked_and_drawn(tmp_path: Path) -> None:
    done = costs(tmp_path)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines.pop(0) == "A month of 30.4 days with 10,000 images each:"
    assert re.split(r"\s{2,}", lines[0].strip()) == ["USD", *WAYS]
    total = next(line for line in lines if line.startswith("total"))
    totals = [float(cell.replace(",", "")) for cell in total.split()[1:]]
    mark = next(line for line in lines if "cheapest" in line)
    column = lines[0].index(list(WAYS)[totals.index(min(totals))])
    assert abs(mark.index("cheapest") - column) <= len("course project")
    assert "the benchmark of " in done.output
    assert "Left out: free tiers" in done.output
    with Image.open(tmp_path / "costs.png") as chart:
        assert chart.format == "PNG"


def test_each_terms_quantity_and_price_is_printed_on_request(tmp_path: Path) -> None:
    assert "instance-hours at $0.115" not in costs(tmp_path).output
    assert "instance, endpoint: 729.6 instance-hours at $0.115 = $83.9040" in costs(tmp_path, "--terms").output


def test_the_json_has_all_of_it_and_adds_up(tmp_path: Path) -> None:
    record = json.loads(costs(tmp_path, "--json", "--images-a-day", "500").stdout)
    assert record["images_a_day"] == 500
    assert [bill["name"] for bill in record["bills"]] == list(WAYS)
    for bill in record["bills"]:
        assert bill["total"] == pytest.approx(sum(term["cost"] for term in bill["terms"]))
    assert record["cheapest"] == min(record["bills"], key=lambda bill: float(bill["total"]))["name"]
    assert record["crossings"] == sorted(record["crossings"], key=lambda one: int(one["images_a_day"]))
    assert record["setup"]["batch_size"] == 20


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (["--images-a-day", "0"], CostsError, "The number of images a day must be 1 or more, not 0."),
        (["--images-a-day", "-5"], CostsError, "The number of images a day must be 1 or more, not -5."),
        (["--instances", "0"], DeployError, "An endpoint has one instance or more, not 0."),
        (["--instance-type", "ml.u9.huge"], CostsError, "There is no price of 'ml.u9.huge'; there is one of ml."),
        (["--memory", "1000"], DeployError, "Serverless memory is 1024 to 6144 MB in steps of 1024, not 1000."),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, arguments: list[str], error: type[Exception], sentence: str
) -> None:
    raised = costs(tmp_path, *arguments).exception
    assert isinstance(raised, error)
    assert str(raised).startswith(sentence)


def test_executions_that_cannot_be_measured_leave_the_benchmarks_figures_and_say_why(tmp_path: Path) -> None:
    (tmp_path / EXECUTIONS_FILE).touch()
    done = costs(tmp_path)
    assert done.exit_code == 0
    assert f"as {tmp_path / EXECUTIONS_FILE} can't be measured: No execution has reached the model" in done.output


def test_too_many_images_for_the_instances_are_told(tmp_path: Path) -> None:
    done = costs(tmp_path, "--images-a-day", str(10**9))
    assert "too many images for it: give more --instances" in done.output


def test_the_readme_has_what_the_code_computes() -> None:
    assert f"<!-- costs -->\n{month_table()}\n<!-- end -->" in (ROOT / "README.md").read_text()


def test_more_images_never_cost_less() -> None:
    given = typical_basis(template_setup("ml.m5.large", 1, 2048))
    for way in WAYS.values():
        totals = [way(compare(images, given).month).total for images in (1, 10, 1_000, 100_000)]
        assert totals == sorted(totals)
