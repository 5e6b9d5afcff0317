import json
from pathlib import Path

import pytest

from local import sam, stack


@pytest.mark.parametrize("address", ["172.17.0.1", "192.168.1.5", "10.0.0.1"])
def test_the_stack_listens_on_an_address_of_a_private_network(address: str) -> None:
    assert sam.address_to_bind(address) == address


@pytest.mark.parametrize("address", ["", "host.docker.internal", "127.0.0.1", "::1"])
def test_a_name_and_loopback_need_nothing_but_loopback(address: str) -> None:
    assert sam.address_to_bind(address) is None


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "8.8.8.8"])  # noqa: S104 - refused
def test_an_address_that_others_reach_is_refused(address: str) -> None:
    with pytest.raises(sam.BadContainerAddress, match="open to others"):
        sam.address_to_bind(address)


def test_each_function_gets_its_variables_and_the_stacks_address(tmp_path: Path) -> None:
    running = stack.Running({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, 1, tmp_path)
    options = stack.Options(str(tmp_path), parameters={"MaxSide": "64"}, container_address="172.17.0.1")
    variables = json.loads(sam.write_environment(running, options).read_text())
    assert set(variables) == {"SerializeFunction", "ClassifyFunction", "ThresholdFunction"}
    assert variables["SerializeFunction"]["MAX_SIDE"] == "64"
    assert {one["AWS_ENDPOINT_URL"] for one in variables.values()} == {"http://172.17.0.1:4566"}
