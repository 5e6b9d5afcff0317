"""How endpoints scale: the scalable targets and policies of Application Auto Scaling."""

from typing import Any

from moto.applicationautoscaling.models import ApplicationAutoscalingBackend

TARGET_FIELDS = ("min_capacity", "max_capacity", "role_arn", "suspended_state")
PLACE = ("service_namespace", "resource_id", "scalable_dimension")

Saved = dict[str, list[dict[str, Any]]]


class ScalingRules:
    """What was registered, and the policies."""

    def __init__(self, backend: ApplicationAutoscalingBackend) -> None:
        self._backend = backend

    def snapshot(self) -> Saved:
        """Return the targets and the policies."""
        targets = [target for of_dimension in list(self._backend.targets.values()) for target in of_dimension.values()]
        return {
            "targets": [{field: getattr(one, field) for field in (*PLACE, *TARGET_FIELDS)} for one in targets],
            "policies": [
                {field: getattr(one, field) for field in (*PLACE, "policy_name", "policy_type")}
                | {"policy_body": one._policy_body}
                for one in list(self._backend.policies.values())
            ],
        }

    def restore(self, saved: Saved) -> None:
        """Register the targets, and put the policies; whatever alarms these have are made anew."""
        for one in saved["targets"]:
            place = [one[field] for field in PLACE]
            self._backend.register_scalable_target(*place, *(one[field] for field in TARGET_FIELDS))
        for one in saved["policies"]:
            self._backend.put_scaling_policy(**one)
