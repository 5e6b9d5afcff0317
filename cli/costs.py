"""The verb that says what the workflow costs."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_OUT, BatchStateMachine, Json, Out, Stack
from cli.show import print_json, say, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK

if TYPE_CHECKING:
    from checks.costs import Comparison
    from inference.costs.bill import Bill

app = Verbs()
CHART_FILE = "costs.png"
DEFAULT_MEMORY = 2048


@app.command()
def costs(
    images_a_day: Annotated[int, typer.Option(metavar="N", help="Images classified each day.")] = 10_000,
    instance_type: Annotated[
        str, typer.Option(metavar="TYPE", help="Instance type of an endpoint on instances.")
    ] = "ml.m5.large",
    instances: Annotated[int, typer.Option(metavar="N", help="Number of its instances.")] = 1,
    memory: Annotated[int, typer.Option(metavar="MB", help="Memory of a serverless endpoint.")] = DEFAULT_MEMORY,
    terms: Annotated[bool, typer.Option("--terms", help="Print quantity and price of each term.")] = False,
    as_json: Json = False,
    state_machine: BatchStateMachine = None,
    stack: Stack = DEFAULT_STACK,
    out: Out = DEFAULT_OUT,
) -> None:
    """Compare what a month costs.

    Side by side: an endpoint on instances, a serverless endpoint, a batch a day, and the course project's way. Needs no
    account and no network: it takes what a benchmark measured, or the executions of `workflow run` where the folder of
    results has some. Draws where the ways cross.
    """
    from checks.costs import basis, compare
    from checks.template_setup import template_setup
    from contracts.files import write_whole
    from monitoring.report.costs_chart import costs_chart
    from monitoring.report.palette import LIGHT
    from training.sagemaker.endpoint import EndpointOptions

    # Both refuse what SageMaker would.
    EndpointOptions(instance_type, instances)
    EndpointOptions(serverless_memory=memory, capture_percentage=0)
    setup = template_setup(instance_type, instances, memory)
    found = compare(images_a_day, basis(setup, out, state_machine, stack))
    out.mkdir(parents=True, exist_ok=True)
    chart = write_whole(out / CHART_FILE, costs_chart(found.month, found.crossings, LIGHT))
    if as_json:
        print_json(found.to_record())
        return
    _show(found, with_terms=terms)
    say(f"Chart: {chart}")


def _show(found: "Comparison", *, with_terms: bool) -> None:
    from inference.costs.crossings import most_images
    from inference.costs.month import DAYS, LEFT_OUT
    from inference.costs.ways import bills, cheapest

    month, compared = found.month, bills(found.month)
    best = cheapest(compared)
    say(f"A month of {DAYS} days with {month.images_a_day:,} images each:")
    # The bill with the most terms has them in the best order.
    longest_first = sorted(compared, key=lambda bill: len(bill.terms), reverse=True)
    names = dict.fromkeys(term.name for bill in longest_first for term in bill.terms)
    rows = [(name, *(_dollars(bill, name) for bill in compared)) for name in names]
    rows.append(("total", *(f"{bill.total:,.2f}" for bill in compared)))
    rows.append(("", *("cheapest" if bill is best else "" for bill in compared)))
    table(("USD", *(bill.name for bill in compared)), rows)
    if with_terms:
        for bill in compared:
            for term in bill.terms:
                say(f"{bill.name}, {term.line}")
    for one in found.crossings:
        say(f"From {one.images_a_day:,} images a day on, {one.dearer} costs more than {one.cheaper}.")
    endpoint = f"{month.setup.instances} x {month.setup.instance_type}"
    say(f"{endpoint} can answer {most_images(month):,} images a day; here it is busy for {month.busy:.2%} of the day.")
    if month.busy > 1:
        say("That is too many images for it: give more --instances or another --instance-type.")
    _, _, batch, course = compared
    share = course.orchestration / batch.orchestration
    say(f"In state transitions and workflow requests, batch costs 1/{share:.0f} of the course project.")
    say(f"Measured: {found.source}")
    say(f"Prices of {month.prices['date']}, {month.prices['region']}. Left out: {LEFT_OUT}.")


def _dollars(bill: "Bill", name: str) -> str:
    term = bill.by_name.get(name)
    if term is None:
        return "-"
    return "<0.01" if 0 < term.cost < 0.005 else f"{term.cost:,.2f}"
