"""Traces by OpenTelemetry, carried through calls and events as W3C `traceparent`.

Every process makes trace ids, so that its logs and events can be followed; spans leave it only where an
endpoint is configured.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, Span, SpanKind, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("aloft")
_LEADS = contexts.create_key("aloft-leads")

Attributes = Mapping[str, str | int]
"""What a span is found by: `aloft.campaign`, `aloft.batch`, `aloft.version`, …"""


def configure_tracing(
    service: str, endpoint: str | None = None, exporter: SpanExporter | None = None
) -> None:
    """Make trace ids in this process, and send its spans to an OTLP endpoint (`http://host:4317`) if any.

    OpenTelemetry has one provider a process: the first call names it, later ones only add where spans go.
    """
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(resource=Resource({"service.name": service}))
        trace.set_tracer_provider(provider)
    if endpoint:
        # Imported here: it brings its own gRPC stubs, and most processes never need them.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter))


def flush_traces() -> None:
    """Send what is not sent yet: at the end of a process."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush()


def traceparent() -> str:
    """Say where this thread is in a trace, as a W3C header; "" outside of one."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def trace_ids() -> Mapping[str, str]:
    """Say the ids of the current trace and span, for a log line."""
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace": f"{context.trace_id:032x}", "span": f"{context.span_id:016x}"}


@contextmanager
def span_from(
    parent: str, name: str, kind: SpanKind = SpanKind.CONSUMER, attributes: Attributes | None = None
) -> Iterator[Span]:
    """Open a span under a `traceparent`, or the first of a new trace where there is none."""
    context = _PROPAGATOR.extract({"traceparent": parent}, context=Context()) if parent else None
    with _tracer.start_as_current_span(name, context=context, kind=kind, attributes=attributes) as span:
        yield span


@contextmanager
def continuing(parent: str, name: str, attributes: Attributes | None = None) -> Iterator[Span]:
    """Go on in the trace of a stored `traceparent`, whoever the caller is: a link leads to the caller's span.

    Where nothing was stored, the caller's own trace goes on.
    """
    context = _PROPAGATOR.extract({"traceparent": parent}, context=Context()) if parent else None
    links = _here() if parent else ()
    with _tracer.start_as_current_span(name, context=context, links=links, attributes=attributes) as span:
        yield span


@contextmanager
def beginning(name: str, attributes: Attributes | None = None) -> Iterator[Span]:
    """Begin a trace of its own, with a link to the span that led to it."""
    with _tracer.start_as_current_span(name, context=Context(), links=_here(), attributes=attributes) as span:
        yield span


def _here() -> tuple[Link, ...]:
    context = get_current_span().get_span_context()
    return (Link(context),) if context.is_valid else ()


@contextmanager
def leading() -> Iterator[None]:
    """Claim for this trace whatever is asked for in this block, even if another trace asked for it before."""
    token = contexts.attach(contexts.set_value(_LEADS, True))
    try:
        yield
    finally:
        contexts.detach(token)


def leads() -> bool:
    """Say whether this code runs in a block that is `leading`."""
    return bool(contexts.get_value(_LEADS))


def describe(attributes: Attributes) -> None:
    """Say more of the current span, once it is known."""
    get_current_span().set_attributes(attributes)
