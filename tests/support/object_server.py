"""An S3 server on loopback: moto behind a proxy that counts, and that misbehaves on request."""

import http.client
import logging
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BUCKET = "bucket"


@dataclass
class Request:
    """A request on its way to moto; a rule may change its headers."""

    method: str
    path: str
    headers: dict
    body: bytes

    @property
    def is_part_copy(self):
        return "x-amz-copy-source" in self.headers and "uploadId" in self.path

    @property
    def is_publication(self):
        part = "partNumber=" in self.path
        upload_or_put = self.method == "PUT" or (self.method == "POST" and "uploadId=" in self.path)
        return upload_or_put and not part


@dataclass
class Server:
    """The proxy's address, what passed it, and the rules that make it misbehave."""

    url: str = ""
    received: int = 0
    sent: int = 0
    requests: list = field(default_factory=list)
    rules: list = field(default_factory=list)
    moto: tuple = ()
    client: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def moved(self):
        return self.received + self.sent

    def forget(self):
        self.received = self.sent = 0
        self.requests = []
        self.rules = []

    def forward(self, request):
        """Answer by moto: status, headers and body."""
        connection = http.client.HTTPConnection(self.moto[0], self.moto[1], timeout=30)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


def error(status, code):
    text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>no</Message></Error>'
    return status, {"Content-Type": "application/xml"}, text.encode()


# Rules. Each takes the server and a request, and returns an answer, or None to go on.


def no_part_copy(server, request):
    return error(501, "NotImplemented") if request.is_part_copy else None


def no_range_in_copies(server, request):
    if request.is_part_copy:
        request.headers.pop("x-amz-copy-source-range", None)


def no_ranges(server, request):
    if request.method == "GET":
        request.headers.pop("Range", None)


def conditions(server, request):
    """Honour If-Match, If-None-Match and x-amz-copy-source-if-match; moto ignores them."""
    wanted = request.headers.get("x-amz-copy-source-if-match")
    source = "/" + request.headers.get("x-amz-copy-source", "").lstrip("/")
    if wanted and wanted != etag(server, source, request):
        return error(412, "PreconditionFailed")
    if not (request.is_publication or request.method == "GET"):
        return None
    wanted = request.headers.get("If-Match")
    refused = request.headers.get("If-None-Match")
    there = etag(server, request.path, request) if wanted or refused else None
    if (wanted and there != wanted) or (refused and there is not None):
        return error(412, "PreconditionFailed")
    return None


def no_conditions(server, request):
    """As a store that knows no conditional writes."""
    if request.is_publication and {"If-Match", "If-None-Match"} & set(request.headers):
        return error(501, "NotImplemented")
    return None


def denied(server, request):
    return error(403, "AccessDenied")


def read_only(server, request):
    return None if request.method in ("GET", "HEAD") else error(403, "AccessDenied")


class Dropping:
    """Drops each connection once in the middle of its answer, by method."""

    def __init__(self, method, times):
        self.left = times
        self.method = method

    def __call__(self, server, request):
        if request.method != self.method or self.left <= 0 or "Range" not in request.headers:
            return None
        self.left -= 1
        status, headers, body = server.forward(request)
        return status, headers, body[: len(body) // 2]


class Then:
    """Does something once, before the first request that ``when`` is true of."""

    def __init__(self, when, work):
        self.when, self.work, self.done = when, work, False

    def __call__(self, server, request):
        if not self.done and self.when(request):
            self.done = True
            self.work()


def etag(server, path, request):
    """The ETag of an object, asked for by who sent ``request``."""
    signed = {"Authorization": request.headers["Authorization"]}
    status, headers, _ = server.forward(Request("HEAD", path.partition("?")[0], signed, b""))
    return {k.lower(): v for k, v in headers.items()}.get("etag") if status == 200 else None


@contextmanager
def served():
    """Serve S3 on a free port of loopback."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    server = Server(moto=moto.get_host_and_port())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            left_out = ("connection", "expect")
            headers = {k: v for k, v in self.headers.items() if k.lower() not in left_out}
            request = Request(self.command, self.path, headers, body)
            with server.lock:
                server.received += len(body)
                server.requests.append((self.command, self.path))
            for rule in list(server.rules):
                if (found := rule(server, request)) is not None:
                    break
            else:
                found = server.forward(request)
            status, answered, data = found
            stated = {k.lower(): v for k, v in answered.items()}.get("content-length", len(data))
            self.send_response_only(status)
            for name, value in answered.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            length = int(stated) if self.command == "HEAD" or int(stated) > len(data) else len(data)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)
                with server.lock:
                    server.sent += len(data)
                if length != len(data):
                    self.close_connection = True

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815

        def log_message(self, *arguments):
            pass

        def handle(self):
            with suppress(ConnectionError):
                super().handle()

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{proxy.server_port}"
    try:
        yield server
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
        moto.stop()
