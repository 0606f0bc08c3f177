"""The servers that the settings name: looked at before anything begins, lent to a run, left as they were."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aloft.demo.real.buckets import Buckets
from aloft.demo.real.database import RunDatabase
from aloft.demo.real.part import Part, Refused, named
from aloft.demo.real.topics import Topics
from aloft.demo.real.versions import Versions
from aloft.kit.settings import BusSettings, ObjectsSettings
from aloft.serving.app import ServingSettings


@dataclass(frozen=True, slots=True)
class Servers:
    """Where each is, as the settings say."""

    bus: BusSettings
    objects: ObjectsSettings
    serving: ServingSettings
    admin_url: str

    @property
    def trust(self) -> Mapping[str, str]:
        """Tell a vendor's program whom the services trust for the store."""
        authorities = self.objects.ca_file
        return {"SSL_CERT_FILE": str(authorities.resolve())} if authorities else {}

    def parts(self, name: str) -> "Parts":
        """Say what the run of a name has on each."""
        return Parts(
            Topics(self.bus, name),
            Buckets(self.objects, name),
            RunDatabase(self.admin_url, name),
            Versions(self.serving, name),
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What one run has on the servers."""

    topics: Topics
    buckets: Buckets
    database: RunDatabase
    versions: Versions

    @property
    def each(self) -> Sequence[Part]:
        """All four."""
        return self.topics, self.buckets, self.database, self.versions

    def make(self) -> None:
        """Make what the run needs on every server."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(_make, self.each))

    def remove(self) -> Sequence[str]:
        """Remove what the run has on every server, and say in a sentence what stays."""
        with ThreadPoolExecutor() as pool:
            return [said for said in pool.map(_remove, self.each) if said]


def lacking(part: Part, told: Collection[str]) -> str:
    """Say which settings a server is not found without; "" if all are `told`."""
    missing = [f"{setting} ({what})" for setting, what in part.needs.items() if setting not in told]
    return f"{part.server}: set {' and '.join(missing)}" if missing else ""


def look(parts: Parts, told: Collection[str]) -> tuple[Mapping[str, str], Sequence[str]]:
    """Describe each server, and say in a sentence what keeps any from being used."""
    with ThreadPoolExecutor() as pool:
        looks = list(pool.map(lambda part: _look(part, told), parts.each))
    found = {part.server: said for part, (said, _) in zip(parts.each, looks, strict=True) if said}
    return found, [wrong for _, wrong in looks if wrong]


def _look(part: Part, told: Collection[str]) -> tuple[str, str]:
    if sentence := lacking(part, told):
        return "", sentence
    try:
        with named(part):
            return part.look(), ""
    except Refused as refused:
        return "", f"{refused} (looked for by {', '.join(part.needs)})"


def _make(part: Part) -> None:
    with named(part):
        part.make()


def _remove(part: Part) -> str:
    try:
        with named(part):
            part.remove()
    except Refused as refused:
        return str(refused)
    return ""
