"""From settings to ports: the one place where an adapter is chosen for a running service."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack

from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.bus.port import Bus
from aloft.kit.bus.wiring import ensure_topics
from aloft.kit.clock import SystemClock
from aloft.kit.database import Database, migrate
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.http import SignedObjectServer
from aloft.kit.objects.port import Objects
from aloft.kit.objects.s3 import S3Objects
from aloft.kit.objects.signing import UrlSigner
from aloft.kit.service import Ports
from aloft.kit.settings import ObjectsSettings, Settings

RECEIVE_WAIT_S = 0.5
"""How long a receiver waits at the broker, and so the longest that stopping waits for it."""

Given = tuple[Ports, Callable[[], None]]
"""Ports, and what gives back all that they hold."""


def open_bus(settings: Settings) -> Bus:
    """Connect to the broker and make sure that the topics are there."""
    section = settings.bus
    if section.kind == "embedded":
        section.path.parent.mkdir(parents=True, exist_ok=True)
        bus: Bus = EmbeddedBus(section.path)
    else:
        bus = KafkaBus(section.kafka_config())
    ensure_topics(bus, create=section.create_topics)
    return bus


def open_database(settings: Settings) -> Database:
    """Open a service's database and bring it to what the code expects."""
    url = settings.database.url.get_secret_value()
    if url.startswith("sqlite"):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(url, schema=settings.service, pool_size=settings.database.pool_size)
    migrate(database, f"aloft.{settings.service}")
    return database


def open_ports(settings: Settings, bus: Bus, *, serve_objects: bool = False) -> Given:
    """Open a service's database and buckets. The bus is the caller's: services in one process share it.

    With `serve_objects`, objects in a folder are served over HTTP under the URLs that are signed here.
    """
    with ExitStack() as opening:
        database = open_database(settings)
        opening.callback(database.close)
        objects, pool = _objects(settings.objects, serve_objects, opening)
        ports = Ports(
            database=database,
            bus=bus,
            objects=objects,
            pool=pool,
            worker=f"{settings.service}@{socket.gethostname()}/{os.getpid()}",
            receive_wait_s=RECEIVE_WAIT_S,
            hearts=True,
        )
        return ports, opening.pop_all().close


def open_objects(section: ObjectsSettings) -> tuple[Objects, Callable[[], None]]:
    """Open Aloft's own bucket alone, and say what closes it: for what needs neither images nor a database."""
    if section.kind == "directory":
        return DirectoryObjects(section.directory), lambda: None
    own = S3Objects(section.s3_config(), section.bucket)
    return own, own.close


def _objects(section: ObjectsSettings, serve: bool, opening: ExitStack) -> tuple[Objects, Objects]:
    if section.kind == "s3":
        config = section.s3_config()
        own = S3Objects(config, section.bucket)
        images = S3Objects(config, section.pool_bucket, read_only=True)
        opening.callback(own.close)
        opening.callback(images.close)
        return own, images
    section.pool_directory.mkdir(parents=True, exist_ok=True)
    pool = DirectoryObjects(section.pool_directory, read_only=True)
    if not serve:
        return DirectoryObjects(section.directory), pool
    port = section.http_port or _free_port(section.http_host)
    url = section.public_url or f"http://{section.http_host}:{port}"
    secret = section.signing_secret.get_secret_value().encode()
    signer = UrlSigner(secret, url, section.bucket, SystemClock())
    folder = DirectoryObjects(section.directory, signer=signer)
    server = SignedObjectServer(folder, signer, section.http_host, port)
    server.start()
    opening.callback(server.close)
    return folder, pool


def _free_port(host: str) -> int:
    # The URLs name the port, so it is found before the server that they lead to is there.
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
