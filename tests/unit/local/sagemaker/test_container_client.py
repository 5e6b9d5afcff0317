"""The port of a serving container, from its choice until the container listens."""

import errno
import socket
from contextlib import closing

import pytest

from local.sagemaker.container_client import LOOPBACK, let_bind, reserve_port


def bind(port: int, *, as_a_server: bool) -> None:
    with closing(socket.socket()) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(as_a_server))
        server.bind((LOOPBACK, port))
        server.listen()


def test_a_reserved_port_is_a_servers_and_no_other_programs() -> None:
    with closing(reserve_port()) as reserved:
        port = reserved.getsockname()[1]
        let_bind(reserved)
        with pytest.raises(OSError, match=rf"Errno {errno.EADDRINUSE}\b"):
            bind(port, as_a_server=False)
        bind(port, as_a_server=True)


def test_where_two_sockets_cannot_have_a_port_the_server_gets_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(reserve_port()) as reserved:
        port = reserved.getsockname()[1]
        monkeypatch.setattr("sys.platform", "darwin")
        let_bind(reserved)
        monkeypatch.undo()
        bind(port, as_a_server=False)
        # A container starts again on the same port.
        let_bind(reserved)
