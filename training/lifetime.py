"""Deploy an endpoint that expires as asked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import boto3

from training.deploy import Deployment
from training.errors import DeployError, StackError
from training.sagemaker.expiry import cancel_expiry, expiry_of, set_expiry
from training.sagemaker.listing import is_deleted
from training.sagemaker.stacks import Stacks

# Makes the endpoint expire as asked, and returns when that is, None for never.
SetExpiry = Callable[[], datetime | None]
# Deploys, and calls what it is given before it touches the endpoint.
Deploy = Callable[[SetExpiry], Deployment]


def deploy_until(set_it: SetExpiry, endpoint: str, deploy: Deploy) -> tuple[Deployment, datetime | None]:
    """Deploy an endpoint, and return when it expires.

    The expiry is set before the endpoint is touched, and again when it is in service, where its time begins. Wherever
    this process is killed, no endpoint stays that should expire: before CreateEndpoint there is a schedule alone, which
    ExpireEndpoint deletes when it fires, and after that there is an endpoint with a schedule.
    """
    while True:
        deployment = deploy(set_it)
        at = set_it()
        # An expiry that was due before may have deleted it meanwhile, and the schedule with it.
        if not is_deleted(boto3.client("sagemaker"), endpoint):
            return deployment, at


def after(seconds: int, endpoint: str, stacks: Stacks) -> SetExpiry:
    """Let the endpoint expire some seconds from when this is called.

    Raises:
        StackError: there is no app stack yet, or one without what deletes the endpoint.
        DeployError: the stack may delete another endpoint only.
    """
    try:
        app = stacks.app
        machine, role = app["ExpireEndpointArn"], app["ExpireScheduleRoleArn"]
    except StackError as error:
        raise type(error)(
            f"{error} The app stack deletes endpoints that expire: deploy it first, or deploy without --expires and "
            "repeat the command with it."
        ) from error
    if app["EndpointName"] != endpoint:
        raise DeployError(
            f"The app stack {app.stack} may delete its own endpoint only, {app['EndpointName']}; deploy {endpoint} "
            "without --expires, or name its app stack with --stack."
        )

    def set_it() -> datetime:
        at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
        set_expiry(endpoint, at, machine, role)
        return at

    return set_it


def never(endpoint: str) -> SetExpiry:
    """Let the endpoint stay, whatever was asked before."""
    return partial(cancel_expiry, endpoint)


def as_before(endpoint: str) -> SetExpiry:
    """Let the endpoint expire when it did before, or stay.

    Raises:
        DeployError: its time has passed, so that it may be deleted at any moment.
    """
    at = expiry_of(endpoint)
    if at and at <= datetime.now(UTC):
        raise DeployError(
            f"The endpoint {endpoint} was to expire at {at:%Y-%m-%d %H:%M} UTC, and is deleted as soon as no batch and "
            "no update runs: give --expires TIME, or --expires never."
        )
    return partial(expiry_of, endpoint)
