"""Stops a service at a place that can be named: inside the transaction that would announce its next event."""

from contextlib import ExitStack

from aloft.kit.bus import outbox
from tests.e2e.program import eventually
from tests.e2e.system import System, schema_of

_WAITING = (
    "SELECT count(*) AS sessions FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE NOT granted AND locktype = 'advisory' AND usename = current_user"
)


class Gate:
    """The lock under which a service writes its outbox for one campaign: the test's, while it is shut."""

    def __init__(self, system: System, service: str, campaign: str) -> None:
        self._system = system
        self._service = service
        self._campaign = campaign
        self._held = ExitStack()

    def shut(self) -> None:
        """Let nothing more be announced."""
        tx = self._held.enter_context(self._system.databases[schema_of(self._service)].transaction())
        tx.lock(f"{outbox.RELAY}/{self._campaign}")

    def wait(self) -> None:
        """Wait until the service has come to it, in the middle of a transaction."""

        def waiting() -> bool:
            return bool(self._system.rows(self._service, _WAITING)[0].sessions)

        eventually(waiting, f"{self._service} is about to announce something")

    def open(self) -> None:
        """Let it go on, if it still lives."""
        self._held.close()
