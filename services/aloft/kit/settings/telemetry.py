"""The section `telemetry`."""

from typing import Literal

from pydantic import Field

from aloft.kit.settings.section import Section


class TelemetrySettings(Section):
    """What an operator sees."""

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_json: bool = Field(True, description="One JSON object a line; otherwise text for a person.")
    metrics_host: str = Field("127.0.0.1", description="Address of the Prometheus endpoint.")
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Its port; 0 takes any free one, none is no endpoint."
    )
    otlp_endpoint: str | None = Field(
        None, pattern=r"^https?://[^/]+$", description="Where spans are sent: http://host:4317."
    )
