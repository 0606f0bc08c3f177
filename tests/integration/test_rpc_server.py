"""A real server on loopback, as its clients and its operators see it."""

import io
import json
import logging
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2 as details
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from prometheus_client import REGISTRY, generate_latest
from sqlalchemy import text

from aloft.kit.clock import ManualClock
from aloft.kit.database import Database
from aloft.kit.errors import AloftError, FieldViolation, InvalidArgument, ResourceExhausted, Unavailable
from aloft.kit.rpc.call import Call, Principal, Role, allow
from aloft.kit.rpc.channel import channel, error_of
from aloft.kit.rpc.keys import mint
from aloft.kit.rpc.server import Server, ServerConfig, StartRefused
from aloft.kit.rpc.verifiers import RemoteVerifier
from aloft.kit.telemetry import configure_logging, configure_tracing, span_from, traceparent
from tests.integration.echo import ACME, FAILURES, NAME, Echo, Keys, say, servicer, spell
from tests.stack.prometheus import promtool


@contextmanager
def serving(echo: Echo, keys: Keys, config: ServerConfig | None = None) -> Iterator[int]:
    server = Server([servicer(echo)], keys, config, name="echo")
    port = server.start()
    try:
        yield port
    finally:
        echo.release.set()
        server.stop(5)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def port(echo: Echo, keys: Keys) -> Iterator[int]:
    with serving(echo, keys, ServerConfig(max_message_bytes=100_000, max_concurrent=4)) as port:
        yield port


@contextmanager
def client(port: int, key: str = "acme") -> Iterator[grpc.Channel]:
    with channel(f"127.0.0.1:{port}", key=key, options=[("grpc.enable_retries", 0)]) as opened:
        yield opened


@pytest.fixture
def acme(port: int) -> Iterator[grpc.Channel]:
    with client(port) as opened:
        yield opened


def refused(channel: grpc.Channel, method: str, text: str = "", **options: object) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as failure:
        say(channel, method, text, **options)
    return failure.value


def details_of(failure: grpc.RpcError) -> dict[str, object]:
    status = rpc_status.from_call(cast("grpc.Call", failure))
    assert status is not None, f"the error carries no details: {failure}"
    kinds = (
        details.ErrorInfo,
        details.BadRequest,
        details.PreconditionFailure,
        details.QuotaFailure,
        details.RetryInfo,
    )
    found: dict[str, object] = {}
    for packed in status.details:
        for kind in kinds:
            message = kind()
            if packed.Unpack(message):
                found[kind.__name__] = message
    return found


@pytest.mark.parametrize("code", FAILURES)
def test_each_error_reaches_the_client_with_its_code_reason_and_details(
    acme: grpc.Channel, code: str
) -> None:
    expected = FAILURES[code]
    failure = refused(acme, "fail", code)
    assert failure.code().name == code, f"{type(expected).__name__} arrived as {failure.code()}"
    info = details_of(failure)["ErrorInfo"]
    assert info == details.ErrorInfo(reason=expected.reason, domain="aloft", metadata=expected.metadata), info
    read = error_of(failure)
    assert type(read) is type(expected), f"a client reads {type(expected).__name__} as {type(read).__name__}"
    assert (read.reason, read.message, dict(read.metadata)) == (
        expected.reason,
        expected.message,
        dict(expected.metadata),
    ), "a client reads something else than was raised"


def test_an_error_about_many_things_reaches_the_client(
    acme: grpc.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tuple(FieldViolation(f"annotations[{n}].label", f"no label {'é' * 300}") for n in range(1000))
    told = "; ".join(one.description for one in many)
    monkeypatch.setitem(cast("dict[str, AloftError]", FAILURES), "MANY", InvalidArgument("BAD", told, many))
    for _ in range(20):
        read = error_of(refused(acme, "fail", "MANY"))
        assert isinstance(read, InvalidArgument), read
        assert read.violations[0].field == "annotations[0].label"
        assert "996 more fields are wrong" in read.violations[-1].description


def test_details_say_what_a_program_needs(acme: grpc.Channel) -> None:
    invalid = refused(acme, "fail", "INVALID_ARGUMENT")
    violation = details.BadRequest.FieldViolation(field="size", description="must be positive")
    assert details_of(invalid)["BadRequest"] == details.BadRequest(field_violations=[violation])
    read = error_of(invalid)
    assert isinstance(read, InvalidArgument), read
    assert [(one.field, one.description) for one in read.violations] == [("size", "must be positive")]

    failed = details_of(refused(acme, "fail", "FAILED_PRECONDITION"))["PreconditionFailure"]
    assert isinstance(failed, details.PreconditionFailure), failed
    assert (failed.violations[0].type, failed.violations[0].subject) == ("LEASE_EXPIRED", "task:tasks/7")

    exhausted = error_of(refused(acme, "fail", "RESOURCE_EXHAUSTED"))
    assert isinstance(exhausted, ResourceExhausted), exhausted
    assert exhausted.retry_after_s == 2.5, "the client does not learn when to try again"
    away = error_of(refused(acme, "fail", "UNAVAILABLE"))
    assert isinstance(away, Unavailable), away
    assert away.retry_after_s == 3.0, "the client does not learn when to try again"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("test", "info", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_bug_is_internal_with_an_id_that_the_log_has_and_nothing_else_leaves(
    log: io.StringIO, acme: grpc.Channel
) -> None:
    failure = refused(acme, "bug")
    assert failure.code() is grpc.StatusCode.INTERNAL, failure
    assert "secret" not in str(failure), "the client sees the implementation"
    identifier = error_of(failure).metadata["id"]
    told = [line for line in map(json.loads, log.getvalue().splitlines()) if line.get("id") == identifier]
    assert len(told) == 1, f"the log does not have {identifier} once: {told}"
    assert "a secret of the implementation" in told[0]["exception"], "the log does not say what happened"
    assert identifier in str(failure), "the message does not give the id"


def test_a_value_that_the_database_refuses_is_the_callers_mistake_and_no_sql_leaves(
    keys: Keys, postgres_database: str
) -> None:
    class Storing(Echo):
        @allow(Role.VENDOR)
        def echo(self, request: StringValue, call: Call) -> StringValue:
            with database.read() as tx:
                tx.execute(text(request.value), {"value": "a\0b"})
            return request

    database = Database(postgres_database, schema="public")
    with serving(Storing(), keys) as port, client(port) as opened:
        nul = refused(opened, "echo", "SELECT CAST(:value AS text)")
        word = refused(opened, "echo", "SELECT CAST('secret' AS bigint), 'hidden'")
    database.close()
    assert {nul.code(), word.code()} == {grpc.StatusCode.INVALID_ARGUMENT}
    assert error_of(nul).message.startswith("a value of the request cannot be stored: PostgreSQL text fields")
    assert "hidden" not in str(word), "the client sees the statement"


def test_a_call_without_a_deadline_is_refused(port: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as bare:
        failure = refused(bare, "echo", metadata=[("authorization", "Bearer acme")])
    assert failure.code() is grpc.StatusCode.INVALID_ARGUMENT, failure
    assert error_of(failure).reason == "DEADLINE_REQUIRED"


def test_the_deadline_is_passed_on_and_a_late_call_ends_at_it(acme: grpc.Channel, echo: Echo) -> None:
    say(acme, "echo", timeout=7)
    assert 0 < echo.calls[-1].remaining() < 7.5, "the method does not know how long its caller waits"
    say(acme, "echo")
    assert 7.5 < echo.calls[-1].remaining() < 30.5, "the channel's own deadline is not 30 s"
    failure = refused(acme, "wait", timeout=0.2)
    assert failure.code() is grpc.StatusCode.DEADLINE_EXCEEDED, failure


def test_an_over_long_message_is_refused_and_named(acme: grpc.Channel) -> None:
    failure = refused(acme, "echo", "x" * 200_000)
    assert failure.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, failure
    read = error_of(failure)
    assert read.reason == "MESSAGE_TOO_LONG", read.reason
    assert "200004 vs. 100000" in read.message, "the client does not learn how long it was and may be"
    assert say(acme, "echo", "still here") == "still here", "the connection did not survive"


def test_a_request_that_does_not_parse_is_named(port: int) -> None:
    with client(port) as opened:
        raw = opened.unary_unary(f"/{NAME}/echo", lambda data: data, StringValue.FromString)
        with pytest.raises(grpc.RpcError) as failure:
            raw(b"\x0a\xff\xff")
    assert error_of(failure.value).reason == "MALFORMED_REQUEST"


@pytest.mark.parametrize(
    ("key", "method", "code", "reason"),
    [
        ("", "echo", "UNAUTHENTICATED", "KEY_MISSING"),
        ("nobody", "echo", "UNAUTHENTICATED", "KEY_INVALID"),
        ("acme", "administer", "PERMISSION_DENIED", "ROLE_FORBIDDEN"),
        ("ada", "echo", "PERMISSION_DENIED", "ROLE_FORBIDDEN"),
    ],
)
def test_who_may_not_call_is_told_why(port: int, key: str, method: str, code: str, reason: str) -> None:
    with client(port, key) as opened:
        failure = refused(opened, method)
    assert (failure.code().name, error_of(failure).reason) == (code, reason), failure


def test_a_method_for_anyone_needs_no_key_and_gives_no_rights(port: int) -> None:
    with client(port, "") as opened:
        assert say(opened, "public") == "|False", "somebody without a key is seen as somebody"


def test_a_revoked_key_is_refused_within_ten_seconds(echo: Echo, keys: Keys) -> None:
    clock, key = ManualClock(), mint(ACME.role, "p" * 32).key
    keys.known[key] = ACME
    server = Server([servicer(echo)], RemoteVerifier(keys.verify, clock=clock))
    port = server.start()
    with client(port, key) as opened:
        assert say(opened, "echo", "a") == "a"
        del keys.known[key]
        clock.advance(10)
        failure = refused(opened, "echo", "a")
    server.stop(1)
    assert error_of(failure).reason == "KEY_INVALID", "a revoked key still opens"


def test_a_verifier_that_is_away_is_unavailable_and_no_refusal(echo: Echo) -> None:
    def away(_: str) -> None:
        raise Unavailable("LABEL_STORE_AWAY", "the label store does not answer")

    server = Server([servicer(echo)], RemoteVerifier(away))
    port = server.start()
    with client(port, mint(ACME.role, "p" * 32).key) as opened:
        failure = refused(opened, "echo")
    server.stop(1)
    assert failure.code() is grpc.StatusCode.UNAVAILABLE, failure


def test_more_calls_than_there_is_room_for_are_refused_and_health_still_answers(
    acme: grpc.Channel, port: int, echo: Echo
) -> None:
    with ThreadPoolExecutor(4) as pool:
        held = [pool.submit(say, acme, "wait", "held") for _ in range(4)]
        for _ in range(4):
            assert echo.entered.acquire(timeout=10), "the calls did not begin"
        failure = refused(acme, "echo")
        assert failure.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, failure
        assert error_of(failure).reason == "TOO_MANY_CALLS"
        assert health(port) == health_pb2.HealthCheckResponse.SERVING, "a busy server looks dead"
        echo.release.set()
        assert [one.result() for one in held] == ["held"] * 4, "a call that was in flight failed"
    assert say(acme, "echo", "again") == "again", "the room was not given back"


def health(port: int, name: str = "") -> int:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as bare:
        request = health_pb2.HealthCheckRequest(service=name)
        stub: Any = health_pb2_grpc.HealthStub(bare)
        return int(stub.Check(request, timeout=5).status)


def test_answers_can_come_from_the_loop_and_many_at_a_time(acme: grpc.Channel) -> None:
    assert say(acme, "later", "a") == "a"
    assert list(spell(acme, "abc")) == ["a", "b", "c"]
    answers = spell(acme, "ab!c")
    assert [next(answers), next(answers)] == ["a", "b"], "what came before the failure is lost"
    with pytest.raises(grpc.RpcError) as failure:
        next(answers)
    assert error_of(failure.value).reason == "LEASE_EXPIRED", "a stream fails otherwise than a call"


def test_a_trace_goes_through_a_call_and_its_log_line(
    log: io.StringIO, acme: grpc.Channel, echo: Echo
) -> None:
    configure_tracing("test")
    with span_from("", "the client's"):
        trace = traceparent().split("-")[1]
        say(acme, "echo")
    assert echo.calls[-1].traceparent.split("-")[1] == trace, "the trace did not arrive"
    lines = [line for line in map(json.loads, log.getvalue().splitlines()) if line["logger"] == "aloft.rpc"]
    expected = {
        "service": "echo",
        "method": f"/{NAME}/echo",
        "code": "OK",
        "principal": "vendors/acme",
        "trace": trace,
    }
    assert len(lines) == 1, f"one call wrote {len(lines)} lines"
    assert lines[0].items() >= expected.items(), lines[0]


def test_what_services_ask_one_another_is_in_the_log_only_where_it_goes_wrong(
    log: io.StringIO, port: int, keys: Keys
) -> None:
    keys.known["agent"] = Principal("services/serving", Role.SERVICE)
    with client(port, "agent") as agent:
        say(agent, "echo")
        refused(agent, "administer")
    lines = [line for line in map(json.loads, log.getvalue().splitlines()) if line["logger"] == "aloft.rpc"]
    told = [(line["principal"], line["code"]) for line in lines]
    assert told == [("services/serving", "PERMISSION_DENIED")]


def count(code: str) -> float:
    labels = {"grpc_type": "unary", "grpc_service": NAME, "grpc_method": "fail", "grpc_code": code}
    return REGISTRY.get_sample_value("grpc_server_handled_total", labels) or 0.0


def test_each_call_is_counted_under_its_code_as_the_usual_dashboards_expect(acme: grpc.Channel) -> None:
    before = count("FailedPrecondition")
    refused(acme, "fail", "FAILED_PRECONDITION")
    assert count("FailedPrecondition") == before + 1, "the call was not counted"


def test_promtool_finds_nothing_wrong_with_the_metrics(acme: grpc.Channel) -> None:
    say(acme, "echo", "a")
    refused(acme, "bug")
    exposed = generate_latest(REGISTRY)
    for name in (
        "grpc_server_started_total",
        "grpc_server_handled_total",
        "grpc_server_handling_seconds_bucket",
    ):
        assert name.encode() in exposed, f"{name} is not exposed"
    checked = subprocess.run([promtool(), "check", "metrics"], input=exposed, capture_output=True, timeout=30)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b""), checked.stdout + checked.stderr


def test_reflection_is_there_only_where_it_is_on(echo: Echo, keys: Keys) -> None:
    def described(port: int) -> list[str]:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as bare:
            return list(ProtoReflectionDescriptorDatabase(bare).get_services())

    with serving(echo, keys, ServerConfig(reflection=True)) as port:
        assert NAME in described(port), "the service does not describe itself"
    with serving(Echo(), keys) as port, pytest.raises(grpc.RpcError):
        described(port)


def test_a_method_that_does_not_say_who_may_call_it_stops_the_start(keys: Keys) -> None:
    class Open(Echo):
        def echo(self, request: StringValue, call: Call) -> StringValue:
            return request

    with pytest.raises(StartRefused, match=r"Echo\.echo does not say who may call it: put @allow"):
        Server([servicer(Open())], keys)


def test_a_port_that_is_taken_stops_the_start_with_a_sentence(port: int, keys: Keys) -> None:
    with pytest.raises(StartRefused, match=f"cannot listen on 127.0.0.1:{port}: is another process there"):
        Server([servicer(Echo())], keys, ServerConfig(port=port)).start()


def test_a_service_that_is_not_there_is_named_as_that() -> None:
    with client(1) as opened:
        read: AloftError = error_of(refused(opened, "echo", timeout=5))
    assert read.reason == "UNREACHABLE", read


def test_many_callers_at_once_each_get_their_own_answer(echo: Echo, keys: Keys) -> None:
    with serving(echo, keys) as port, client(port) as opened, ThreadPoolExecutor(16) as pool:
        texts = [f"{number}" for number in range(300)]
        assert list(pool.map(lambda text: say(opened, "echo", text), texts)) == texts, "answers were mixed up"
    assert threading.active_count() < 100, "threads were left behind"
