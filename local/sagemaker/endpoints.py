"""A SageMaker endpoint: the fleet that serves, and its replacement by another, a part of the traffic first.

Blue/green updates: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from local.sagemaker.alarms import Alarms
from local.sagemaker.fleet import Answer, Fleet, Unavailable
from local.sagemaker.metrics import Metrics
from local.sagemaker.variants import Variant

ALARM_POLL_SECONDS = 0.2


class Endpoint:
    """One endpoint with one variant; during an update two fleets share its traffic."""

    def __init__(
        self,
        name: str,
        config: str,
        variants: list[Variant],
        start: Callable[[str], Fleet],
        metrics: Metrics,
        alarms: Alarms,
    ) -> None:
        """Start the first fleet; `start` makes a fleet for a configuration's name."""
        self._name = name
        self.variants = variants
        self._start = start
        self._metrics = metrics
        self._alarms = alarms
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._state: dict[str, Any] = {"EndpointStatus": "Creating", "EndpointConfigName": config}
        self._fleet = start(config)
        self._green: Fleet | None = None
        self._green_share = 0.0
        self._touch()
        self._thread = threading.Thread(target=self._create, daemon=True)
        self._thread.start()

    def state(self) -> dict[str, Any]:
        """Return what DescribeEndpoint says that changes: status, configuration, reason, the update under way."""
        with self._lock:
            return dict(self._state)

    @property
    def busy(self) -> bool:
        """Whether it is being created or updated."""
        return self.state()["EndpointStatus"] in {"Creating", "Updating"}

    @property
    def variant(self) -> str:
        """The variant's name."""
        return self._fleet.variant

    @property
    def pid(self) -> int | None:
        """The number of the process that leads the serving container, if one lives."""
        return self._fleet.pid

    def invoke(self, body: bytes, headers: Mapping[str, str], inference_id: str | None) -> Answer:
        """Pass a request to a fleet and count it; raise Unavailable if there is no container to ask."""
        started = time.perf_counter()
        with self._lock:
            to_green = self._green is not None and random.random() < self._green_share  # noqa: S311
            fleet = self._green if to_green and self._green else self._fleet
            fleet.enter()
        try:
            answer = fleet.invoke(body, headers, inference_id)
        except Unavailable:
            self._metrics.add(self._name, fleet.variant, 503, time.perf_counter() - started)
            raise
        finally:
            fleet.leave()
        self._metrics.add(self._name, fleet.variant, answer.status, time.perf_counter() - started)
        return answer

    def update(self, config: str, variants: list[Variant], deployment: Mapping[str, Any]) -> None:
        """Start to replace the fleet by one for another configuration, as UpdateEndpoint's DeploymentConfig says."""
        policy = deployment.get("BlueGreenUpdatePolicy", {})
        alarms = [alarm["AlarmName"] for alarm in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ())]
        with self._lock:
            self._state |= {
                "EndpointStatus": "Updating",
                "FailureReason": None,
                "PendingDeploymentSummary": {
                    "EndpointConfigName": config,
                    "ProductionVariants": [{"VariantName": self.variant}],
                    "StartTime": time.time(),
                },
            }
        self._touch()
        green = self._start(config)
        arguments = (green, config, variants, policy, alarms)
        self._thread = threading.Thread(target=self._replace, args=arguments, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every fleet and write what was captured."""
        self._stopping.set()
        for fleet in (self._fleet, self._green):
            if fleet:
                fleet.stop()
        self._thread.join()

    def _create(self) -> None:
        reason = self._fleet.wait()
        self._settle(EndpointStatus="Failed" if reason else "InService", FailureReason=reason)

    def _replace(
        self, green: Fleet, config: str, variants: list[Variant], policy: Mapping[str, Any], alarms: list[str]
    ) -> None:
        """Move the traffic to `green`, or leave it where it is and say why.

        An alarm that the old fleet set off ends the update before any traffic has moved:
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html.
        """
        with self._lock:
            self._green, self._green_share = green, 0.0
        reason = self._in_alarm(alarms, "before the update began") or green.wait() or self._shift(policy, alarms)
        if self._stopping.is_set():
            return
        with self._lock:
            out = green if reason else self._fleet
            self._fleet = self._fleet if reason else green
            self.variants = self.variants if reason else variants
            self._green, self._green_share = None, 0.0
        out.retire()
        kept = {} if reason else {"EndpointConfigName": config}
        self._settle(EndpointStatus="InService", FailureReason=reason, **kept)

    def _shift(self, policy: Mapping[str, Any], alarms: list[str]) -> str | None:
        """Give `green` its share of the traffic, step by step; return the reason where an alarm went off."""
        routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0})
        shares = [1.0]
        if routing["Type"] == "CANARY":
            shares.insert(0, routing["CanarySize"]["Value"] / 100)
        waits = [routing["WaitIntervalInSeconds"]] * len(shares)
        waits[-1] += policy.get("TerminationWaitInSeconds", 0)
        for share, seconds in zip(shares, waits, strict=True):
            self._green_share = share
            deadline = time.monotonic() + seconds
            while True:
                if reason := self._in_alarm(alarms, "during the update"):
                    self._green_share = 0.0
                    return reason
                if time.monotonic() >= deadline or self._stopping.wait(ALARM_POLL_SECONDS):
                    break
        return None

    def _in_alarm(self, alarms: list[str], when: str) -> str | None:
        ringing = self._alarms.ringing(alarms)
        return f"The deployment was rolled back: in ALARM {when}: {', '.join(ringing)}." if ringing else None

    def _settle(self, **state: Any) -> None:
        with self._lock:
            self._state |= state | {"PendingDeploymentSummary": None}
        self._touch()

    def _touch(self) -> None:
        with self._lock:
            self._state["LastModifiedTime"] = time.time()
