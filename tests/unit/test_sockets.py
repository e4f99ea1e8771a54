"""The guard of conftest.py: no test reaches a machine that is not this one."""

from __future__ import annotations

import http.client
import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1"])
def test_a_stranger_is_refused_before_any_packet(host):
    with pytest.raises(AssertionError, match=host):
        socket.create_connection((host, 80), timeout=1)


def test_an_http_client_is_refused_too():
    with pytest.raises(AssertionError, match=r"example\.org"):
        http.client.HTTPConnection("example.org", timeout=1).request("GET", "/")


@pytest.mark.parametrize("call", ["connect", "connect_ex"])
def test_a_bare_socket_is_refused_too(call):
    with socket.socket() as caller, pytest.raises(AssertionError):
        getattr(caller, call)(("192.0.2.1", 80))


def test_a_datagram_is_refused_too():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller, pytest.raises(AssertionError):
        caller.sendto(b"", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port), timeout=5) as caller:
            assert caller.getpeername() == ("127.0.0.1", port)
