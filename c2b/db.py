"""The database: engine, transactions, column types and triggers.

What stands here about SQLite was measured: WAL with synchronous=FULL loses nothing in a power cut, BEGIN IMMEDIATE
never upgrades a read lock, and one lock in the process before BEGIN keeps sixteen writers from starving each other.
"""

import enum
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Integer,
    MetaData,
    Select,
    String,
    TypeDecorator,
    create_engine,
    event,
    insert,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """A point in time: aware UTC in Python, microseconds in storage; a naive time is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the driver UTC; SQLite keeps it without its zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return UTC, whatever zone the session of the database has."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def choice(values: type[enum.StrEnum]) -> Enum:
    """Return a column type that holds one of `values` as text, by a named CHECK."""
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in values.__name__).lstrip("_")
    return Enum(values, native_enum=False, create_constraint=True, length=24, name=name, values_callable=lambda e: [v.value for v in e])


Key = Annotated[int, mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)]
Reference = Annotated[str, mapped_column(String(24), unique=True)]
"""A random public name: what links and exports carry instead of keys."""


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Instant(), int: BigInteger().with_variant(Integer(), "sqlite")}  # noqa: RUF012  read once by SQLAlchemy


def insert_into(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that knows ON CONFLICT, in the words of the session's database."""
    return sqlite.insert(table) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(table)


def insert_rows(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows, at least one, all with the keys of the first, which name every column that the database doesn't fill in itself.

    PostgreSQL takes them by COPY, several times faster than by INSERT.
    """
    connection = session.connection()
    dialect = connection.dialect
    if dialect.name == "sqlite":
        session.execute(insert(table), rows)
        return
    columns = [table.__table__.c[name] for name in rows[0]]
    stored = [column.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is for column in columns]
    quoted = ", ".join(dialect.identifier_preparer.quote(column.name) for column in columns)
    driver: Any = connection.connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.__tablename__} ({quoted}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([store(value) for store, value in zip(stored, row.values(), strict=True)])


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Trigger:
    """A rule that the database keeps by itself; each dialect's statements, run in order by migrations."""

    name: str
    sqlite: tuple[str, ...]
    postgresql: tuple[str, ...]


TRIGGERS: list[Trigger] = []


def append_only(table: str) -> None:
    """Register triggers that let rows of `table` be inserted, never changed or removed."""
    message = f"{table} is append-only"
    TRIGGERS.append(
        Trigger(
            f"{table}_append_only",
            sqlite=tuple(
                f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} BEGIN SELECT RAISE(ABORT, '{message}'); END"
                for verb in ("update", "delete")
            ),
            postgresql=(
                f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$",
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()",
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_append_only()",
            ),
        )
    )


class Database:
    """One database: `transaction()` to write, `reading()` to look."""

    def __init__(self, url: str) -> None:
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.engine: Engine = create_engine(url, **_pool(url))
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._one_writer = threading.Lock()
        self._writers: list[Connection] = []
        self.listeners: list[Callable[[Any, str, Any], object]] = []
        """Told of cursor, text and values of each statement that a `Look` is about to run; the engine's events tell of all others."""
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "checkin", _note_use)
            event.listen(self.engine, "checkout", _ping_if_idle)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a writing transaction: leaving it commits, raising leaves no trace."""
        if not self.is_sqlite:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
            return
        with self._one_writer, self._writing() as writer, Session(writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Take the connection that writes: never one that only read, so that what is prepared on either stays so."""
        writer = self._writers.pop() if self._writers else self.engine.connect().execution_options(c2b_write=True)
        try:
            yield writer
        finally:
            self._writers.append(writer)

    @contextmanager
    def reading(self, *, at_once: bool = False) -> Iterator[Session]:
        """Open a transaction that only reads; whatever it would write is refused (SQLite) or rolled back.

        Objects that were read keep their values afterwards. `at_once`: all its queries see the same instant, so that sums of two agree.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            if at_once and not self.is_sqlite:  # there every transaction does
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session
            session.expunge_all()
            session.rollback()

    def close(self) -> None:
        """Give all connections back."""
        while self._writers:
            self._writers.pop().close()
        self.engine.dispose()


class Look:
    """A statement that only reads and is asked again and again, run by the driver alone: that takes a third of the time.

    So rows are plain tuples of what the driver makes of the columns: text of an enumeration, 0 or 1 of a condition. It sees what is
    committed; what it is compared with must be read after it.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Sequence[str] | None, Mapping[str, Callable[[Any], Any]]]] = {}

    def rows(self, database: Database, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return all rows for the `values` of the statement's parameters."""
        dialect = database.engine.dialect
        sql, order, stored = self._compiled.get(dialect.name) or self._compile(dialect)
        given = {name: store(values[name]) for name, store in stored.items()}
        given_as = given if order is None else [given[name] for name in order]
        connection = database.engine.raw_connection()
        try:
            with closing(connection.cursor()) as cursor:
                for listener in database.listeners:
                    listener(cursor, sql, given_as)
                cursor.execute(sql, given_as)
                return cast("list[tuple[Any, ...]]", cursor.fetchall())
        finally:
            connection.close()  # back to the pool, which ends the transaction

    def _compile(self, dialect: Dialect) -> tuple[str, Sequence[str] | None, Mapping[str, Callable[[Any], Any]]]:
        made = self._statement.compile(dialect=dialect)
        stored = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is for name, bind in made.binds.items()}
        self._compiled[dialect.name] = str(made), made.positiontup, stored
        return self._compiled[dialect.name]


def _pool(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"pool_size": 40, "max_overflow": 40, "connect_args": {"timeout": 30, "check_same_thread": False}}
    return {"pool_size": 10, "max_overflow": 70}


_IDLE = 5.0
"""Seconds after which a connection is asked whether it still works before it is used: asking each time costs as much as a statement."""


def _note_use(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info["c2b_used"] = time.monotonic()


def _ping_if_idle(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
    if time.monotonic() - entry.info.get("c2b_used", time.monotonic()) < _IDLE:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except Exception as error:  # whatever it is: the pool throws the connection away and takes another
        raise DisconnectionError from error


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event starts transactions, see below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    """Begin to write or only to read; the pragma undoes every prepared statement, so it is set only where it isn't what it should be."""
    writes, driver = connection.get_execution_options().get("c2b_write", False), connection.connection.driver_connection
    if connection.info.get("c2b_writes") is not writes:
        driver.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.info["c2b_writes"] = writes
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
