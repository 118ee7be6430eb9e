"""An HTTP server and a mail server on loopback, which record what the bundled modules send to them."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass(frozen=True)
class Received:
    """One request, its headers by their names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A response of the server."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait_for: threading.Event | None = None
    """Nothing is sent before this is set."""


@dataclass
class WebServer:
    """A server that sends its responses in order, and then repeats the last one."""

    url: str
    answers: list[Answer]
    received: list[Received] = field(default_factory=list)

    def next_answer(self) -> Answer:
        """The response to the current request."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def web_server(*answers: Answer | int) -> Iterator[WebServer]:
    """A listening HTTP server; a number is an answer of that status without a body."""
    given = [Answer(one) if isinstance(one, int) else one for one in answers] or [Answer()]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.received.append(Received(self.command, self.path, headers, body))
            answer = kept.next_answer()
            if answer.wait_for is not None:
                answer.wait_for.wait(60)
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            """Keep the output of the tests clean."""

    with _listening(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        kept = WebServer(f"http://127.0.0.1:{port}", given)
        yield kept


@dataclass
class MailServer:
    """A mail server that rejects the first `refusals` messages, and accepts the others."""

    port: int
    refusals: int = 0
    messages: list[str] = field(default_factory=list)


@contextmanager
def mail_server(refusals: int = 0) -> Iterator[MailServer]:
    """A listening SMTP server, as far as a client without TLS needs one (RFC 5321)."""

    class Session(socketserver.StreamRequestHandler):
        replies: ClassVar[dict[str, str]] = {"EHLO": "250 sink", "QUIT": "221 bye", "DATA": "354 go on"}

        def handle(self) -> None:
            self._say("220 sink")
            while line := self.rfile.readline():
                command = line[:4].decode().upper()
                if command == "MAIL" and kept.refusals:
                    kept.refusals -= 1
                    self._say("451 try later")
                    continue
                self._say(self.replies.get(command, "250 fine"))
                if command == "DATA":
                    kept.messages.append(self._message())
                    self._say("250 kept")
                if command == "QUIT":
                    return

        def _message(self) -> str:
            lines = iter(self.rfile.readline, b".\r\n")
            return "".join(line.removeprefix(b".").decode() for line in lines)

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with _listening(Server(("127.0.0.1", 0), Session)) as port:
        kept = MailServer(port, refusals)
        yield kept


@contextmanager
def _listening(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
