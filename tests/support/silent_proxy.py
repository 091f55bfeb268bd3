"""A way to a server that can fall silent: it takes bytes as ever, keeps the connections up, and passes nothing on."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from pathlib import Path


class SilentProxy:
    """Listens on a port of this machine and passes bytes to a Unix socket until told to swallow them."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self.is_silent = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.connect(str(self._target))
            self._sockets += [client, server]
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, client, server:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    try:
                        received = key.fileobj.recv(65_536)
                        if not self.is_silent:
                            key.data.sendall(received)
                    except OSError:
                        return
                    if not received:
                        return
