"""A Chromium whose memory is its own: it is spoken to through a pipe, and watches nothing.

Playwright lets the browser keep what it fetches, to look at. A page's process then held 18 MB more.
The protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_PATIENCE = 300.0  # seconds for all that a test does with one browser


class QuietChromium:
    """One page in a browser."""

    def __init__(self, process: subprocess.Popen, write, read):
        self.process = process
        self._write, self._read = write, read
        self._count = 0
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        found = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]

    def _send(self, method: str, session: str | None = None, **parameters) -> dict:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._write.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._one_message())
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _one_message(self) -> bytes:
        read = bytearray()
        while (byte := self._read.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("Chromium has ended")
            read += byte
        return bytes(read)

    def goto(self, address: str) -> None:
        self._send("Page.navigate", self._session, url=address)

    def evaluate(self, expression: str) -> object:
        """What a JavaScript expression comes to, or what it promises."""
        found = self._send(
            "Runtime.evaluate",
            self._session,
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def renderers(self) -> list[int]:
        """Processes that show pages."""
        return [pid for pid in _below(self.process.pid) if b"--type=renderer" in _command(pid)]

    def close(self) -> None:
        self._send("Browser.close")
        self.process.wait()


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def _below(pid: int) -> Iterator[int]:
    """Processes that a process has started, and those of these."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return
    for child in map(int, text.split()):
        yield child
        yield from _below(child)


@contextmanager
def quiet_chromium(executable: str, options: Sequence[str]) -> Iterator[QuietChromium]:
    """With a profile of its own, which nothing has been kept in."""
    down_read, down_write = os.pipe()
    up_read, up_write = os.pipe()

    def place() -> None:
        """Chromium reads from 3 and writes to 4."""
        read, write = os.dup(down_read), os.dup(up_write)
        os.dup2(read, 3)
        os.dup2(write, 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                executable,
                "--headless",
                "--remote-debugging-pipe",
                f"--user-data-dir={profile}",
                *options,
            ],
            close_fds=False,
            preexec_fn=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(down_read)
        os.close(up_write)
        # One that hangs is killed, so that whoever waits for its answer reads the end of the pipe.
        watchdog = threading.Timer(_PATIENCE, process.kill)
        watchdog.start()
        try:
            with open(down_write, "wb", buffering=0) as write, open(up_read, "rb") as read:
                browser = QuietChromium(process, write, read)
                yield browser
                browser.close()
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
