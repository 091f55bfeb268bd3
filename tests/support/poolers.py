"""Poolers between the ledger and its server: PgBouncer where it is installed, and a double of its transaction mode."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.postgresql import DATABASE, UNTIL_LEFT_ALONE, USER, PostgresqlServer, run_as_server, url

_START_SECONDS = 30
_SSL, _GSS = 80_877_103, 80_877_104
"""Requests that a client may make before it begins (PostgreSQL documentation, 55.7)."""


def pgbouncer_path() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def pgbouncer(pool_mode: str, server: PostgresqlServer) -> Iterator[str]:
    """Run PgBouncer before the server and give the URL that leads through it."""
    settings = server.directory / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n{DATABASE} = host={server.directory} user={USER}\n[pgbouncer]\nauth_type = any\nlisten_addr =\n"
        f"listen_port = 6432\nunix_socket_dir = {server.directory}\npool_mode = {pool_mode}\n"
    )
    process = run_as_server([*UNTIL_LEFT_ALONE, str(pgbouncer_path()), str(settings)], server.directory)
    where = url(str(server.directory), 6432)
    deadline = time.monotonic() + _START_SECONDS
    try:
        while True:
            try:
                psycopg.connect(where.replace("+psycopg", "")).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (server.directory / "log").read_text()
                time.sleep(0.05)
        yield where
    finally:
        process.stdin.close()
        process.wait(timeout=_START_SECONDS)


class TransactionPooler:
    """Lends a client a server's session for one transaction, the last one given back first, as PgBouncer does."""

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server
        self._sessions: list[socket.socket] = []
        self._free: list[socket.socket] = []
        self._mutex = threading.Lock()
        self._clients = itertools.count(1)
        self._path = server.directory / ".s.PGSQL.6433"
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return url(str(self._server.directory), 6433)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink()
        with self._mutex:
            for session in self._sessions:  # those that a client which left had borrowed too
                session.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(ConnectionError, OSError):
            while struct.unpack("!I", _startup(client)[:4])[0] in {_SSL, _GSS}:
                client.sendall(b"N")
            number = next(self._clients)
            client.sendall(_message(b"R", struct.pack("!I", 0)))
            client.sendall(_message(b"S", b"client_encoding\0UTF8\0") + _message(b"S", b"server_version\0" + b"15.0\0"))
            client.sendall(_message(b"K", struct.pack("!II", number, number)) + _message(b"Z", b"I"))
            session: socket.socket | None = None
            while True:
                kind, whole = _read(client)
                if kind == b"X":
                    return
                session = session or self._take()
                session.sendall(whole)
                if kind in {b"Q", b"S"} and _answer(session, client) == b"I":
                    with self._mutex:
                        self._free.append(session)
                    session = None

    def _take(self) -> socket.socket:
        with self._mutex:
            if self._free:
                return self._free.pop()
        session = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with self._mutex:
            self._sessions.append(session)
        session.connect(str(self._server.socket_path))
        body = struct.pack("!I", 196_608) + f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
        session.sendall(struct.pack("!I", len(body) + 4) + body)
        _answer(session, None)
        return session


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _startup(client: socket.socket) -> bytes:
    (length,) = struct.unpack("!I", _exactly(client, 4))
    return _exactly(client, length - 4)


def _read(source: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(source, 5)
    return head[:1], head + _exactly(source, struct.unpack("!I", head[1:])[0] - 4)


def _answer(session: socket.socket, client: socket.socket | None) -> bytes:
    """Pass an answer on and return the state of the transaction after it."""
    while True:
        kind, whole = _read(session)
        if client is not None:
            client.sendall(whole)
        if kind == b"Z":
            return whole[-1:]


def _exactly(source: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = source.recv(count - len(received))
        if not part:
            raise ConnectionError
        received += part
    return received
