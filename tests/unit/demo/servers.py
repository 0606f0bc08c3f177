"""Servers that are not there, whose parts only note what is asked of them."""

from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from aloft.demo.real.buckets import Buckets
from aloft.demo.real.database import RunDatabase
from aloft.demo.real.part import Refused
from aloft.demo.real.servers import Parts, Servers
from aloft.demo.real.topics import Topics
from aloft.demo.real.versions import Versions
from aloft.demo.system import SERVICES
from aloft.kit.settings import BusSettings, ObjectsSettings
from aloft.serving.app import ServingSettings

BUS = BusSettings(bootstrap_servers="127.0.0.1:1", topic_prefix="theirs.", create_topics=False)
OBJECTS = ObjectsSettings(
    endpoint="http://127.0.0.1:1",
    access_key="key",
    secret_key=SecretStr("secret"),
    bucket="their-aloft",
    pool_bucket="their-pool",
)
ADMIN_URL = "postgresql+psycopg://ann@127.0.0.1:1/theirs"
NEEDED = {setting for part in (Topics, Buckets, RunDatabase, Versions) for setting in part.needs}


def nowhere(folder: Path) -> Servers:
    """Name a server of each kind that does not answer."""
    serving = ServingSettings(
        management_url="http://127.0.0.1:1",
        inference_url="http://127.0.0.1:1",
        key_file=folder / "key_file.json",
        model_store=folder,
    )
    return Servers(BUS, OBJECTS, serving, ADMIN_URL)


def noting(servers: Servers, done: list[str], refusing: str = "") -> Callable[[str], Parts]:
    """Give parts that only note what is done to each; `refusing` is what one refuses, as in `make topics`."""

    def parts(name: str) -> Parts:
        made = servers.parts(name)
        made.database.urls.update({service: f"postgresql://{service}" for service in SERVICES})
        for part in made.each:
            for deed in ("make", "remove"):
                setattr(part, deed, _note(f"{deed} {type(part).__name__}", done, refusing))
        return made

    return parts


def _note(deed: str, done: list[str], refusing: str) -> Callable[[], None]:
    def note() -> None:
        done.append(deed)
        if deed == refusing:
            raise Refused(f"cannot {deed}")

    return note
