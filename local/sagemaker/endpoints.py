"""A SageMaker endpoint: its state, and the update that replaces its fleet.

Blue/green updates: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.sagemaker.alarms import Alarms
from local.sagemaker.container_client import Answer, Unavailable
from local.sagemaker.fleet import Fleet
from local.sagemaker.metrics import Metrics
from local.sagemaker.traffic import Traffic
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
        """Start the first fleet; `start` starts one for a configuration's name."""
        self._name = name
        self._start = start
        self._metrics = metrics
        self._alarms = alarms
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._state: dict[str, Any] = {"EndpointStatus": "Creating", "EndpointConfigName": config}
        self._traffic = Traffic(start(config), variants)
        self._touch()
        self._thread = threading.Thread(target=self._create, daemon=True)
        self._thread.start()

    def state(self) -> dict[str, Any]:
        """Return status, configuration, failure reason and current update as DescribeEndpoint names them."""
        with self._lock:
            return dict(self._state)

    @property
    def busy(self) -> bool:
        """Whether it is being created or updated."""
        return self.state()["EndpointStatus"] in {"Creating", "Updating"}

    @property
    def variant(self) -> str:
        """The variant's name."""
        return self._traffic.fleet.variant

    @property
    def variants(self) -> list[Variant]:
        """The production variants in service, with the capacity that they have now."""
        return self._traffic.variants

    @property
    def is_serverless(self) -> bool:
        """Whether it serves without instances."""
        return any("ServerlessConfig" in variant for variant in self.variants)

    @property
    def pid(self) -> int | None:
        """The id of the process that runs the serving container, None where there is none."""
        return self._traffic.fleet.pid

    def resize(self, variants: Sequence[Variant]) -> None:
        """Give the variants other weights and capacities."""
        self._traffic.resize(variants)

    def invoke(self, body: bytes, headers: Mapping[str, str], inference_id: str | None) -> Answer:
        """Pass a request to a fleet and count it.

        Raises:
            Throttled: a serverless variant takes no more requests at once; such a request isn't counted.
            Unavailable: no container runs.
        """
        began = time.monotonic()
        fleet = self._traffic.enter()
        try:
            answer = fleet.invoke(body, headers, inference_id)
        except Unavailable:
            self._metrics.add(self._name, fleet.variant, 503, 0.0, time.monotonic() - began)
            raise
        finally:
            fleet.leave()
        overhead = time.monotonic() - began - answer.seconds
        self._metrics.add(self._name, fleet.variant, answer.status, answer.seconds, overhead)
        return answer

    def update(self, config: str, variants: list[Variant], deployment: Mapping[str, Any]) -> None:
        """Start to replace the fleet by one for another configuration.

        `deployment` is UpdateEndpoint's DeploymentConfig.
        """
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

    def wait(self) -> None:
        """Wait until what was begun last, its creation or an update, has ended."""
        self._thread.join()

    def stop(self) -> None:
        """End every fleet and write what was captured."""
        self._stopping.set()
        self._traffic.stop()
        self._thread.join()

    def _create(self) -> None:
        reason = self._traffic.fleet.wait()
        self._settle(EndpointStatus="Failed" if reason else "InService", FailureReason=reason)

    def _replace(
        self, green: Fleet, config: str, variants: list[Variant], policy: Mapping[str, Any], alarms: list[str]
    ) -> None:
        """Move the traffic to `green`, or roll back and keep the reason.

        An alarm that fires for the old fleet ends the update before any traffic has moved:
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html.
        """
        self._traffic.add(green)
        reason = self._in_alarm(alarms, "before the update began") or green.wait() or self._shift(policy, alarms)
        if self._stopping.is_set():
            return
        leaving = self._traffic.roll_back() if reason else self._traffic.replace(variants)
        leaving.retire()
        changed = {} if reason else {"EndpointConfigName": config}
        self._settle(EndpointStatus="InService", FailureReason=reason, **changed)

    def _shift(self, policy: Mapping[str, Any], alarms: list[str]) -> str | None:
        """Shift the traffic step by step; return the reason to roll back where an alarm fires."""
        routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0})
        shares = [1.0]
        if routing["Type"] == "CANARY":
            shares.insert(0, routing["CanarySize"]["Value"] / 100)
        waits = [routing["WaitIntervalInSeconds"]] * len(shares)
        waits[-1] += policy.get("TerminationWaitInSeconds", 0)
        for share, seconds in zip(shares, waits, strict=True):
            self._traffic.shift(share)
            deadline = time.monotonic() + seconds
            while True:
                if reason := self._in_alarm(alarms, "during the update"):
                    self._traffic.shift(0.0)
                    return reason
                if time.monotonic() >= deadline or self._stopping.wait(ALARM_POLL_SECONDS):
                    break
        return None

    def _in_alarm(self, alarms: list[str], when: str) -> str | None:
        firing = self._alarms.firing(alarms)
        return f"The deployment was rolled back: in ALARM {when}: {', '.join(firing)}." if firing else None

    def _settle(self, **state: Any) -> None:
        with self._lock:
            self._state |= state | {"PendingDeploymentSummary": None}
        self._touch()

    def _touch(self) -> None:
        with self._lock:
            self._state["LastModifiedTime"] = time.time()
