"""The simulated vendor as a program: `python -m aloft.demo.vendor --help` says what it asks for."""

import argparse
import logging
import signal
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from aloft.demo.client import GrpcLabelling
from aloft.demo.download import fetcher
from aloft.demo.journal import Journalled
from aloft.demo.simulated import Labelling, SimulatedVendor
from aloft.demo.truth import Truth
from aloft.kit.rpc.channel import channel

__all__ = ["SimulatedVendor", "main", "run"]

log = logging.getLogger("aloft.demo.vendor")


def run(vendor: SimulatedVendor, stopping: threading.Event, idle_s: float = 0.25) -> None:
    """Label until told to stop, looking again after `idle_s` whenever there is nothing to label."""
    while not stopping.is_set():
        done = vendor.step()
        if done:
            log.info("labelled %d images, %d so far", done, vendor.labelled)
        else:
            stopping.wait(idle_s)


def main(arguments: Sequence[str] | None = None) -> int:
    """Label a campaign until SIGTERM or SIGINT."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    authority = asked.ca.read_bytes() if asked.ca else None
    with ExitStack() as exits:
        key = asked.key_file.read_text().strip()
        client: Labelling = GrpcLabelling(exits.enter_context(channel(asked.target, key=key, ca=authority)))
        if asked.journal:
            client = Journalled(client, exits.enter_context(asked.journal.open("a")))
        vendor = SimulatedVendor(
            client,
            Truth.load(asked.truth),
            fetcher(asked.ca),
            asked.campaign,
            annotator=asked.annotator,
            max_tasks=asked.max_tasks,
            lease_s=asked.lease_s,
        )
        run(vendor, stopping, asked.idle_s)
    log.info("stopped after %d labels", vendor.labelled)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aloft.demo.vendor", description=main.__doc__)
    parser.add_argument("--target", required=True, help="host:port of the label store")
    parser.add_argument("--key-file", required=True, type=Path, help="file with the vendor's API key")
    parser.add_argument("--truth", required=True, type=Path, help="file of labels by SHA-256")
    parser.add_argument("--campaign", required=True, help="id of the campaign")
    parser.add_argument(
        "--ca", type=Path, help="PEM file with the authority of the label store and of the URLs"
    )
    parser.add_argument("--journal", type=Path, help="file that gets a JSON line for each annotation taken")
    parser.add_argument("--annotator", default="simulated", help="who labels, in the vendor's own words")
    parser.add_argument("--max-tasks", type=int, default=10, help="tasks leased at a time, 1 to 100")
    parser.add_argument("--lease-s", type=int, default=30, help="how long a lease lasts, in seconds")
    parser.add_argument("--idle-s", type=float, default=0.25, help="wait when there is nothing to label")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
