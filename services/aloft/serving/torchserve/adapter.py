"""The serving port on TorchServe: a campaign is a model there, and a version a version."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aloft.serving.answers import BAD_IMAGE, OK, Answer
from aloft.serving.archive import archive_name
from aloft.serving.port import OtherArchive, Registered, ServerAway, ServerRefused
from aloft.serving.torchserve.api import Api, Reply

_NAMED = re.compile(r".+-\d+-(?P<digest>[0-9a-f]{64})\.mar")
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Loading:
    """How a version is loaded."""

    workers: int = 1
    """Processes of each version, each with a network of its own."""
    batch_images: int = 16
    """Requests that go through the network at once."""
    batch_delay_ms: int = 20
    """How long a request waits for others."""
    response_timeout_s: int = 60
    """A batch that takes longer has its worker restarted."""


class TorchServe:
    """Manages the TorchServe of this pod."""

    def __init__(self, api: Api, store: Path, loading: Loading) -> None:
        self._api = api
        self._store = store
        self._loading = loading
        self.workers_per_version = loading.workers

    def registered(self) -> list[Registered]:
        """Describe every version of every model."""
        return [
            _registered(said, default)
            for name, default in self._models()
            for said in self._wanted(self._api.call("management", "GET", f"/models/{_path(name)}/all"))
        ]

    def register(self, campaign: str, version: int, digest: str, archive: bytes) -> None:
        """Lay the archive into the store and have it loaded."""
        name = f"{archive_name(campaign, version, digest)}.mar"
        self._put(name, archive)
        loading = self._loading
        query = {
            "url": name,
            "model_name": campaign,
            "initial_workers": loading.workers,
            "synchronous": "true",
            "batch_size": loading.batch_images,
            "max_batch_delay": loading.batch_delay_ms,
            "response_timeout": loading.response_timeout_s,
        }
        reply = self._api.call("management", "POST", "/models", query)
        if reply.status == 409:
            self._check_ours(campaign, version, digest)
        elif reply.status != OK:
            (self._store / name).unlink(missing_ok=True)
            self._wanted(reply)

    def predict(self, campaign: str, version: int | None, images: Sequence[bytes]) -> list[Answer]:
        """Answer images, each by a request."""
        path = f"/predictions/{_path(campaign)}" + ("" if version is None else f"/{version}")
        return [_answer(self._api.call("inference", "POST", path, body=image)) for image in images]

    def set_default(self, campaign: str, version: int) -> None:
        """Have a version answer where none is named."""
        path = f"/models/{_path(campaign)}/{version}/set-default"
        self._wanted(self._api.call("management", "PUT", path))

    def unregister(self, campaign: str, version: int) -> None:
        """End a version's workers and forget its archive."""
        reply = self._api.call("management", "DELETE", f"/models/{_path(campaign)}/{version}")
        if reply.status != 404:
            self._wanted(reply)
        for file in self._store.glob("*.mar"):
            # By the whole name: another campaign's may begin like this version's.
            if file.name == f"{archive_name(campaign, version, _digest(file.name))}.mar":
                file.unlink(missing_ok=True)

    def clear(self) -> None:
        """Empty the store: what TorchServe serves it has unpacked elsewhere."""
        self._store.mkdir(parents=True, exist_ok=True)
        for file in self._store.iterdir():
            file.unlink(missing_ok=True)

    def _models(self) -> Iterator[tuple[str, str]]:
        token: str | None = ""
        while token is not None:
            query = {"limit": _PAGE, **({"next_page_token": token} if token else {})}
            said = self._wanted(self._api.call("management", "GET", "/models", query))
            yield from ((model["modelName"], model["modelUrl"]) for model in said["models"])
            token = said.get("nextPageToken")

    def _check_ours(self, campaign: str, version: int, digest: str) -> None:
        said = self._wanted(self._api.call("management", "GET", f"/models/{_path(campaign)}/{version}"))
        found = _digest(said[0]["modelUrl"])
        if found != digest:
            raise OtherArchive(campaign, version, found)

    def _put(self, name: str, archive: bytes) -> None:
        self._store.mkdir(parents=True, exist_ok=True)
        scratch = self._store / f"{name}.new"
        scratch.write_bytes(archive)
        scratch.rename(self._store / name)

    def _wanted(self, reply: Reply) -> Any:
        if reply.status == OK:
            return reply.content
        said = f"TorchServe answers {reply.status}: {reply.complaint}"
        raise ServerAway(said) if reply.status in (429, 503, 507) else ServerRefused(said)


def _registered(said: dict[str, Any], default: str) -> Registered:
    workers = said["workers"]
    ready = sum(worker["status"] == "READY" for worker in workers)
    return Registered(
        campaign=said["modelName"],
        version=int(said["modelVersion"]) if said["modelVersion"].isdecimal() else 0,
        digest=_digest(said["modelUrl"]),
        ready=ready >= max(1, said["minWorkers"]),
        default=said["modelUrl"] == default,
        workers=max(said["maxWorkers"], len(workers)),
    )


def _digest(url: str) -> str:
    found = _NAMED.fullmatch(url)
    return found["digest"] if found else ""


def _answer(reply: Reply) -> Answer:
    named = isinstance(reply.content, dict) and "digest" in reply.content
    if reply.status in (OK, BAD_IMAGE) and named:
        return Answer(reply.content, reply.status)
    said = f"TorchServe answers {reply.status}: {reply.complaint}"
    raise ServerRefused(said) if reply.status in (400, 404, 413) else ServerAway(said)


def _path(name: str) -> str:
    return quote(name, safe="")
