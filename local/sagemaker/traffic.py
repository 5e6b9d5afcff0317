"""Which fleet of an endpoint answers a request, while an update moves the traffic from one to another."""

import random
import threading
from collections.abc import Sequence

from local.sagemaker.fleet import Fleet
from local.sagemaker.variants import Variant


class Traffic:
    """An endpoint's fleet in service and its variants, and the fleet that may replace it with its share of requests.

    The threads of requests and of an update share one lock: once a share is set, no request is sent by an older one.
    """

    def __init__(self, fleet: Fleet, variants: Sequence[Variant]) -> None:
        self._lock = threading.Lock()
        self._blue = fleet
        self._green: Fleet | None = None
        self._green_share = 0.0
        self._variants = list(variants)

    @property
    def fleet(self) -> Fleet:
        """The fleet in service."""
        with self._lock:
            return self._blue

    @property
    def variants(self) -> list[Variant]:
        """The variants in service, with the capacity that they have now."""
        with self._lock:
            return list(self._variants)

    def resize(self, variants: Sequence[Variant]) -> None:
        """Give the variants in service other weights and capacities."""
        with self._lock:
            self._variants = list(variants)

    def enter(self) -> Fleet:
        """Return the fleet that answers the next request, which it counts until `leave`."""
        with self._lock:
            to_green = self._green is not None and random.random() < self._green_share  # noqa: S311
            fleet = self._green if to_green and self._green else self._blue
            fleet.enter()
            return fleet

    def add(self, green: Fleet) -> None:
        """Add the fleet that may replace the one in service; it gets no requests yet."""
        with self._lock:
            self._green, self._green_share = green, 0.0

    def shift(self, share: float) -> None:
        """Send a share of the requests, from 0 to 1, to the fleet that was added."""
        with self._lock:
            self._green_share = share

    def replace(self, variants: Sequence[Variant]) -> Fleet:
        """Let the fleet that was added serve all requests, and return the one that did."""
        with self._lock:
            assert self._green is not None
            old, self._blue = self._blue, self._green
            self._green, self._green_share = None, 0.0
            self._variants = list(variants)
            return old

    def roll_back(self) -> Fleet:
        """Let the fleet in service serve all requests, and return the one that was added."""
        with self._lock:
            assert self._green is not None
            green, self._green, self._green_share = self._green, None, 0.0
            return green

    def stop(self) -> None:
        """End both fleets and write what was captured."""
        with self._lock:
            fleets = [fleet for fleet in (self._blue, self._green) if fleet]
        for fleet in fleets:
            fleet.stop()
