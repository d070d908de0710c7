"""A city's folder, shown to browsers on this machine. Takes no torch."""

import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_HOST = "127.0.0.1"
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
"""By suffix; the machine's own table may say anything."""
_OTHER = "application/octet-stream"


class _Handler(SimpleHTTPRequestHandler):
    def guess_type(self, path: str) -> str:
        return _TYPES.get(Path(path).suffix.lower(), _OTHER)

    def send_head(self):
        """Files that lie in the folder, also after links were followed, and are not hidden."""
        if not self._is_shown():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        # A file of the same second, or an older city that was put back, is another one as well.
        del self.headers["If-Modified-Since"]
        return super().send_head()

    def _is_shown(self) -> bool:
        path, folder = Path(self.translate_path(self.path)), Path(self.directory)
        try:
            inside = path.resolve().is_relative_to(folder)
        except ValueError:  # what no file's name may have, such as a zero byte
            return False
        return inside and not any(part.startswith(".") for part in path.relative_to(folder).parts)

    def list_directory(self, path: str) -> None:
        """No list of files: the page needs none."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        """A city that is packed again is seen at once."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: a page asks for a hundred files."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A visitor who leaves in the middle of a file is no fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def city_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server for this machine alone, listening; `serve_forever` serves, `server_close` ends it.

    Args:
        port: 0: any that is free.

    Raises:
        OSError: the port is taken.
    """
    return _Server((_HOST, port), partial(_Handler, directory=str(folder.resolve())))


def address(server: ThreadingHTTPServer) -> str:
    """Where a browser finds it."""
    return f"http://{_HOST}:{server.server_port}/"
