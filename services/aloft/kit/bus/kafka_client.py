"""Opens kafka-python's clients so that one that reaches no broker leaves no thread and no socket behind."""

from collections.abc import Callable
from typing import Any


def opened(kind: Callable[..., Any], **settings: Any) -> Any:
    """Make a producer, consumer or admin client; each connects while it is made, and may fail at that."""
    parts: list[Any] = []

    def network(**told: Any) -> Any:
        parts.append(kind.DEFAULT_CONFIG["kafka_client"](**told))  # type: ignore[attr-defined]
        return parts[-1]

    try:
        return kind(kafka_client=network, **settings)
    except BaseException:
        for part in parts:
            part.close()
        raise
