"""The database: one declarative base, one transaction for a request, and one door to a second.

Actions and queries take a session; they never find one, and they never commit. A request that reads gets a session
that cannot write; a request that changes something gets one whose transaction takes the write lock at its beginning.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from flask import Flask, Response, current_app, g, has_request_context, request
from flask import session as cookie
from sqlalchemy import orm
from sqlalchemy.exc import DBAPIError, OperationalError

from lms.config import Config
from lms.doors import Doors
from lms.sqlite import Turns, sqlite_engine

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REMEMBERED = 100_000  # values; then they are looked up anew


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware datetime, whatever the dialect; naive values are refused with ValueError."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """How a moment is read: on SQLite at once of its text, which takes a fifth of the time."""
        return moment_in if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def moment_in(text: str | None) -> datetime | None:
    """The moment that SQLite keeps as text without a zone, for all are in UTC."""
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


WITHOUT_ROWID = {"sqlite_with_rowid": False}
"""An argument of tables that are read by their key: SQLite keeps rows in that tree, and looks them up in no other."""


class Base(orm.DeclarativeBase):
    """All tables of the product."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute
        datetime: UtcDateTime,
        dict[str, Any]: sa.JSON,
        list[Any]: sa.JSON,
        list[str]: sa.JSON,
    }


def once(name: str, *columns: str, where: str) -> sa.Index:
    """An index by which only one of the rows that meet the condition may have these values."""
    condition = sa.text(where)
    return sa.Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def options(url: sa.URL, setting: str) -> dict[str, str]:
    """What a connection to PostgreSQL is asked for beside the options that its address has."""
    return {"options": " ".join([*url.normalized_query.get("options", ()), f"-c {setting}"])}


class Database:
    """The engines of one product: `reading()` cannot change anything, `writing()` commits when its block ends well.

    By `storing_engine` statements are stored, by `asking_engine` is asked what is so just now: on PostgreSQL, at once.
    """

    def __init__(self, config: Config, doors: Doors) -> None:
        self.config = config
        self.doors = doors
        self.url = sa.make_url(config.database_url)
        self.memory: dict[tuple[str, Any], Any] = {}  # of what never changes: see `remembered`
        info = {"doors": doors, "config": config, "identities": self.memory, "database": self}
        self.on_postgresql = self.url.get_backend_name() != "sqlite"
        if not self.on_postgresql:
            self.turns = Turns()
            self.write_engine = sqlite_engine(self.url, compact_json, turns=self.turns)
            self.read_engine = sqlite_engine(self.url, compact_json)
            self.storing_engine = self.asking_engine = self.write_engine
        else:
            url = self.url.set(drivername="postgresql+psycopg")
            # Whatever is read in pieces is read to its end: what is planned for the first rows alone takes longer.
            self.write_engine = sa.create_engine(
                url,
                json_serializer=compact_json,
                connect_args=options(url, "cursor_tuple_fraction=1"),
                pool_size=10,
                max_overflow=20,
                hide_parameters=True,
            )
            one_moment = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}  # as it is on SQLite
            self.read_engine = self.write_engine.execution_options(**one_moment)
            self.asking_engine = self.write_engine.execution_options(isolation_level="AUTOCOMMIT")
            # Connections of its own: whoever goes back on a transaction forgets what the server has planned for it. And
            # one plan serves every batch: planning it anew for each would cost more than storing a statement.
            self.storing_engine = sa.create_engine(
                url,
                isolation_level="AUTOCOMMIT",
                connect_args={"prepare_threshold": 0, **options(url, "plan_cache_mode=force_generic_plan")},
                pool_use_lifo=True,
                pool_size=1,
                max_overflow=20,
                hide_parameters=True,
            )
        self.write_sessions = orm.sessionmaker(self.write_engine, expire_on_commit=False, info=info)
        self.read_sessions = orm.sessionmaker(self.read_engine, expire_on_commit=False, info=info)
        sa.event.listen(self.read_sessions, "loaded_as_persistent", hold)

    @contextmanager
    def writing(self) -> Iterator[orm.Session]:
        """A session whose work is committed at the end, and rolled back when an exception leaves the block."""
        with self.write_sessions() as session:
            yield session
            session.commit()
            self.keep(session.info.pop("own identities", {}))

    @contextmanager
    def reading(self) -> Iterator[orm.Session]:
        """A session for looking only: the database itself refuses writes."""
        with self.read_sessions() as session:
            yield session

    def recall(self, space: str, keys: Iterable[Any]) -> dict[Any, Any]:
        """What this process remembers of these keys, without a session: see `remembered`."""
        get = self.memory.get
        return {key: value for key in keys if (value := get((space, key))) is not None}

    def remember(self, space: str, found: Mapping[Any, Any]) -> None:
        """Keep what was found committed."""
        self.keep({(space, key): value for key, value in found.items()})

    def keep(self, committed: Mapping[tuple[str, Any], Any]) -> None:
        """The same, by space and key: what a session had for itself is everybody's once it is committed."""
        if len(self.memory) > REMEMBERED:
            self.memory.clear()
        self.memory.update(committed)

    def dispose(self) -> None:
        """Close all connections."""
        self.write_engine.dispose()
        self.storing_engine.dispose()
        self.read_engine.dispose()


def compact_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def init_app(app: Flask, database: Database) -> None:
    """Give each request its session, and settle it when the answer is known."""
    app.extensions["database"] = database
    app.after_request(settle)
    app.teardown_appcontext(close)


def database() -> Database:
    """The database of the running application."""
    return cast(Database, current_app.extensions["database"])


def get_session() -> orm.Session:
    """The session of this request, for views to hand down: it can write unless the method is safe."""
    if request.method in SAFE_METHODS:
        return get_read_session()
    if "write_session" not in g:
        g.write_session = database().write_sessions(info=asked_from())
    return cast(orm.Session, g.write_session)


def get_read_session() -> orm.Session:
    """A session that cannot write, whatever the method; for finding out who is asking."""
    if "read_session" not in g:
        g.read_session = database().read_sessions()
        g.read_session.info["held"] = []
    return cast(orm.Session, g.read_session)


def hold(session: orm.Session, row: object) -> None:
    """Keep a row for as long as the session of a request that only reads: whoever asks for it again has it.

    A session by itself forgets what nobody refers to. How often the database is asked would then depend on when Python
    collects its garbage.
    """
    if (held := session.info.get("held")) is not None:
        held.append(row)


def let_go(session: orm.Session) -> None:
    """From now on keep no row to which nobody refers: for whoever reads many, piece by piece."""
    session.info.pop("held", None)


def apart(work: Callable[[orm.Session], None]) -> None:
    """Do something in a transaction of its own, which survives a refusal of the request.

    It runs at once when the request has not begun to write, otherwise after the request's own transaction has ended:
    one process never waits for its own lock.
    """
    session = g.get("write_session")
    if session is not None and session.in_transaction():
        g.setdefault("apart", []).append(work)
        return
    with database().writing() as own:
        own.info.update(asked_from())
        work(own)


def asked_from() -> dict[str, Any]:
    """What a session knows of the request it works for: the address it came from, which the audit log keeps."""
    return {"address": (request.remote_addr or "") if has_request_context() else ""}


def settle(response: Response) -> Response:
    """Returning commits; an error status rolls back. The only commit of a request.

    A commit that the database does not confirm is answered as any query is that it does not answer: the answer that was
    ready, with the promise in it, is never sent.
    """
    session = g.get("write_session")
    try:
        if session is not None:
            if response.status_code < 400:
                session.commit()
                database().keep(session.info.pop("own identities", {}))
            else:
                session.rollback()
        for work in g.pop("apart", []):
            with database().writing() as own:
                own.info.update(asked_from())
                work(own)
    except OperationalError as error:
        return unconfirmed(response, error)
    return response


def unconfirmed(response: Response, error: OperationalError) -> Response:
    """The answer of whoever handles such errors here, in place of the one that was ready.

    The browser's cookie stays what it was: what the view put into it (a message that all is well, a session that is not
    in the database) did not happen.
    """
    for name in ("write_session", "read_session"):
        if (used := g.pop(name, None)) is not None:
            used.close()
    cookie.pop("_flashes", None)
    answer = current_app.make_response(current_app.handle_user_exception(error))
    for name, value in response.headers.items():
        if name not in ANSWERED_ANEW:
            answer.headers.setdefault(name, value)
    cookie.modified = False
    return answer


def disk_full(error: DBAPIError) -> bool:
    """Whether the database refused a change because it has no room. It reads on, and writes again once it has."""
    if getattr(error.orig, "sqlstate", None) == POSTGRESQL_DISK_FULL:
        return True
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def contended(error: DBAPIError) -> bool:
    """Whether PostgreSQL ended the transaction because another won: done again, it may succeed."""
    return getattr(error.orig, "sqlstate", None) in POSTGRESQL_LOST


POSTGRESQL_DISK_FULL = "53100"
POSTGRESQL_LOST = frozenset({"40001", "40P01"})


@contextmanager
def if_there_is_room() -> Iterator[None]:
    """For a note in passing, which is made again when it is missing: a full disk must not keep anybody from reading."""
    try:
        yield
    except OperationalError as error:
        if not disk_full(error):
            raise
        log.error("the disk of the database is full: a note was left out")


ANSWERED_ANEW = frozenset({"Content-Type", "Content-Length", "Location", "Set-Cookie", "ETag", "Last-Modified"})
"""Headers that speak of the answer that is not sent. All others, such as those that guard every page, are kept."""


def close(_error: BaseException | None) -> None:
    """Give the connections back. What was not committed is gone."""
    for name in ("write_session", "read_session"):
        if session := g.pop(name, None):
            session.close()


def config_of(session: orm.Session) -> Config:
    """The configuration of the product this session belongs to."""
    return cast(Config, session.info["config"])


def database_of(session: orm.Session) -> Database:
    """The database of the product this session belongs to: for a job that reads for long and must lock nothing."""
    return cast(Database, session.info["database"])


def remembered(
    session: orm.Session, space: str, keys: Iterable[Any], find: Callable[[list[Any]], Mapping[Any, Any]]
) -> dict[Any, Any]:
    """What never changes once committed (the id of an IRI, of a person's account), from memory where it is known.

    `find` looks up the keys that are not. What a session finds after it has added such rows itself
    (`adds_identities`) may yet be rolled back: it is remembered for that session only.
    """
    wanted = list(dict.fromkeys(keys))
    known = {key: value for key in wanted if (value := recalled(session, space, key)) is not None}
    missing = [key for key in wanted if key not in known]
    if not missing:
        return known
    found = find(missing)
    for key, value in found.items():
        remember(session, space, key, value)
    return {**known, **found}


def recalled(session: orm.Session, space: str, key: Any) -> Any:
    """What `remember` was told; None when nothing."""
    own: dict[tuple[str, Any], Any] | None = session.info.get("own identities")
    value = own.get((space, key)) if own is not None else None
    return value if value is not None else session.info["identities"].get((space, key))


def remember(session: orm.Session, space: str, key: Any, value: Any) -> None:
    """Keep it in the memory of the process, or of the session while that has added identities."""
    own = session.info.get("own identities")
    memory: dict[tuple[str, Any], Any] = session.info["identities"] if own is None else own
    if len(memory) > REMEMBERED:
        memory.clear()
    memory[space, key] = value


def adds_identities(session: orm.Session) -> None:
    """Say that this session adds rows whose ids others look up: what it finds from now on is for itself alone."""
    session.info.setdefault("own identities", {})


def forget_own(session: orm.Session) -> None:
    """After a commit in the middle of long work, or a rollback: what it had added stands, or is gone for everybody."""
    session.info.pop("own identities", None)


def lock_people(session: orm.Session, person_ids: Iterable[int]) -> None:
    """Let one transaction at a time change what is known of a person, and none while the roll is being settled.

    SQLite has one writer anyway. Held until the transaction ends. What the locks guard is read by a later query than
    the one that takes them: that one sees the database as it was before it waited.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    if people := sorted(set(person_ids)):
        session.execute(PEOPLE_LOCKS, {"people": people})


def lock_roll(session: orm.Session) -> None:
    """Wait for all who change what is known of a person, and keep others waiting until this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(ROLL_LOCK, 0)))


PERSON_LOCKS = 48
ROLL_LOCK = 49
PEOPLE_LOCKS = sa.text(
    f"SELECT pg_advisory_xact_lock_shared({ROLL_LOCK}, 0), pg_advisory_xact_lock({PERSON_LOCKS}, one) "  # noqa: S608 - our own numbers # nosec B608
    "FROM unnest(CAST(:people AS integer[])) AS one"
)
