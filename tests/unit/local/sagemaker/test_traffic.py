"""How an endpoint's requests are shared by two fleets."""

import threading
from collections import Counter
from typing import cast

from local.sagemaker.fleet import Fleet
from local.sagemaker.traffic import Traffic


class CountingFleet:
    """Counts the requests that enter it."""

    def __init__(self) -> None:
        self.entered = 0
        self.stopped = False

    def enter(self) -> None:
        self.entered += 1

    def stop(self) -> None:
        self.stopped = True


def fleet() -> Fleet:
    return cast("Fleet", CountingFleet())


def counts(traffic: Traffic, requests: int) -> Counter[Fleet]:
    return Counter(traffic.enter() for _ in range(requests))


def test_a_fleet_that_was_added_gets_no_request_before_its_share() -> None:
    blue, green = fleet(), fleet()
    traffic = Traffic(blue, [])
    traffic.add(green)
    assert counts(traffic, 100) == {blue: 100}


def test_a_share_of_the_requests_goes_to_the_fleet_that_was_added() -> None:
    blue, green = fleet(), fleet()
    traffic = Traffic(blue, [])
    traffic.add(green)
    traffic.shift(0.25)
    # 20 standard errors.
    assert abs(counts(traffic, 10_000)[green] - 2_500) < 900
    traffic.shift(1.0)
    assert counts(traffic, 100) == {green: 100}


def test_after_a_replacement_the_new_fleet_and_its_variants_are_in_service() -> None:
    blue, green = fleet(), fleet()
    traffic = Traffic(blue, [{"VariantName": "old"}])
    traffic.add(green)
    assert traffic.replace([{"VariantName": "new"}]) is blue
    assert (traffic.fleet, traffic.variants) == (green, [{"VariantName": "new"}])
    assert counts(traffic, 100) == {green: 100}


def test_after_a_rollback_the_old_fleet_and_its_variants_are_in_service() -> None:
    blue, green = fleet(), fleet()
    traffic = Traffic(blue, [{"VariantName": "old"}])
    traffic.add(green)
    traffic.shift(0.5)
    assert traffic.roll_back() is green
    assert (traffic.fleet, traffic.variants) == (blue, [{"VariantName": "old"}])
    assert counts(traffic, 100) == {blue: 100}


def test_once_a_share_is_set_no_request_is_sent_by_an_older_one() -> None:
    """A request whose fleet is being chosen finishes first: its fleet then knows of it and can wait for it."""
    entering, release = threading.Event(), threading.Event()

    class SlowFleet(CountingFleet):
        def enter(self) -> None:
            entering.set()
            assert release.wait(10)
            super().enter()

    slow = SlowFleet()
    traffic = Traffic(fleet(), [])
    traffic.add(cast("Fleet", slow))
    traffic.shift(1.0)
    request = threading.Thread(target=traffic.enter)
    request.start()
    assert entering.wait(10)
    shifted = threading.Thread(target=traffic.shift, args=[0.0])
    shifted.start()
    shifted.join(0.05)
    assert shifted.is_alive()
    release.set()
    for thread in (request, shifted):
        thread.join(10)
    assert slow.entered == 1
    assert counts(traffic, 100)[cast("Fleet", slow)] == 0


def test_both_fleets_are_stopped() -> None:
    blue, green = CountingFleet(), CountingFleet()
    traffic = Traffic(cast("Fleet", blue), [])
    traffic.add(cast("Fleet", green))
    traffic.stop()
    assert blue.stopped
    assert green.stopped
