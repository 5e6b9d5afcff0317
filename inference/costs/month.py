"""What a month of images uses, term by term.

A gigabyte is 10^9 bytes. Free tiers and everything else in LEFT_OUT are not counted.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.costs.bill import Term
from inference.costs.measured import CostsError
from inference.costs.setup import Monitoring, Setup, processors_of
from inference.costs.use import MEGABYTES, ImageUse

DAYS = 30.4
HOURS = 24
SECONDS = 3600
GIGABYTE = 1e9
# A message to a reviewer is sent, received and deleted.
REVIEW_REQUESTS = 3
# Express is billed by 64 MB and 100 ms; ours hold less than that.
EXPRESS_GIGABYTES = 64 / MEGABYTES
EXPRESS_STEP = 0.1
# States of ClassifyBatch itself: Defaults, Settings, Is manifest named, and the Distributed Map.
BATCH_STATES = 4
# The driver lists a prefix, 1,000 keys at a time, and puts a manifest; ResultWriter puts results, the driver gets them.
LIST_KEYS = 1000
BATCH_PUTS, BATCH_GETS = 3, 4
# Assumed: from CreateEndpoint until the endpoint is in service, and from the end of a batch until it is deleted.
DEPLOY_HOURS = 10 / 60
# X-Ray's default rule: https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
TRACES_A_SECOND, TRACED_SHARE = 1.0, 0.05
LEFT_OUT = (
    "free tiers, taxes, training, retries, cold starts, the upload and storage of the images, the requests by which "
    "SageMaker writes captured data, the time in which Classify writes it, and the hourly drift check"
)


@dataclass(frozen=True)
class Month:
    """The images of a number of days, as many each day; every term is for all of them.

    Raises CostsError where there are no images, or where the table has no price for the instances.
    """

    images_a_day: int
    use: ImageUse
    setup: Setup
    prices: Mapping[str, Any]
    days: float = DAYS

    def __post_init__(self) -> None:
        """Refuse what has no bill."""
        if self.images_a_day < 1:
            raise CostsError(f"The number of images a day must be 1 or more, not {self.images_a_day}.")
        known = self.prices["instance_hour"]
        if self.setup.instance_type not in known:
            raise CostsError(f"There is no price of {self.setup.instance_type!r}; there is one of {', '.join(known)}.")

    @property
    def images(self) -> float:
        """The images of all days."""
        return self.images_a_day * self.days

    @property
    def images_a_second(self) -> float:
        """How many images the instances answer in a second while all of their processors are busy."""
        return self.setup.instances * processors_of(self.setup.instance_type) / self.use.processor_seconds

    @property
    def busy(self) -> float:
        """The share of the day for which instances that are there all day work."""
        return self.images_a_day / (self.images_a_second * HOURS * SECONDS)

    @property
    def batch_hours(self) -> float:
        """How long the endpoint is there for the batch of a day, in hours."""
        return DEPLOY_HOURS + self.images_a_day / self.images_a_second / SECONDS

    def instances(self, hours_a_day: float) -> Term:
        """An endpoint on instances for some hours of each day."""
        hours = hours_a_day * self.days * self.setup.instances
        return self._term("endpoint", hours, "instance-hours", self.prices["instance_hour"][self.setup.instance_type])

    def serverless(self) -> Term:
        """A serverless endpoint."""
        used = self.images * self.use.model_seconds * self.setup.serverless_memory / MEGABYTES
        return self._term("endpoint", used, "GB-seconds", "serverless_gb_second")

    def exchanged(self) -> Term:
        """What the endpoint gets and answers."""
        return self._term("endpoint, data", self._gigabytes(self.use.exchanged_bytes), "GB", "endpoint_gigabyte")

    def functions(self) -> tuple[Term, ...]:
        """The three functions, and the reading of the images."""
        durations = (
            self._term(
                f"Lambda duration, {architecture}",
                self.images * used,
                "GB-seconds",
                self.prices["lambda_gb_second"][architecture],
            )
            for architecture, used in self.use.gigabyte_seconds.items()
        )
        requests = self._term("Lambda requests", self.images * self.use.calls, "calls", "lambda_request")
        return (requests, *durations, self._term("S3 gets of images", self.images, "images", "s3_get"))

    def standard(self, states: float) -> Term:
        """A Standard execution an image, which enters so many states."""
        what = f"states, {states:.3g} an image"
        return self._term("state transitions", self.images * states, what, "states_transition")

    def express(self) -> tuple[Term, ...]:
        """A batch a day: its children, an Express execution an image, and what driver and map write and read."""
        children = math.ceil(self.images_a_day / self.setup.batch_size) * self.days
        executions, transitions = self.images + children, BATCH_STATES * self.days + children
        billed = math.ceil(round(self.use.seconds / EXPRESS_STEP, 9)) * EXPRESS_STEP
        puts = math.ceil(self.images_a_day / LIST_KEYS) + BATCH_PUTS
        return (
            self._term("state transitions", transitions, "states and children", "states_transition"),
            self._term("Express requests", executions, "images and children", "express_request"),
            self._term("Express duration", executions * billed * EXPRESS_GIGABYTES, "GB-seconds", "express_gb_second"),
            self._term("S3 lists and puts", puts * self.days, "lists, manifests and results", "s3_put"),
            self._term("S3 gets of results", BATCH_GETS * self.days, "manifests and results", "s3_get"),
        )

    def reviews(self) -> Term:
        """The messages about images that a person sees, in review or in the audit."""
        requests = self.images * self.use.review * REVIEW_REQUESTS
        return self._term("SQS requests", requests, "requests", "sqs_request")

    def captured(self) -> Term:
        """The captured data that is stored once the oldest is being deleted."""
        stored = self.images_a_day * self.setup.capture_days * self.use.captured_bytes / GIGABYTE
        return self._term("S3 storage of captured data", stored, "GB", "s3_gigabyte_month")

    def capture_puts(self) -> Term:
        """A request for each record that Classify captures itself."""
        return self._term("S3 puts of captured data", self.images, "records", "s3_put")

    def logs(self, *, express: bool) -> Term:
        """What the functions log, and Express executions."""
        return self._term("logs", self._gigabytes(self._log_bytes(express=express)), "GB", "logs_gigabyte")

    def logs_stored(self, *, express: bool) -> Term:
        """The logs that are stored once the oldest are being deleted; CloudWatch bills them compressed."""
        stored = self.images_a_day * self.setup.log_days * self._log_bytes(express=express) / GIGABYTE
        return self._term("log storage, at most", stored, "GB", "logs_gigabyte_month")

    def traces(self, seconds_a_day: float) -> Term:
        """The traces of images that come evenly within some seconds of each day."""
        a_second = self.images_a_day / seconds_a_day
        traced = min(a_second, TRACES_A_SECOND) + TRACED_SHARE * max(0.0, a_second - TRACES_A_SECOND)
        return self._term("X-Ray traces", traced * seconds_a_day * self.days, "traces", "trace")

    def schedules(self) -> Term:
        """A schedule a day that deletes the endpoint."""
        return self._term("schedules", self.days, "invocations", "schedule_invocation")

    def monitoring(self, what: Monitoring) -> tuple[Term, ...]:
        """What is paid by the month, however many images there are; metrics that have data all month."""
        return (
            self._term("custom metrics", what.custom_metrics, "metrics", "custom_metric_month"),
            self._term("alarms", what.alarm_metrics, "metrics of alarms", "alarm_metric_month"),
            self._term("dashboard", what.dashboards, "dashboards", "dashboard_month"),
        )

    def _log_bytes(self, *, express: bool) -> float:
        return self.use.log_bytes + (self.use.express_log_bytes if express else 0.0)

    def _gigabytes(self, bytes_an_image: float) -> float:
        return self.images * bytes_an_image / GIGABYTE

    def _term(self, name: str, quantity: float, unit: str, price: str | float) -> Term:
        return Term(name, quantity, unit, self.prices[price] if isinstance(price, str) else price)
