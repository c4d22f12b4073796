"""A disk that the database has filled, and that has room again when somebody has made some."""

from typing import Any

from sqlalchemy import event, text

from lms.db import Base, Database

NO_ROOM = """
CREATE TABLE the_disk_is_full (since timestamptz NOT NULL);
CREATE FUNCTION find_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM the_disk_is_full) THEN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
  END IF;
  RETURN NULL;
END $$;
"""
MOST_PAGES = 1_000_000


class Disk:
    """`fill()` and `free()`: SQLite may take no further page, PostgreSQL meets its own error at every change.

    SQLite still finds room for small things in the pages it has: a test writes until it is refused.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pages = MOST_PAGES
        self._on_sqlite = database.url.get_backend_name() == "sqlite"
        if self._on_sqlite:
            for engine in {database.write_engine, database.storing_engine}:
                event.listen(engine, "checkout", self._bound)
            return
        with database.writing() as session:
            session.execute(text(NO_ROOM))
            for table in Base.metadata.tables:
                session.execute(
                    text(
                        f"CREATE TRIGGER room BEFORE INSERT OR UPDATE ON {table} "
                        "FOR EACH STATEMENT EXECUTE FUNCTION find_room()"
                    )
                )

    def fill(self) -> None:
        """From now on there is no room."""
        self._pages = 1  # SQLite makes of it what it has
        self._note("INSERT INTO the_disk_is_full VALUES (now())")

    def free(self) -> None:
        """From now on there is room."""
        self._pages = MOST_PAGES
        self._note("DELETE FROM the_disk_is_full")

    def _note(self, sql: str) -> None:
        if not self._on_sqlite:
            with self._database.writing() as session:
                session.execute(text(sql))

    def _bound(self, connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {self._pages}")
