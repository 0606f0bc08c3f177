"""Logs, traces and metrics, as an operator's tools read them."""

import io
import json
import logging
import threading
import urllib.request
from collections.abc import Iterator
from contextvars import copy_context

import pytest
from prometheus_client import CollectorRegistry, Counter

from aloft.kit.telemetry import (
    MetricsServer,
    bind,
    configure_logging,
    configure_tracing,
    span_from,
    traceparent,
)

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("trainer", "info", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_log_line_carries_service_campaign_and_trace(lines: io.StringIO) -> None:
    configure_tracing("test")
    with bind(campaign="forests"), span_from(PARENT, "work"):
        logging.getLogger("aloft.x").info("did %d things", 3, extra={"fields": {"ms": 2}})
    line = json.loads(lines.getvalue())
    expected = {
        "level": "info",
        "logger": "aloft.x",
        "message": "did 3 things",
        "service": "trainer",
        "campaign": "forests",
        "trace": "0af7651916cd43dd8448eb211c80319c",
        "ms": 2,
    }
    assert line.items() >= expected.items(), line


def test_an_exception_stays_on_its_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("aloft.x").exception("it failed")
    (line,) = lines.getvalue().splitlines()
    assert "ValueError: two" in json.loads(line)["exception"], line


def test_what_is_bound_ends_with_its_block_and_goes_with_its_context(lines: io.StringIO) -> None:
    with bind(campaign="forests"):
        context = copy_context()
    logging.getLogger("aloft.x").info("outside")
    thread = threading.Thread(target=context.run, args=(logging.getLogger("aloft.x").info, "inside"))
    thread.start()
    thread.join()
    outside, inside = (json.loads(line) for line in lines.getvalue().splitlines())
    assert "campaign" not in outside, "a field outlived its block"
    assert inside["campaign"] == "forests", "a field did not go with its context"


def test_text_for_a_person_has_the_same_fields() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("trainer", "info", json=False, stream=stream)
    with bind(campaign="forests"):
        logging.getLogger("aloft.x").info("hello")
    root.handlers[:] = handlers
    root.setLevel(level)
    assert "hello" in stream.getvalue(), stream.getvalue()
    assert "campaign=forests" in stream.getvalue(), stream.getvalue()


def test_a_span_goes_on_where_its_parent_was_and_ends() -> None:
    configure_tracing("test")
    with span_from(PARENT, "child"):
        assert traceparent().split("-")[1] == PARENT.split("-")[1], "the trace was lost"
        assert traceparent() != PARENT, "the span is its parent"
    assert traceparent() == "", "a span outlived its block"
    with span_from("", "first"):
        assert traceparent(), "a first span has no trace"


def test_metrics_are_served_on_a_free_port() -> None:
    registry = CollectorRegistry()
    Counter("aloft_things", "Things.", registry=registry).inc(3)
    with MetricsServer(0, registry=registry) as server:
        answer = urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5)
        with answer:
            body = answer.read().decode()
    assert "aloft_things_total 3.0" in body, body
    assert "_created" not in body, "each counter has a second series that nobody reads"
