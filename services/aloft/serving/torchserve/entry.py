"""What an archive's entry file calls inside a TorchServe worker. Archives name it: it stays where it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aloft.kit.objects.digests import sha256_hex
from aloft.serving.answers import OK
from aloft.serving.archive import DESCRIPTION, MEMBERS, WEIGHTS, pack, read_description
from aloft.serving.handler import Handler


class Entry:
    """One worker's handler. TorchServe calls it first without data, to load, and then with batches."""

    def __init__(self) -> None:
        self._handler: Handler | None = None

    def handle(self, data: Sequence[dict[str, Any]] | None, context: Any) -> list[Any] | None:
        """Load, or answer a batch of requests."""
        if self._handler is None:
            self._handler = _load(context.system_properties)
        if data is None:
            return None
        answers = self._handler.answer([request.get("data") or request.get("body") for request in data])
        for index, answer in enumerate(answers):
            if answer.status != OK:
                context.set_response_status(answer.status, answer.body["error"]["reason"], index)
        return [answer.body for answer in answers]


def _load(properties: dict[str, Any]) -> Handler:
    folder = Path(properties["model_dir"])
    members = {name: (folder / name).read_bytes() for name in MEMBERS}
    # Packed again, the members give the archive's bytes: so the digest in every answer is what was loaded.
    digest = sha256_hex(pack(members))
    gpu = properties.get("gpu_id")
    device = "cpu" if gpu is None or int(gpu) < 0 else f"cuda:{gpu}"
    return Handler(read_description(members[DESCRIPTION]), members[WEIGHTS], digest, device)
