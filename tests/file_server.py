"""A server on this machine that misbehaves as told, and remembers what it was asked."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

Answer = Callable[[BaseHTTPRequestHandler], None]


class FileServer:
    """What `answers` has for a path, one after the other, the last of them for ever."""

    def __init__(self, port: int) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self.closing = Event()
        self._root = f"http://127.0.0.1:{port}"

    def put(self, path: str, *answers: Answer) -> str:
        """The url at which these answers are given."""
        self.answers[path] = list(answers)
        return self._root + path

    def asked(self, path: str) -> list[str | None]:
        """The Range of each request for `path`, None where there was none."""
        return [headers.get("Range") for asked, headers in self.requests if asked == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.path, dict(handler.headers)))
        waiting = self.answers.get(handler.path, [status(404)])
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)


@contextmanager
def file_server() -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            server.answer(self)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        server = FileServer(http.server_port)
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            http.shutdown()
            thread.join()


def status(code: int, **headers: str) -> Answer:
    """Nothing but a status; in header names, _ stands for -."""

    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.flush()
    handler.close_connection = True


def body(
    content: bytes,
    *,
    version: str | None = '"1"',
    ranges: bool = True,
    if_range: bool = True,
    cut: int | None = None,
    shift: int = 0,
    length: int | None = None,
    **headers: str,
) -> Answer:
    """The file, or the range of it that is asked for.

    Args:
        version: its ETag; None: it has none.
        ranges: whether Range is heeded.
        if_range: whether If-Range is.
        cut: the connection breaks after so many bytes of the answer.
        shift: the range begins so many bytes too late.
        length: what Content-Length claims; -1: it is not sent.
    """

    def answer(handler):
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        same = not if_range or handler.headers.get("If-Range") == version
        start = int(asked[1]) + shift if ranges and asked and same else 0
        if start >= len(content) > 0:
            status(416, Content_Range=f"bytes */{len(content)}")(handler)
            return
        piece = content[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if version is not None:
            handler.send_header("ETag", version)
        if length is None:
            handler.send_header("Content-Length", str(len(piece)))
        elif length >= 0:
            handler.send_header("Content-Length", str(length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(piece[:cut])
        if cut is not None or length is not None:
            hang_up(handler)

    return answer


def chunked(content: bytes, whole: bool = True) -> Answer:
    """The file in chunks of 100 bytes, without a length; not `whole`: without its last chunks."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for start in range(0, len(content) if whole else len(content) // 2, 100):
            piece = content[start : start + 100]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if whole:
            handler.wfile.write(b"0\r\n\r\n")
        else:
            hang_up(handler)

    return answer


def stalled(content: bytes, after: int, server: FileServer) -> Answer:
    """The file's beginning, and then nothing for longer than anybody waits."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("ETag", '"1"')
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:after])
        handler.wfile.flush()
        server.closing.wait(20)
        handler.close_connection = True

    return answer
