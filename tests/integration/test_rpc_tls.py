"""TLS, and mutual TLS, with certificates of the test's own."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from aloft.kit.rpc.channel import Identity, channel, error_of
from aloft.kit.rpc.server import Server, ServerConfig, Tls
from tests.integration.certificates import Authority, Pair
from tests.integration.echo import Echo, Keys, say, servicer

OURS, OTHERS = Authority("ours"), Authority("others")
SERVER = OURS.pair("server")


@contextmanager
def serving(client_ca: bytes | None = None) -> Iterator[str]:
    tls = Tls(SERVER.certificate, SERVER.key, client_ca)
    server = Server([servicer(Echo())], Keys(), ServerConfig(tls=tls))
    port = server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(1)


def identity(pair: Pair) -> Identity:
    return Identity(pair.certificate, pair.key)


def unreachable(opened: grpc.Channel) -> str:
    with opened, pytest.raises(grpc.RpcError) as failure:
        say(opened, "echo", timeout=3)
    return error_of(failure.value).reason


def test_a_client_that_trusts_the_authority_is_served() -> None:
    with serving() as target, channel(target, key="acme", ca=OURS.certificate) as opened:
        assert say(opened, "echo", "over TLS") == "over TLS"


def test_a_client_that_trusts_another_authority_or_speaks_plainly_gets_nowhere() -> None:
    quick = [("grpc.enable_retries", 0)]
    with serving() as target:
        other = channel(target, key="acme", ca=OTHERS.certificate, options=quick)
        assert unreachable(other) == "UNREACHABLE", "a server of another authority was trusted"
        plain = channel(target, key="acme", options=quick)
        assert unreachable(plain) == "UNREACHABLE", "plain text was served"


def test_with_mutual_tls_only_clients_of_our_authority_are_served() -> None:
    quick = [("grpc.enable_retries", 0)]
    with serving(OURS.certificate) as target:
        known = channel(target, key="acme", ca=OURS.certificate, identity=identity(OURS.pair("trainer")))
        with known:
            assert say(known, "echo", "known") == "known"
        nobody = channel(target, key="acme", ca=OURS.certificate, options=quick)
        assert unreachable(nobody) == "UNREACHABLE", "a client without a certificate was served"
        stranger = channel(
            target, key="acme", ca=OURS.certificate, identity=identity(OTHERS.pair("x")), options=quick
        )
        assert unreachable(stranger) == "UNREACHABLE", "a stranger's certificate was taken"


def test_a_certificate_is_no_key() -> None:
    with serving(OURS.certificate) as target:
        opened = channel(target, ca=OURS.certificate, identity=identity(OURS.pair("trainer")))
        with opened, pytest.raises(grpc.RpcError) as failure:
            say(opened, "echo")
    assert error_of(failure.value).reason == "KEY_MISSING", "a certificate alone let a caller in"
