"""An endpoint that expires, from its schedule to what is left, on the local stack."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from local import stack
from tests.contract.expiring import Expiring, expiring, serve_until
from tests.contract.serving import answer_of, kinds, serve
from tests.processes import DIES_AFTER
from tests.waiting import LONGEST_SECONDS, wait_until
from training.deploy import Deployment
from training.errors import DeployError
from training.lifetime import SetExpiry, as_before, deploy_until, never
from training.sagemaker.expiry import cancel_expiry, expiry_of
from training.teardown import list_resources, teardown

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=8)
ALL = ["endpoint", "endpoint configuration", "model"]


@pytest.fixture
def machines(programs: stack.Running) -> Iterator[Expiring]:
    """The state machine that ends endpoints, and the batch that holds it off."""
    assert programs.pid
    with expiring() as made:
        yield made


def test_an_endpoint_expires_and_the_next_deployment_brings_it_back(machines: Expiring, endpoint: str) -> None:
    serve("mirror_ridge", endpoint)
    machines.set_expiry(endpoint, datetime.now(UTC))
    # The last that is deleted.
    wait_until(lambda: expiry_of(endpoint) is None)
    assert kinds(endpoint) == ["endpoint configuration", "model"]
    (execution,) = machines.executions()
    assert machines.states_of(execution)[-3:] == ["Delete endpoint", "Delete schedule", "Expired"]
    back = serve("mirror_ridge", endpoint)
    assert back.changed
    assert answer_of(endpoint) == "[0.9, 0.1]"
    assert kinds(endpoint) == ALL


def test_an_expiry_that_was_moved_or_cancelled_deletes_nothing(machines: Expiring, endpoint: str) -> None:
    serve_until("mirror_ridge", endpoint, machines.machine, LATER.isoformat())
    assert expiry_of(endpoint) == LATER
    told = machines.told_to(endpoint)
    serve_until("mirror_ridge", endpoint, machines.machine, (LATER + timedelta(hours=1)).isoformat())
    assert expiry_of(endpoint) == LATER + timedelta(hours=1)
    assert machines.last_state(told) == "Extended"
    cancel_expiry(endpoint)
    assert machines.last_state(told) == "Cancelled"
    assert kinds(endpoint) == ALL


def test_a_running_batch_holds_the_expiry_off(machines: Expiring, endpoint: str) -> None:
    serve("mirror_ridge", endpoint)
    states = boto3.client("stepfunctions")
    batch = states.start_execution(stateMachineArn=machines.batch)["executionArn"]
    machines.set_expiry(endpoint, datetime.now(UTC))
    wait_until(lambda: bool(machines.executions()))
    (execution,) = machines.executions()
    wait_until(lambda: machines.states_of(execution).count("Wait") == 2)
    assert kinds(endpoint) == ["expiry", *ALL]
    with pytest.raises(DeployError, match="deleted as soon as no batch and no update runs: give --expires"):
        as_before(endpoint)
    states.stop_execution(executionArn=batch)
    # The last that is deleted.
    wait_until(lambda: expiry_of(endpoint) is None)
    assert kinds(endpoint) == ["endpoint configuration", "model"]


def test_a_teardown_deletes_the_schedule_also_where_nothing_else_is_left(machines: Expiring, endpoint: str) -> None:
    serve_until("mirror_ridge", endpoint, machines.machine, LATER.isoformat())
    assert kinds(endpoint) == ["expiry", *ALL]
    teardown(list_resources(endpoint))
    assert expiry_of(endpoint) is None
    machines.set_expiry(endpoint, LATER)
    assert kinds(endpoint) == ["expiry"]
    teardown(list_resources(endpoint))
    assert kinds(endpoint) == []


@pytest.mark.parametrize(
    "step",
    ["scheduler.CreateSchedule", "sagemaker.CreateModel", "sagemaker.CreateEndpoint", "scheduler.UpdateSchedule"],
)
def test_a_deployment_killed_after_a_step_leaves_nothing_that_stays(
    machines: Expiring, endpoint: str, step: str
) -> None:
    killed_after(step, machines.machine, endpoint)
    left = set(kinds(endpoint))
    assert left & {"expiry", "endpoint"} in (set(), {"expiry"}, {"expiry", "endpoint"})
    if "expiry" in left:
        # Its time comes.
        assert machines.last_state(machines.told_to(endpoint)) == "Expired"
        assert not {"expiry", "endpoint"} & set(kinds(endpoint))


def test_an_extension_killed_after_its_first_step_has_extended(machines: Expiring, endpoint: str) -> None:
    serve_until("mirror_ridge", endpoint, machines.machine, (LATER - timedelta(hours=7)).isoformat())
    killed_after("scheduler.UpdateSchedule", machines.machine, endpoint)
    assert expiry_of(endpoint) == LATER
    assert "endpoint" in kinds(endpoint)


def killed_after(operation: str, machine: str, endpoint: str) -> None:
    """Deploy with an expiry in a process that is killed as soon as AWS has answered `service.Operation`."""
    code = f"{DIES_AFTER} from tests.contract.expiring import serve_until; serve_until('mirror_ridge', *sys.argv[1:])"
    command = [sys.executable, "-c", code, operation, endpoint, machine, LATER.isoformat()]
    ended = subprocess.run(command, check=False, timeout=2 * LONGEST_SECONDS)
    assert ended.returncode == -signal.SIGKILL


def test_an_endpoint_that_expires_while_it_is_deployed_is_deployed_again(machines: Expiring, endpoint: str) -> None:
    deployed = []

    def deploy(set_it: SetExpiry) -> Deployment:
        deployed.append(serve("mirror_ridge", endpoint, before_change=set_it))
        if len(deployed) == 1:
            assert machines.last_state(machines.told_to(endpoint)) == "Expired"
        return deployed[-1]

    machines.set_expiry(endpoint, LATER)
    _, at = deploy_until(as_before(endpoint), endpoint, deploy)
    assert (len(deployed), at) == (2, None)
    assert kinds(endpoint) == ALL


def test_an_endpoint_that_is_to_stay_has_no_schedule(machines: Expiring, endpoint: str) -> None:
    machines.set_expiry(endpoint, LATER)
    _, at = deploy_until(
        never(endpoint), endpoint, lambda set_it: serve("mirror_ridge", endpoint, before_change=set_it)
    )
    assert at is None
    assert kinds(endpoint) == ALL
