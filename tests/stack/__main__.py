"""The servers by hand.

fetch   get what the servers are made of; what is there already costs nothing
up      start Kafka, MinIO, PostgreSQL, TorchServe and Prometheus, leave them running, print their addresses
down    end what `up` started
"""

import argparse
import sys
from collections.abc import Callable

from tests.stack import kafka, minio, postgres, prometheus, torchserve
from tests.stack.cache import CannotBeHad
from tests.stack.standing import down, up


def fetch() -> None:
    """Get everything, what is quickly missed first."""
    for each in (postgres.fetch, torchserve.fetch, kafka.fetch, prometheus.fetch, minio.fetch):
        each()


def main() -> int:
    """Do what the command line asks."""
    commands: dict[str, Callable[[], None]] = {"fetch": fetch, "up": up, "down": down}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=commands)
    try:
        commands[parser.parse_args().command]()
    except CannotBeHad as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
