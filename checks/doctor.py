"""Check an account and what is deployed in it."""

from collections.abc import Callable, Iterator
from functools import partial

from checks import account, app, bucket
from checks.check import Check, Status, attempt
from checks.scope import Scope

# Every other check needs these.
FIRST: dict[str, Callable[[Scope], Iterator[Check]]] = {
    "credentials": account.credentials,
    "Region": account.region,
}
CHECKS: dict[str, Callable[[Scope], Iterator[Check]]] = {
    "stacks": app.stacks,
    "quotas": account.quotas,
    "role's trust": account.trust,
    "role's permissions": account.permissions,
    "bucket's versioning": bucket.versioning,
    "bucket's encryption": bucket.encryption,
    "bucket's public access": bucket.public_access,
    "bucket's EventBridge notifications": bucket.notifications,
    "container image": account.image,
    "endpoint": app.endpoint,
    "labels": app.labels,
    "threshold": app.threshold,
    "alarms": app.alarms,
    "queues": app.queues,
}


def examine(scope: Scope) -> Iterator[Check]:
    """Yield every check as it is made; an error that AWS answers is a result, not an exception."""
    able = True
    for name, check in FIRST.items():
        for found in attempt(name, partial(check, scope)):
            able = able and found.status is Status.OK
            yield found
    for name, check in CHECKS.items():
        if able:
            yield from attempt(name, partial(check, scope))
        else:
            yield Check(name, Status.SKIPPED, "needs credentials and a Region")
