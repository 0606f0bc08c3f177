"""What every database must do, asked of SQLite and of a real PostgreSQL."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from aloft.kit.clock import SECOND
from aloft.kit.database import Database, Transaction, migrate, pending, provision
from tests.contract.databases import Place, execute, place
from tests.stack.postgres import Postgres

DEADLINE_S = 20.0


@pytest.fixture
def empty(admin_url: str | None, tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, admin_url) as made:
        yield made


@pytest.fixture
def home(empty: Place) -> Place:
    database = empty.open()
    migrate(database)
    with database.transaction() as tx:
        tx.execute(text("CREATE TABLE notes (note TEXT PRIMARY KEY)"))
    return empty


@pytest.fixture
def database(home: Place) -> Database:
    return home.opened[0]


def write(tx: Transaction, note: str) -> None:
    tx.execute(text("INSERT INTO notes VALUES (:note)"), {"note": note})


def write_and_fail(tx: Transaction, note: str) -> None:
    write(tx, note)
    raise ZeroDivisionError


def notes(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(text("SELECT note FROM notes ORDER BY note")).scalars())


def eventually(happens: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not happens():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S:.0f} s"
        threading.Event().wait(0.01)


def test_migrating_applies_what_is_pending_and_again_changes_nothing(empty: Place) -> None:
    database = empty.open()
    assert "clock_0001" in pending(database), "a new database lacks the kit's tables"
    migrate(database)
    assert pending(database) == set()
    migrate(database)
    assert pending(database) == set()


def test_processes_that_migrate_at_the_same_time_do_it_once(empty: Place) -> None:
    processes = [empty.in_process("migrate(database); print(len(pending(database)))") for _ in range(3)]
    answers = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert answers == ["0\n"] * 3, "each process finds nothing pending once it has migrated"


def test_a_migration_waits_for_one_that_another_process_has_begun(
    postgres_database: str, tmp_path: Path
) -> None:
    with place(tmp_path, postgres_database) as empty, ThreadPoolExecutor(1) as pool:
        mine, theirs = empty.open(), empty.open()
        waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        with mine.transaction() as tx:
            tx.lock("migrate")
            other = pool.submit(migrate, theirs)
            eventually(lambda: tx.execute(waits).scalar_one() == 1, "the other one waits")
            assert not other.done()
        other.result()
        assert pending(mine) == set()


def test_threads_that_migrate_different_databases_do_not_disturb_each_other(
    empty: Place, tmp_path: Path
) -> None:
    others = [Database(f"sqlite:///{tmp_path}/{n}.db", schema="other") for n in range(3)]
    databases = [empty.open(), *others]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, databases))
    assert [pending(database) for database in databases] == [set()] * 4
    for database in others:
        database.close()


def test_a_migration_that_fails_leaves_nothing_behind(
    empty: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "half_migrated" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "half_migrated" / "__init__.py").touch()
    (versions / "half_0001.py").write_text(
        "from alembic import op\n"
        "revision, down_revision, branch_labels, depends_on = 'half_0001', None, ('half',), None\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half (x INTEGER)')\n"
        "    op.execute('this is not SQL')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    database = empty.open()
    migrate(database)
    with pytest.raises(DBAPIError, match="syntax error"):
        migrate(database, "half_migrated")
    assert pending(database, "half_migrated") == {"half_0001"}
    with database.transaction() as tx:
        tx.execute(text("CREATE TABLE half (x INTEGER)"))


def test_a_transaction_commits_at_the_end_of_its_block_or_not_at_all(database: Database) -> None:
    with database.transaction() as tx:
        write(tx, "kept")
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        write_and_fail(tx, "lost")
    assert notes(database) == ["kept"]


def test_what_waits_for_the_commit_runs_once_after_it_and_never_without_it(database: Database) -> None:
    seen: list[list[str]] = []

    def look() -> None:
        seen.append(notes(database))

    with database.transaction() as tx:
        write(tx, "kept")
        tx.on_commit(look)
        tx.on_commit(look)
        assert seen == [], "nothing runs before the commit"
    assert seen == [["kept"]], "it runs once, and sees what was committed"

    def look_and_fail() -> None:
        with database.transaction() as tx:
            tx.on_commit(look)
            write_and_fail(tx, "lost")

    with pytest.raises(ZeroDivisionError):
        look_and_fail()
    assert len(seen) == 1, "nothing runs after a rollback"


def test_a_second_transaction_in_the_same_thread_is_refused_instead_of_waiting_for_ever(
    database: Database,
) -> None:
    with (
        database.transaction(),
        pytest.raises(RuntimeError, match="transaction open"),
        database.transaction(),
    ):
        pass
    with database.transaction() as tx:
        write(tx, "the thread can open another afterwards")


def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), database.read() as tx:
        write(tx, "smuggled")
    with database.transaction() as tx:
        write(tx, "written by a connection that read before")
    assert notes(database) == ["written by a connection that read before"]


def test_a_read_sees_one_moment(database: Database) -> None:
    count = text("SELECT count(*) FROM notes")
    with database.read() as tx:
        before = tx.execute(count).scalar_one()
        with database.transaction() as other:
            write(other, "meanwhile")
        assert tx.execute(count).scalar_one() == before
    assert notes(database) == ["meanwhile"]


def test_a_named_lock_lets_one_transaction_at_a_time_read_and_write(home: Place) -> None:
    with home.opened[0].transaction() as tx:
        tx.execute(text("CREATE TABLE counter (n INTEGER)"))
        tx.execute(text("INSERT INTO counter VALUES (0)"))

    def count_up(database: Database) -> None:
        for _ in range(20):
            with database.transaction() as tx:
                tx.lock("counter")
                n = tx.execute(text("SELECT n FROM counter")).scalar_one()
                tx.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, [home.open() for _ in range(4)]))
    with home.opened[0].read() as tx:
        assert tx.execute(text("SELECT n FROM counter")).scalar_one() == 80, "an increment was lost"


def test_a_hold_keeps_others_out_until_it_ends(home: Place) -> None:
    one, other = home.opened[0], home.open()
    with one.hold("relay") as held:
        assert held
        with one.hold("relay") as again:
            assert not again, "not even another loop of the same process gets it"
        with other.hold("relay") as elsewhere:
            assert not elsewhere
        with other.hold("reconciler") as unrelated:
            assert unrelated, "another name is another lock"
        with one.transaction() as tx:
            write(tx, "transactions go on under a hold")
    with other.hold("relay") as later:
        assert later


def test_a_hold_ends_with_the_process_that_had_it(home: Place) -> None:
    holder = home.in_process(
        "with database.hold('relay') as held:\n    print(held, flush=True)\n    sys.stdin.read()"
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    with home.opened[0].hold("relay") as held:
        assert not held, "the other process holds it"
    holder.kill()
    holder.communicate()

    def free() -> bool:
        with home.opened[0].hold("relay") as held:
            return held

    eventually(free, "the hold of a killed process is given back")


def test_time_moves_for_sql_and_python_alike_and_for_everybody(home: Place) -> None:
    one, other = home.opened[0], home.open()

    def read_both(database: Database) -> int:
        with database.read() as tx:
            sql: int = tx.execute(text("SELECT aloft_now()")).scalar_one()
            assert 0 <= tx.now() - sql < 5 * SECOND
            return sql

    before = read_both(one)
    assert 0 <= read_both(other) - before < 5 * SECOND
    one.advance(3600)
    for database in (one, other, home.open()):
        assert 3600 * SECOND <= read_both(database) - before < 3605 * SECOND


def test_time_moves_on_inside_a_transaction(database: Database) -> None:
    with database.transaction() as tx:
        before = tx.now()
        if database.on_sqlite:
            database.advance(1)
        eventually(lambda: tx.now() > before, "the clock shows a later time in the same transaction")


def test_another_process_sees_the_time_that_was_set_forward(postgres_database: str, tmp_path: Path) -> None:
    with place(tmp_path, postgres_database) as home:
        database = home.open()
        migrate(database)
        database.advance(86400)
        with database.read() as tx:
            here = tx.now()
        asked = home.in_process("with database.read() as tx: print(tx.now())")
        assert 0 <= int(asked.communicate()[0]) - here < DEADLINE_S * SECOND


def test_time_on_sqlite_is_set_forward_only_where_a_test_gave_it_the_clock(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/live.db", schema="live")
    with pytest.raises(TypeError, match="ManualClock"):
        database.advance(1)
    database.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "postgresql://host/db"]
)
def test_a_database_that_cannot_be_served_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="database url"):
        Database(url, schema="any")


def test_services_on_one_server_cannot_see_each_other(postgres_database: str, tmp_path: Path) -> None:
    with (
        place(tmp_path, postgres_database) as mine,
        place(tmp_path, postgres_database) as theirs,
    ):
        for home in (mine, theirs):
            migrate(home.open())
        for statement in (
            f"SELECT * FROM {theirs.schema}.jobs",
            f"SELECT {theirs.schema}.aloft_now()",
            f"CREATE TABLE {theirs.schema}.mine (x INTEGER)",
            "CREATE TABLE public.mine (x INTEGER)",
        ):
            with pytest.raises(DBAPIError, match="permission denied"), mine.opened[0].transaction() as tx:
                tx.execute(text(statement))


def test_provisioning_can_be_repeated_and_done_at_the_same_time(postgres_database: str) -> None:
    awkward = "p%w'\\d:/@"
    with ThreadPoolExecutor(3) as pool:
        urls = set(pool.map(lambda _: provision(postgres_database, "provisioned", awkward), range(3)))
    assert len(urls) == 1
    database = Database(urls.pop(), schema="provisioned")
    migrate(database)
    database.close()
    execute(postgres_database, "DROP SCHEMA provisioned CASCADE", "DROP ROLE provisioned")


def test_an_administrator_who_is_no_superuser_can_provision(postgres_database: str) -> None:
    name = postgres_database.rsplit("/", 1)[1]
    execute(
        postgres_database,
        "CREATE ROLE hosted LOGIN CREATEROLE",
        f'GRANT CREATE ON DATABASE "{name}" TO hosted',
    )
    url = provision(postgres_database.replace("postgres@", "hosted@"), "by_hosted", "secret")
    database = Database(url, schema="by_hosted")
    migrate(database)
    assert pending(database) == set()
    database.close()
    execute(postgres_database, "DROP SCHEMA by_hosted CASCADE", "DROP ROLE by_hosted")
    execute(postgres_database, "DROP OWNED BY hosted", "DROP ROLE hosted")


@pytest.mark.parametrize("schema", ["", "Upper", "1st", 'a"; DROP SCHEMA public; --', "x" * 64])
def test_a_schema_with_a_name_to_quote_is_refused(schema: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        provision("postgresql+psycopg://nobody@127.0.0.1:1/none", schema, "secret")


def test_the_next_transaction_after_a_restart_of_the_server_succeeds(
    own_postgres: Callable[[], Postgres], tmp_path: Path
) -> None:
    server = own_postgres()
    with place(tmp_path, server.admin_url) as home:
        database = home.open()
        migrate(database)
        with database.transaction() as tx:
            tx.execute(text("CREATE TABLE notes (note TEXT PRIMARY KEY)"))

        server.kill()
        server.start()
        with database.transaction() as tx:
            write(tx, "after a restart between two transactions")

        def cut_off() -> None:
            with database.transaction() as tx:
                write(tx, "cut off")
                server.kill()
                server.start()
                write(tx, "never sent")

        with pytest.raises(DBAPIError) as lost:
            cut_off()
        assert lost.value.connection_invalidated
        with database.transaction() as tx:
            write(tx, "after a restart inside of one")
        assert notes(database) == [
            "after a restart between two transactions",
            "after a restart inside of one",
        ]


def test_a_hold_whose_connection_is_lost_is_free_for_others(postgres_database: str, tmp_path: Path) -> None:
    with place(tmp_path, postgres_database) as home:
        one, other = home.open(), home.open()
        with one.hold("relay") as held:
            assert held
            execute(
                postgres_database,
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                f" WHERE application_name = 'aloft-{home.schema}'",
            )
            with other.hold("relay") as taken:
                assert taken
        with one.hold("relay") as again:
            assert again, "the loop that lost it can have it again"


def test_a_process_frozen_inside_a_transaction_does_not_keep_its_locks_for_ever(
    postgres_database: str, tmp_path: Path
) -> None:
    with place(tmp_path, postgres_database) as home, home.open().read() as tx:
        limit = tx.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    assert limit == "1min"
