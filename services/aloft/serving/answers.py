"""What a prediction answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OK, BAD_IMAGE = 200, 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What one image is answered: JSON, and a status in HTTP's words. It always names its version."""

    body: Mapping[str, Any]
    status: int = OK
