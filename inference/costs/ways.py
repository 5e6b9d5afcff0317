"""The ways to run the workflow, each with its bill of a month."""

from collections.abc import Callable, Mapping, Sequence

from inference.costs.bill import Bill, Term
from inference.costs.month import HOURS, SECONDS, Month
from inference.costs.setup import Monitoring

# The states of the course project's execution: its three functions.
COURSE_STATES = 3


def instance(month: Month) -> Bill:
    """An endpoint on instances all month; each image is a Standard execution of ClassifyImage."""
    return Bill("instance", (month.instances(HOURS), *_single_images(month, month.setup.monitoring)))


def serverless(month: Month) -> Bill:
    """A serverless endpoint, for which Classify captures; each image is a Standard execution of ClassifyImage."""
    terms = _single_images(month, month.setup.capturing)
    return Bill("serverless", (month.serverless(), *terms, month.capture_puts()))


def batch(month: Month) -> Bill:
    """A batch a day by ClassifyBatch; the endpoint on instances is there only while it runs."""
    working = month.images_a_day / month.images_a_second
    terms = (month.instances(month.batch_hours), month.schedules(), month.exchanged(), *batch_requests(month))
    logs = (month.logs_stored(express=True), month.traces(working))
    return Bill("batch", (*terms, *logs, *_kept(month, month.setup.monitoring)))


def course_project(month: Month) -> Bill:
    """The course project's way: an endpoint on instances all month, three functions, a Standard execution an image.

    It has neither reviews nor monitoring; its functions are taken to run as long as ours.
    """
    terms = (month.instances(HOURS), month.exchanged(), *month.functions(), month.standard(COURSE_STATES))
    return Bill("course project", terms)


def batch_requests(month: Month) -> tuple[Term, ...]:
    """Return what the images of batches cost by request: functions, executions, S3, SQS and what they log."""
    return (*month.functions(), *month.express(), month.reviews(), month.logs(express=True))


WAYS: Mapping[str, Callable[[Month], Bill]] = {
    "instance": instance,
    "serverless": serverless,
    "batch": batch,
    "course project": course_project,
}


def bills(month: Month) -> list[Bill]:
    """Return the bill of every way, in the order of WAYS."""
    return [way(month) for way in WAYS.values()]


def cheapest(compared: Sequence[Bill]) -> Bill:
    """Return the bill with the lowest total."""
    return min(compared, key=lambda bill: bill.total)


def _single_images(month: Month, monitoring: Monitoring) -> tuple[Term, ...]:
    work = (month.exchanged(), *month.functions(), month.standard(month.use.states), month.reviews())
    logs = (month.logs(express=False), month.logs_stored(express=False), month.traces(HOURS * SECONDS))
    return (*work, *logs, *_kept(month, monitoring))


def _kept(month: Month, monitoring: Monitoring) -> tuple[Term, ...]:
    return (month.captured(), *month.monitoring(monitoring))
