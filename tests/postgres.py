"""A PostgreSQL server of the tests' own, made from installed binaries and gone when the test process is.

It listens on a Unix socket in a temporary folder only, keeps nothing safe (fsync off), and trusts whoever can reach
that folder. PostgreSQL refuses to run as root, so under root it runs as the user postgres or nobody. A test that asks
whether acknowledged data survives a crash must start a server of its own: this one would lie.
"""

import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests import groups

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "50",
    "shared_buffers": "16MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    # The planner thinks much of small tables nobody counted, and to begin two processes takes longer than to answer.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_min_messages": "fatal",
}

# The shell starts the server and then reads its standard input, which nobody writes to: it ends when stop() closes it,
# and just as well when the test process is killed. Either way the server goes at once and its folder with it.
KEEPER = '"$@" & server=$!; read -r _; kill -QUIT $server; wait $server; rm -rf "$0"'


class Cluster:
    """One running server. Its databases are made and dropped by name; addresses are SQLAlchemy URLs.

    `parent` is where its files lie; else in memory where there is enough. `settings` go before those of the tests.
    """

    def __init__(self, parent: str | None = None, settings: Mapping[str, str] | None = None) -> None:
        found = groups.postgresql()
        if found is None:
            raise RuntimeError("initdb, postgres and pg_ctl were not found: sudo apt-get install postgresql")
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent or _parent()))
        self._as_user = _unprivileged(self.folder)
        binaries, data = Path(found), self.folder / "data"
        command = [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust"]
        command += ["--locale=C", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        self._run([str(part) for part in command])
        server = [str(binaries / "postgres"), "-D", str(data), "-c", f"unix_socket_directories={self.folder}"]
        server += [
            part for name, value in {**SETTINGS, **(settings or {})}.items() for part in ("-c", f"{name}={value}")
        ]
        self._log = (self.folder / "log").open("wb")
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, str(self.folder), *server],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            cwd=self.folder,
            start_new_session=True,  # Ctrl-C reaches the tests, which then stop the server
            **self._as_user,
        )
        atexit.register(self.stop)
        self._admin = self._connected()

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Makes a database, a copy of the template if one is named (nobody may be connected to it); returns the URL."""
        copied = sql.Identifier(template or "template0")
        # Copying files beats the default, which writes every page of the template to the log (PostgreSQL 15 and newer).
        quickly = sql.SQL(" STRATEGY file_copy" if self._admin.info.server_version >= 150000 else "")
        self._admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(sql.Identifier(name), copied, quickly))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops a database, whoever is still connected to it; one that does not exist is already dropped."""
        self._admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Ends the server and removes its folder. A second call does nothing."""
        atexit.unregister(self.stop)
        if self._keeper.poll() is None:
            admin: psycopg.Connection[Any] | None = getattr(self, "_admin", None)
            if admin is not None:
                admin.close()
            self._keeper.communicate(timeout=30)
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, **self._as_user)
        if done.returncode:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")

    def _connected(self) -> psycopg.Connection[Any]:
        until = time.monotonic() + 30
        while True:
            try:
                return psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True)
            except psycopg.OperationalError as error:
                if time.monotonic() > until:
                    log = (self.folder / "log").read_text(errors="replace").strip()
                    self.stop()
                    raise RuntimeError(f"PostgreSQL did not start: {log or error}") from error
                time.sleep(0.02)


@functools.cache
def cluster() -> Cluster:
    """The server of this test process, started by the first call."""
    return Cluster()


def in_memory() -> str | None:
    """The folder whose files lie in memory, where there is enough of it."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= 2**30
    return str(memory) if roomy else None


def _parent() -> str:
    """Memory, where there is enough: copying a database takes a tenth of the time there. Else /tmp.

    Not a private TMPDIR: a socket's path may have 107 bytes, and another user must be able to walk to it.
    """
    return in_memory() or "/tmp"


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start a program as somebody whom PostgreSQL accepts; hands the folder over to him."""
    if os.geteuid() != 0:
        return {}
    users = {user.pw_name: user for user in pwd.getpwall()}
    user = users.get("postgres") or users["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
