"""Requests over HTTP that end: no other protocol, no unencrypted detour, no endless dripping.

`urllib` waits for each piece of an answer, but not for all of it: a server that sends a byte now
and then keeps it busy for ever. Here somebody looks at the clock meanwhile, and hangs up.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Generator
from typing import IO, Any


class RefusedRedirect(Exception):
    """The server sends us to a place to which we do not go."""


class Patience:
    """Hangs up when too little arrives, and in any case when the work is done.

    Args:
        seconds: how often is looked.
        least: the bytes that must have arrived meanwhile.
    """

    def __init__(self, seconds: float, least: int) -> None:
        self.seconds, self.least = seconds, least
        self.lost = False
        """Whether it has hung up."""
        self._bytes = 0
        self._socket: socket.socket | None = None
        self._ended = threading.Event()
        self._answers = contextlib.ExitStack()

    def arrived(self, count: int) -> None:
        """`count` bytes of what was asked for have arrived."""
        self._bytes += count

    def watch(self, connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
        """`connection`, whose socket is shut when patience is lost."""
        connect = connection.connect

        def connected() -> None:
            connect()
            self._socket = connection.sock

        connection.connect = connected
        return connection

    def answered(self, answer: Any) -> Any:
        """`answer`, which is closed in the end, also one that urllib lost to an error."""
        self._answers.callback(answer.close)
        return answer

    @contextlib.contextmanager
    def at_work(self) -> Generator[None, None, None]:
        """Looks at the clock while the block runs, and closes all answers after it."""
        watcher = threading.Thread(target=self._look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._answers.close()
            self._ended.set()
            watcher.join()

    def _look(self) -> None:
        before = 0
        while not self._ended.wait(self.seconds):
            # Without a connection it is the network that is slow; that has a time of its own.
            if self._socket is not None and self._bytes - before < self.least:
                self.lost = True
                with contextlib.suppress(OSError):  # it may just have ended by itself
                    # Not that of an SSL socket, which would take its state away from the reader.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                return
            before = self._bytes


def open_request(request: urllib.request.Request, patience: Patience, timeout: float) -> Any:
    """The answer to `request`, as from `urllib.request.urlopen`.

    Raises:
        RefusedRedirect: it leads to another protocol, or from https to http.
        OSError, http.client.HTTPException, ValueError: what `urlopen` raises.
    """

    class Http(urllib.request.HTTPHandler):
        def do_open(self, http_class: Any, req: Any, **http_conn_args: Any) -> Any:
            connection = _watched(http_class, patience)
            return patience.answered(super().do_open(connection, req, **http_conn_args))

    class Https(urllib.request.HTTPSHandler):
        def do_open(self, http_class: Any, req: Any, **http_conn_args: Any) -> Any:
            connection = _watched(http_class, patience)
            return patience.answered(super().do_open(connection, req, **http_conn_args))

    return urllib.request.build_opener(Http, Https, _Redirects).open(request, timeout=timeout)


def _watched(http_class: Any, patience: Patience) -> Any:
    def connection(*words: Any, **options: Any) -> http.client.HTTPConnection:
        return patience.watch(http_class(*words, **options))

    return connection


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as far as they stay on the web, and encrypted where they began so."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        fp.close()  # nobody reads what stands beside a redirect; it may have no end
        there, here = (urllib.parse.urlsplit(url).scheme for url in (newurl, req.full_url))
        if there not in ("http", "https") or (here == "https" and there == "http"):
            raise RefusedRedirect(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
