"""Worlds that many tests begin in: built once for each database of a test process, and copied from then on."""

import io
import pickle
import shutil
import uuid
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from time_machine import escape_hatch

from lms.db import Base
from tests.lent import Rows, is_lent, put, rows_of
from tests.make import Make

T = TypeVar("T")


class Kept(NamedTuple):
    """A world as it was when it had been built: its database, the files beside it, and what was returned of it."""

    rows: Path | Rows
    files: Path
    told: bytes
    next_number: int


_kept: dict[tuple[str, str], Kept] = {}


class Writing(pickle.Pickler):
    """Writes everything but the `Make`: whoever reads has another."""

    def persistent_id(self, value: Any) -> str | None:
        return "make" if isinstance(value, Make) else None


class Reading(pickle.Unpickler):
    """Reads what was written, with this `Make`."""

    def __init__(self, told: bytes, make: Make) -> None:
        super().__init__(io.BytesIO(told))
        self._make = make

    def persistent_load(self, _name: str) -> Make:
        return self._make


def kept(make: Make, folder: Path, build: Callable[[Make, Path], T]) -> T:
    """What `build(make, folder)` makes in an empty database, as if it had just been built.

    `make` must have been used for nothing yet, and `folder` hold nothing else that `build` reads or writes.
    """
    backend = make.database.url.get_backend_name()
    key = (backend, f"{build.__module__}.{build.__qualname__}")
    if key not in _kept:
        built = build(make, folder)
        written = io.BytesIO()
        Writing(written).dump(built)
        make.database.dispose()  # a file is copied while nobody is connected to it
        _kept[key] = Kept(*put_aside(make, folder), written.getvalue(), next(make.numbers))
    else:
        bring_back(make, folder, _kept[key])
    make.numbers = count(_kept[key].next_number)
    found: T = Reading(_kept[key].told, make).load()
    return found


def kept_where_new(make: Make, folder: Path, build: Callable[[Make, Path], T]) -> T:
    """The same where nothing is there yet and it is the day it is; else `build` builds it on what there is."""
    others = any(not one.name.startswith("lms.sqlite") for one in folder.iterdir())
    if others or escape_hatch.is_travelling() or not is_empty(make):
        return build(make, folder)
    return kept(make, folder, build)


def is_empty(make: Make) -> bool:
    """Whether the database is one that can be filled, and as it was migrated."""
    if make.database.on_postgresql:
        url = make.database.config.database_url
        return is_lent(url) and rows_of(url) == Rows({}, [])
    there = " OR ".join(f'EXISTS (SELECT 1 FROM "{name}")' for name in Base.metadata.tables)  # noqa: S608
    with make.database.read_engine.connect() as connection:
        return not connection.exec_driver_sql(f"SELECT {there}").scalar()


def put_aside(make: Make, folder: Path) -> tuple[Path | Rows, Path]:
    """What the database holds, and copies of the files."""
    files = folder.parent / f"kept_{uuid.uuid4().hex[:12]}"
    shutil.copytree(folder, files, ignore=shutil.ignore_patterns("*.sqlite*"))
    if make.database.url.get_backend_name() != "sqlite":
        return rows_of(make.database.config.database_url), files
    copied = Path(f"{files}.sqlite")
    shutil.copy(str(make.database.url.database), copied)
    return copied, files


def bring_back(make: Make, folder: Path, one: Kept) -> None:
    """The same in an empty database and an empty folder."""
    shutil.copytree(one.files, folder, dirs_exist_ok=True)
    make.database.dispose()
    if isinstance(one.rows, Rows):
        put(make.database.config.database_url, one.rows)
    else:
        shutil.copy(one.rows, str(make.database.url.database))
