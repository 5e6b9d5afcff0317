"""Simulate batches of 10^3 to 10^7 images against endpoint sizes: python -m benchmarks.scale.

Reads what `make bench-costs` measured; draws docs/scale.png, and writes the tables of docs/scale.md. Every child of
the Distributed Map is simulated: it waits for a free place, its images are serialized side by side, wait for the
endpoint's processors in the order of arrival, and are checked.
"""

import heapq
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from checks.template_setup import template_setup
from inference.costs.measured import Measured
from inference.costs.month import Month
from inference.costs.setup import processors_of
from inference.costs.typical import Typical, read_typical
from inference.costs.use import measured_use
from inference.costs.ways import batch_requests
from local import stack
from training.sagemaker.costs import PRICES

DOCS = stack.ROOT / "docs"
SIZES = tuple(10**power for power in range(3, 8))
# Lambda's default quota of concurrent executions in an account and Region; each image of a child holds one at most.
LAMBDAS = 1000
# Images under way for each that would just keep the endpoint busy if none were ever late.
RESERVE = 1.5
# Assumed, as it can't be measured here: what the network and the services add to an image, and to a list of 1,000 keys.
OVERHEAD_SECONDS = 0.15
LIST_SECONDS = 0.1
LIST_KEYS = 1000
JITTER = 0.3


@dataclass(frozen=True)
class Endpoint:
    """A number of instances of a type."""

    instance: str
    count: int

    @property
    def name(self) -> str:
        """How the plot names it."""
        return f"{self.count} x {self.instance}"

    @property
    def processors(self) -> int:
        """The processors (vCPUs) of all instances."""
        return self.count * processors_of(self.instance)


@dataclass(frozen=True)
class Simulated:
    """A batch: images, children at once, hours from listing to the last image, and USD."""

    images: int
    at_once: int
    hours: float
    dollars: float


ENDPOINTS = (
    Endpoint("ml.c5.large", 1),
    Endpoint("ml.c5.xlarge", 1),
    Endpoint("ml.c5.2xlarge", 1),
    Endpoint("ml.c5.2xlarge", 4),
)


def children_at_once(batch_size: int, seconds: Mapping[str, float], processors: int) -> int:
    """Return how many children keep the endpoint busy: images a second times the seconds that one is under way.

    More would only wait for the endpoint, inside a function that is paid for it; past LAMBDAS there are no functions.
    """
    under_way = processors / seconds["endpoint"] * (OVERHEAD_SECONDS + sum(work_of(seconds).values()))
    return max(1, min(LAMBDAS // batch_size, math.ceil(RESERVE * under_way / batch_size)))


def work_of(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds of an image in each function, none of them waiting: what Classify does is mostly network."""
    work = {f"{name}Function": seconds[name.lower()] for name in ("Serialize", "Classify", "Threshold")}
    return work | {"ClassifyFunction": seconds["classify"] + seconds["endpoint"] + OVERHEAD_SECONDS / 2}


def simulate(
    images: int, batch_size: int, seconds: Mapping[str, float], processors: int, seed: int = 0
) -> tuple[float, float]:
    """Return the seconds that the children take, and the mean that an image waits for the endpoint.

    `seconds` are of processor time an image, by who spends it.
    """
    chance = np.random.default_rng(seed)
    children = -(-images // batch_size)
    places = [0.0] * min(children_at_once(batch_size, seconds, processors), children)
    work = seconds["endpoint"] * batch_size / processors
    before = (OVERHEAD_SECONDS / 2 + seconds["serialize"]) * chance.lognormal(0, JITTER, children)
    after = OVERHEAD_SECONDS / 2 + seconds["classify"] + seconds["threshold"]
    endpoint_free = waited = 0.0
    for child in range(children):
        arrives = places[0] + before[child]
        # A child's images are answered one after the other, so on the average they wait for half of their fellows.
        waited += max(0.0, endpoint_free - arrives) + work / 2
        endpoint_free = max(arrives, endpoint_free) + work
        heapq.heapreplace(places, endpoint_free + after)
    return max(places), waited / children


def run(typical: Typical, endpoint: Endpoint) -> list[Simulated]:
    """Simulate every size of batch on an endpoint."""
    seconds = typical.processor_seconds
    setup = template_setup(endpoint.instance, endpoint.count, 0)
    at_once = children_at_once(setup.batch_size, seconds, endpoint.processors)
    found = []
    for images in SIZES:
        lasted, waited = simulate(images, setup.batch_size, seconds, endpoint.processors)
        work = work_of(seconds)
        work["ClassifyFunction"] += waited
        length = sum(work.values()) + OVERHEAD_SECONDS
        looked = Measured(typical.measured.executions, 3, length, work, typical.measured.review)
        month = Month(images, measured_use(typical, looked, typical.functions), setup, PRICES, days=1)
        hours = (images / LIST_KEYS * LIST_SECONDS + lasted) / 3600
        dollars = sum(term.cost for term in (*batch_requests(month), month.exchanged()))
        found.append(Simulated(images, at_once, hours, dollars + month.instances(hours).cost))
    return found


def log_dollars(log_bytes: Mapping[str, float]) -> float:
    """Return what an image's logs cost to take in, by 10^9 bytes a gigabyte."""
    return float(sum(log_bytes.values()) / 1e9 * PRICES["logs_gigabyte"])


def log_table(log_bytes: Mapping[str, float]) -> str:
    """Return the bytes per image and their price for a million as a table in Markdown."""
    lines = ["| log of | bytes per image | USD, 1,000,000 images |", "|---|---|---|"]
    rows = {**log_bytes, "all": sum(log_bytes.values())}
    lines += [f"| {name} | {size:,.0f} | {log_dollars({name: size}) * 1e6:.2f} |" for name, size in rows.items()]
    return "\n".join(lines)


def draw(found: Mapping[str, Sequence[Simulated]], path: Path) -> None:
    """Plot time and cost against the number of images."""
    mpl.use("Agg")
    figure, (times, costs) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, rows in found.items():
        images = [row.images for row in rows]
        times.loglog(images, [row.hours * 60 for row in rows], marker="o", markersize=3, label=name)
        costs.loglog(images, [row.dollars for row in rows], marker="o", markersize=3, label=name)
    times.set(xlabel="images", ylabel="minutes")
    costs.set(xlabel="images", ylabel="USD, the endpoint's hours included")
    times.legend(frameon=False)
    for axes in (times, costs):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def table(found: Mapping[str, Sequence[Simulated]]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| endpoint | `--max-concurrency` | images | minutes | USD |", "|---|---|---|---|---|"]
    for name, rows in found.items():
        for row in rows:
            lines.append(f"| {name} | {row.at_once} | {row.images:,} | {row.hours * 60:.2f} | {row.dollars:.3f} |")  # noqa: PERF401
    return "\n".join(lines)


def main() -> None:
    """Write the plot and the tables."""
    typical = read_typical()
    found = {endpoint.name: run(typical, endpoint) for endpoint in ENDPOINTS}
    draw(found, DOCS / "scale.png")
    page = DOCS / "scale.md"
    text = page.read_text()
    for name, content in (("simulation", table(found)), ("logs", log_table(typical.log_bytes))):
        text = filled(text, name, content)
    page.write_text(text)


def filled(text: str, name: str, content: str) -> str:
    """Return a page with the part between a mark and its end replaced."""
    pattern = rf"(<!-- {name} -->\n).*?(\n<!-- end -->)"
    text, marks = re.subn(pattern, lambda match: match[1] + content + match[2], text, flags=re.DOTALL)
    assert marks == 1, f"The page has lost the marks of its table of {name}."
    return text


if __name__ == "__main__":
    main()
