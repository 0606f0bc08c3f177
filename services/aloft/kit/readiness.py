"""Whether a service can do its work now: its database answers and is migrated, and its loops are alive."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late

from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from aloft.kit.database import Database, pending
from aloft.kit.database.database import Transactions
from aloft.kit.service import Service
from aloft.kit.steps import Loop

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""How long the database may take to answer."""
READY = Gauge("aloft_ready", "Whether the service is ready: 1 or 0.", ["service"])


class Readiness:
    """Asks one service, and remembers what it last said."""

    def __init__(self, service: Service, package: str, loops: Sequence[Loop]) -> None:
        self._service = service
        self._package = package
        self._loops = loops
        self._migrated = False
        # A thread of its own: a database that hangs must not keep anybody from saying so.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._asked: Future[str] | None = None
        self._said: str | None = None
        self._been_ready = False

    def problem(self) -> str:
        """Say why it is not ready; "" if it is. A change is logged."""
        broken = self._loops_problem() or self._database_problem()
        why = broken or self._own_problem()
        if why != self._said:
            if why:
                # What a service waits for while it starts is no fault.
                expected = not broken and not self._been_ready
                level = logging.INFO if expected else logging.WARNING
                log.log(level, "%s is not ready: %s", self._service.name, why)
            else:
                self._been_ready = True
                log.info("%s is ready", self._service.name)
        self._said = why
        READY.labels(self._service.name).set(0 if why else 1)
        return why

    def close(self) -> None:
        """Stop asking."""
        READY.labels(self._service.name).set(0)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _loops_problem(self) -> str:
        dead = [loop.name for loop in self._loops if loop.join(0)]
        return f"ended by themselves: {', '.join(dead)}" if dead else ""

    def _own_problem(self) -> str:
        return "" if self._service.problem is None else self._service.problem()

    def _database_problem(self) -> str:
        database = self._service.database
        if database is None:
            return ""
        self._asked = self._asked or self._pool.submit(self._ask, database)
        try:
            why = self._asked.result(PATIENCE_S)
        except Late:
            return f"the database has not answered for {PATIENCE_S:.0f} s"
        self._asked = None
        return why

    def _ask(self, database: Transactions) -> str:
        try:
            if not self._migrated and isinstance(database, Database):
                missing = pending(database, self._package)
                if missing:
                    return f"the database lacks the migrations {', '.join(sorted(missing))}"
                self._migrated = True
            with database.read() as tx:
                tx.now()
        except SQLAlchemyError as error:
            return f"the database does not answer: {error.__class__.__name__}"
        return ""
