"""Write README's table of a month's costs and draw docs/costs.png: python -m benchmarks.month."""

from benchmarks.scale import DOCS, filled
from checks.costs import Comparison, compare, typical_basis
from checks.template_setup import template_setup
from cli.costs import DEFAULT_MEMORY
from inference.costs.ways import WAYS, bills, cheapest
from local import stack
from monitoring.report.costs_chart import costs_chart
from monitoring.report.palette import LIGHT
from training.sagemaker.endpoint import EndpointOptions

README = stack.ROOT / "README.md"
IMAGES_A_DAY = (100, 10_000, 1_000_000)


def comparison(images_a_day: int) -> Comparison:
    """Return what `workflow costs` compares by default where there is no run."""
    options = EndpointOptions()
    setup = template_setup(options.instance_type, options.instances, DEFAULT_MEMORY)
    return compare(images_a_day, typical_basis(setup))


def month_table() -> str:
    """Return the totals as a table in Markdown, the cheapest of each row in bold, and the crossings."""
    lines = [f"| images a day | {' | '.join(WAYS)} |", "|---" * (len(WAYS) + 1) + "|"]
    for images_a_day in IMAGES_A_DAY:
        found = bills(comparison(images_a_day).month)
        best = cheapest(found)
        cells = (f"**{bill.total:,.2f}**" if bill is best else f"{bill.total:,.2f}" for bill in found)
        lines.append(f"| {images_a_day:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Write the table and draw the chart."""
    README.write_text(filled(README.read_text(), "costs", month_table()))
    found = comparison(IMAGES_A_DAY[1])
    (DOCS / "costs.png").write_bytes(costs_chart(found.month, found.crossings, LIGHT))


if __name__ == "__main__":
    main()
