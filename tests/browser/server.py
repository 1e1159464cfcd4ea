"""The site as a static host sends it, text compressed, with a record of what was sent."""

import gzip
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".xml", ".md", ".py", ".ipynb"}


@dataclass(frozen=True)
class Sent:
    """One reply: `size` is that of the body as it was sent, `unpacked` that of the file."""

    path: str
    status: int
    size: int
    unpacked: int


class Server(ThreadingHTTPServer):
    """Serves a folder at `origin` until it is closed.

    pause: seconds between the parts of a page, as over a slow network.
    """

    daemon_threads = True
    pause = 0.0

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.origin = folder, f"http://127.0.0.1:{self.server_port}"
        self.sent: list[Sent] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> "Server":
        return self

    def handle_error(self, request, client_address) -> None:
        """Say nothing of a page that went on before all had come."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()


@cache
def compressed(path: Path, _changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), 6)


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",  # the registry of a machine may say otherwise
        ".css": "text/css",
        ".svg": "image/svg+xml",
        ".webp": "image/webp",
        ".woff2": "font/woff2",
        ".md": "text/markdown; charset=utf-8",
        ".py": "text/x-python; charset=utf-8",
    }

    def do_GET(self) -> None:
        asked = urlsplit(self.path).path
        folder = self.server.folder.resolve()
        path = (folder / (asked.strip("/") or "index.html")).resolve()
        status = 200
        if not path.is_file() or not path.is_relative_to(folder):
            path, status = folder / "404.html", 404
        text = path.suffix in COMPRESSED
        body = compressed(path, path.stat().st_mtime_ns) if text else path.read_bytes()
        self.server.sent.append(Sent(asked, status, len(body), path.stat().st_size))
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if text:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if path.suffix != ".html" or not self.server.pause:
            self.wfile.write(body)
            return
        size = len(body) // 10
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            time.sleep(self.server.pause)

    def log_message(self, *_) -> None: ...
