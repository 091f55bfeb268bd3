"""A real PostgreSQL server of the tests' own: made in a scratch directory, reached by its socket, gone afterwards.

A machine without the server fails the tests that need one; `scripts/toolchain/postgresql.sh` says how to get it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

_START_SECONDS = 60
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
UNTIL_LEFT_ALONE = ("sh", "-c", '"$@" & cat > /dev/null; kill -INT $! && wait $!', "sh")
"""Ends a program when our end of its standard input is closed, also by our own end, however that came."""
USER = "keeper"
DEBIAN_VERSIONS = Path("/usr/lib/postgresql")
DATABASE = "ledger"
_COPY = f"{DATABASE}_copy"


def binary(name: str) -> str:
    """Return a program of PostgreSQL; Debian keeps them by version, outside the search path."""
    packaged = sorted(DEBIAN_VERSIONS.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = shutil.which(name) or (str(packaged[-1]) if packaged else None)
    assert found is not None, f"PostgreSQL's {name} is not installed; run scripts/toolchain/postgresql.sh"
    return found


def url(host: str, port: int = 5432) -> str:
    """URL of the ledger's database; ``host`` is the directory of a socket, or an address."""
    return f"postgresql+psycopg://{USER}@/{DATABASE}?host={host}&port={port}"


def _account() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root: then it runs as the package's own user, or as nobody."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


@dataclass
class PostgresqlServer:
    """One server; ``directory`` holds its data and its socket."""

    directory: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def socket_path(self) -> Path:
        return self.directory / ".s.PGSQL.5432"

    def create(self) -> None:
        account = _account()
        if os.geteuid() == 0:
            os.chown(self.directory, account.pw_uid, account.pw_gid)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", f"--username={USER}"]
        made = run_as_server([binary("initdb"), "-D", str(self._data), *options], self.directory)
        made.communicate(timeout=_START_SECONDS)
        assert made.returncode == 0, (self.directory / "log").read_text()

    def start(self) -> None:
        settings = ["listen_addresses=", f"unix_socket_directories={self.directory}", "fsync=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        command = [*UNTIL_LEFT_ALONE, binary("postgres"), "-D", str(self._data), *options]
        self._process = run_as_server(command, self.directory)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.directory / "log").read_text()
                assert time.monotonic() < deadline, (self.directory / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the server and every session at once."""
        self._process.stdin.close()
        self._process.wait(timeout=_START_SECONDS)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.directory), user=USER, dbname=database, autocommit=True)

    def fresh_database(self) -> str:
        """Make an empty database, in place of the last one, and return its URL."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {DATABASE}")
        return self.database_url

    def keep_copy(self) -> None:
        """Keep the database as it is now, which ends all sessions: a server that follows and falls behind."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {_COPY}")
            connection.execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false")
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'")
            connection.execute(f"CREATE DATABASE {_COPY} TEMPLATE {DATABASE}")
            connection.execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")

    def take_over(self) -> None:
        """Put the copy in the database's place, as when the server that followed becomes the one that is asked."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
            connection.execute(f"ALTER DATABASE {_COPY} RENAME TO {DATABASE}")

    @property
    def database_url(self) -> str:
        return url(str(self.directory))

    @property
    def _data(self) -> Path:
        return self.directory / "data"


def run_as_server(command: list[str], directory: Path) -> subprocess.Popen[bytes]:
    """Start a program as the user that the server runs as."""
    account = _account()
    is_root = os.geteuid() == 0
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if is_root else {}
    with (directory / "log").open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=directory, env=_ENVIRONMENT, **identity
        )


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Bring a server up in a directory that its user can reach, and remove all of it."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-postgresql-", ignore_cleanup_errors=True) as name:
        server = PostgresqlServer(Path(name))
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
