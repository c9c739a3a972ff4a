"""A service behind a real web server that dies and comes back, and a wire that is cut.

See: docs/http.md, from a program
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from api.serving import listen, web_server
from dispatch.commands.service import Service

IN_TIME = 20.0


class WebServer:
    """A service's web server; stopped and started again, it has the same address."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.port = 0
        self.start()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, in a thread."""
        self._listener = listen("127.0.0.1", self.port)
        self.port = self._listener.getsockname()[1]
        self._server = web_server(self._service)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.should_exit = True
        self._thread.join(IN_TIME)
        self._listener.close()
        assert not self._thread.is_alive()


class Wire(Thread):
    """Passes questions on to a server, one after the other; some answers never come back.

    lost : which of the questions are answered by nothing but the end of the connection, though
        the server has done what they asked.
    """

    def __init__(self, port: int, lost: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self._to = ("127.0.0.1", port)
        self._lost = lost
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.asked: list[bytes] = []
        self.start()

    @property
    def address(self) -> str:
        """Where it takes questions."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        """Pass on until it is closed; each connection carries one question."""
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with near:
                question = _whole(near).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
                self.asked.append(question)
                answer = self._ask(question)
                if len(self.asked) - 1 not in self._lost:
                    near.sendall(answer)

    def close(self) -> None:
        """Take no more questions."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.join(IN_TIME)

    def _ask(self, question: bytes) -> bytes:
        with socket.create_connection(self._to) as far:
            far.sendall(question)
            return b"".join(iter(lambda: far.recv(65536), b""))


def _whole(near: socket.socket) -> bytes:
    """A question with its body."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += near.recv(65536)
    head, _, body = read.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if b"ontent-" in line[:8]]
    length = next((int(each) for each in lengths if each.strip().isdigit()), 0)
    while len(body) < length:
        body += near.recv(65536)
    return head + b"\r\n\r\n" + body


@dataclass
class Scripted:
    """A server that gives the answers it was told to, and notes what it was asked.

    answers : status, and what Retry-After says, of one answer after the other.
    """

    answers: list[tuple[int, str | None]]
    keys: list[str | None] = field(default_factory=list)

    def __enter__(self) -> str:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                script.keys.append(self.headers["Idempotency-Key"])
                self.rfile.read(int(self.headers["Content-Length"]))
                status, retry_after = script.answers.pop(0)
                self.send_response(status)
                if retry_after is not None:
                    self.send_header("Retry-After", retry_after)
                body = b'{"code": "said_so", "detail": "...", "field": "offer_id"}'
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(IN_TIME)
