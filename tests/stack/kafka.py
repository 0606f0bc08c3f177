"""Apache Kafka, one KRaft node that is broker and controller."""

import base64
import shutil
import struct
import uuid
from pathlib import Path

from tests.stack import programs
from tests.stack.cache import provide
from tests.stack.server import Server, accepts, free_port

VERSION = "4.1.0"

# slf4j-simple 2 does not bind to the API that Kafka brings.
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>aloft</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""

# A broker that was killed may register again only when its former session has run out.
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=250
log.cleaner.dedupe.buffer.size=16777216
"""

# One compiler tier and one collector thread: a broker that lives for minutes starts faster so.
JVM = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]

# ApiVersions, version 0, with correlation id 7 and no client id. The broker answers once it is registered.
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 7, -1)


def fetch() -> Path:
    """Get Kafka's libraries and a formatted empty data folder."""
    return provide(
        "kafka",
        VERSION,
        f"getting Kafka {VERSION} with Maven, 43 MB; usually under a minute",
        _build,
    )


def _build(folder: Path) -> None:
    (folder / "pom.xml").write_text(POM)
    copy = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"
    programs.run_quietly(
        [programs.maven(), "-q", "-B", copy, "-DoutputDirectory=libs", "-DincludeScope=runtime"],
        what="Getting Kafka with Maven",
        folder=folder,
    )
    # Formatting takes a JVM of its own, and its result holds no address: it is done once and copied.
    (folder / "format.properties").write_text(PROPERTIES.format(broker=9092, controller=9093, folder=folder))
    identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # One argument, because the identity may begin with a hyphen.
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "-c", "format.properties"]
    programs.run_quietly(
        [programs.java(), "-cp", "libs/*", *tool], what="Formatting Kafka's data", folder=folder
    )


class Kafka(Server):
    """A broker. `bootstrap` stays the same for as long as the object lives."""

    name = "kafka"

    def __init__(self, folder: Path, *, outlives_session: bool = False) -> None:
        super().__init__(folder, outlives_session=outlives_session)
        self._home = fetch()
        self._broker, self._controller = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self._broker}"

    def prepare(self) -> None:
        """Copy the formatted folder and write the settings."""
        shutil.copytree(self._home / "data", self.folder / "data")
        text = PROPERTIES.format(broker=self._broker, controller=self._controller, folder=self.folder)
        (self.folder / "server.properties").write_text(text)

    def command(self) -> list[str]:
        """Say what to run."""
        return [programs.java(), *JVM, "-cp", f"{self._home}/libs/*", "kafka.Kafka", "server.properties"]

    def answers(self) -> bool:
        """Ask which requests the broker takes."""
        return accepts(self._broker, API_VERSIONS)[4:8] == API_VERSIONS[8:12]
