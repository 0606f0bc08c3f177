"""What an operator sees of a process: JSON logs, Prometheus metrics, OpenTelemetry traces."""

from aloft.kit.telemetry.logs import bind, configure_logging
from aloft.kit.telemetry.metrics import MetricsServer
from aloft.kit.telemetry.tracing import (
    beginning,
    configure_tracing,
    continuing,
    flush_traces,
    span_from,
    traceparent,
)

__all__ = [
    "MetricsServer",
    "beginning",
    "bind",
    "configure_logging",
    "configure_tracing",
    "continuing",
    "flush_traces",
    "span_from",
    "traceparent",
]
