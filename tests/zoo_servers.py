"""A web server in a thread whose faults can be chosen, and archives to serve."""

from __future__ import annotations

import contextlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What a server has and how it misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etag: str = '"v1"'
    drop_after: list[int] = field(default_factory=list)
    """Bytes after which the connection breaks off, one entry per request; then it holds."""
    claimed_length: int | None = None
    """A Content-Length that is not true."""
    status: list[int] = field(default_factory=list)
    """Error statuses of the first requests."""
    redirects: dict[str, str] = field(default_factory=dict)
    """Path → where it leads."""
    raw: bytes | None = None
    """The whole answer to every request, status line and all."""
    drip_seconds: float = 0.0
    """Between two bytes, of the body or of `raw`; then it sends byte by byte until it is left."""
    content_type: str = "application/gzip"
    send_length: bool = True
    url: str = ""
    left: threading.Event = field(default_factory=threading.Event)
    """Nobody waits for the server any more."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Path and Range of every request."""


@contextlib.contextmanager
def serving(site: Site) -> Iterator[Site]:
    """`site` on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        site.left.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Silence."""

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            site.requests.append((self.path, wanted))
            if site.raw is not None:
                self._write(site.raw)
                return
            if self.path in site.redirects:
                self.send_response(302)
                self.send_header("Location", site.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if site.status:
                self.send_error(site.status.pop(0))
                return
            body = site.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self._send(body, wanted)

        def _send(self, body: bytes, wanted: str) -> None:
            start, total = 0, len(body)
            if wanted and site.ranges and self.headers.get("If-Range", site.etag) == site.etag:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= total:
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            else:
                self.send_response(200)
            self.send_header("Content-Type", site.content_type)
            if site.etag:
                self.send_header("ETag", site.etag)
            if site.send_length:
                self.send_header("Content-Length", str(site.claimed_length or total - start))
            self.end_headers()
            piece = body[start:]
            if site.drop_after:
                piece = piece[: site.drop_after.pop(0)]
            self._write(piece)

        def _write(self, data: bytes) -> None:
            with contextlib.suppress(ConnectionError):  # whoever asked has hung up
                if not site.drip_seconds:
                    self.wfile.write(data)
                    return
                for index in range(len(data)):
                    self.wfile.write(data[index : index + 1])
                    if site.left.wait(site.drip_seconds):
                        return

    return Handler


def tar_gz(files: dict[str, bytes], change: Callable[[tarfile.TarFile], None] | None = None):
    """The bytes of a .tar.gz with `files`; `change` may add stranger things."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        if change:
            change(tar)
    return buffer.getvalue()
