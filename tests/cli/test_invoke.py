import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from byo.endpoint import Client

EVERY_BYTE = bytes(range(256))
PROBLEM = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "column sex holds 'x'",
    "row": 3,
    "column": "sex",
    "request_id": "abc",
}


class Recorder(BaseHTTPRequestHandler):
    """Answers what its server was told to, and keeps what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        self.server.released.wait(30)
        status, content_type, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer[: self.server.cut])
        self.close_connection = self.server.cut is not None

    def finish(self):
        super().finish()
        self.connection.close()
        self.server.closed.set()

    def log_message(self, *_):
        """Say nothing: the test reads the client's output."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        server.requests = []
        server.answer = (200, "application/json", b"[1]")
        server.cut = None
        server.closed = threading.Event()
        server.released = threading.Event()
        server.released.set()
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("rows.csv", "text/csv"),
        ("rows.json", "application/json"),
        ("rows.jsonl", "application/jsonlines"),
        ("rows.npy", "application/x-npy"),
        ("rows.npz", "application/x-npz"),
        ("rows.PARQUET", "application/x-parquet"),
        ("rows.libsvm", "text/libsvm"),
    ],
)
def test_the_content_type_is_told_by_the_ending(run_byo, server, tmp_path, name, content_type):
    """A file's bytes are sent as they are, under the type of its ending."""
    (tmp_path / name).write_bytes(EVERY_BYTE)

    done = run_byo("invoke", name, "--url", server.url)

    ((path, headers, body),) = server.requests
    assert done.returncode == 0
    assert done.stdout == "[1]"
    assert (path, headers["Content-Type"], body) == ("/invocations", content_type, EVERY_BYTE)
    assert "Accept" not in headers


def test_options_reach_the_server(run_byo, server, tmp_path):
    """The types and the model's name are sent as given; the name is quoted."""
    (tmp_path / "rows.bin").write_bytes(b"1,2")

    done = run_byo(
        *("invoke", "rows.bin", "--content-type", "text/csv; header=absent"),
        *("--accept", "text/csv", "--target-model", "a/b c", "--url", server.url + "/"),
    )

    ((path, headers, _),) = server.requests
    assert done.returncode == 0
    assert path == "/models/a%2Fb%20c/invoke"
    assert headers["Content-Type"] == "text/csv; header=absent"
    assert headers["Accept"] == "text/csv"


def test_stdin_and_a_binary_answer(run_byo, server):
    """Bytes from stdin, and any bytes to stdout."""
    server.answer = (200, "application/x-npy", EVERY_BYTE)

    done = run_byo(
        *("invoke", "-", "--content-type", "text/csv", "--url", server.url),
        input=b"1,2\n",
        text=False,
    )

    assert done.returncode == 0
    assert done.stdout == EVERY_BYTE
    assert server.requests[0][2] == b"1,2\n"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            (422, "application/problem+json", json.dumps(PROBLEM).encode()),
            f"422 {HTTPStatus(422).phrase}: "
            "column sex holds 'x' (row 3, column sex; request id abc)",
        ),
        (
            (500, "application/problem+json", b'{"detail": "a bug", "request_id": "r1"}'),
            "500 Internal Server Error: a bug (request id r1)",
        ),
        (
            (404, "application/json", b'{"code": 404, "message": "Model not found: m"}'),
            "404 Not Found: Model not found: m",
        ),
        ((503, "text/plain", b"busy\nvery"), "503 Service Unavailable: busy very"),
        ((413, "text/plain", b""), f"413 {HTTPStatus(413).phrase}"),
        ((599, "text/plain", b"\xff"), "599 Error: \ufffd"),
    ],
)
def test_an_error_is_one_line(run_byo, server, tmp_path, answer, line):
    """An answer other than 2xx is one line on stderr, and nothing on stdout."""
    (tmp_path / "rows.csv").write_text("1,2\n")
    server.answer = answer

    done = run_byo("invoke", "rows.csv", "--url", server.url)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"byo invoke: {line}\n"


def test_no_server_names_the_way_to_start_one(run_byo, server, tmp_path):
    """A refused connection says so, and how to start the server."""
    (tmp_path / "rows.csv").write_text("1,2\n")
    server.server_close()

    done = run_byo("invoke", "rows.csv", "--url", server.url)

    assert done.returncode == 1
    assert done.stderr.startswith(f"byo invoke: nothing listens at {server.url}")
    assert "`byo serve`" in done.stderr


def test_a_silent_server_is_not_waited_for_for_ever(run_byo, server, tmp_path):
    """The wait for an answer ends at the timeout."""
    (tmp_path / "rows.csv").write_text("1,2\n")
    server.released.clear()

    done = run_byo("invoke", "rows.csv", "--url", server.url, "--timeout", "0.3")

    assert done.returncode == 1
    assert done.stderr == (
        f"byo invoke: {server.url}/invocations gave no whole answer within 0.3 s\n"
    )


def test_half_an_answer_is_none(run_byo, server, tmp_path):
    """An answer that ends too early is a failure, not a shorter answer."""
    (tmp_path / "rows.csv").write_text("1,2\n")
    server.answer = (200, "text/csv", b"1\n2\n3\n")
    server.cut = 2

    done = run_byo("invoke", "rows.csv", "--url", server.url, "--timeout", "2")

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_a_server_that_closes_kept_connections_is_asked_on_a_new_one(server):
    """A client that is kept, as in a notebook, outlives the server's patience with it."""
    with Client(server.url) as client:
        server.cut = 3  # all of the answer, and the connection closed after it
        first = client.invoke(b"1,2", "text/csv")
        assert server.closed.wait(30)
        second = client.invoke(b"3,4", "text/csv")

    assert (first.body, second.body) == (b"[1]", b"[1]")
    assert [body for _, _, body in server.requests] == [b"1,2", b"3,4"]


def test_proxies_are_not_asked(run_byo, server, tmp_path, environ):
    """What the environment says of proxies does not hold for a server that is named by its URL."""
    (tmp_path / "rows.csv").write_text("1,2\n")
    nobody = "http://127.0.0.1:1"
    proxies = {"http_proxy": nobody, "HTTP_PROXY": nobody, "all_proxy": nobody}

    done = run_byo("invoke", "rows.csv", "--url", server.url, env=environ | proxies)

    assert (done.returncode, done.stdout) == (0, "[1]")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere.csv"], "nowhere.csv can't be read: No such file or directory"),
        (["rows.txt"], "the content type of rows.txt is not known by its ending"),
        (["-"], "the content type of stdin is not known"),
        (["rows.csv", "--url", "ftp://x"], "'ftp://x' is not an http or https URL"),
        (["rows.csv", "--url", "http://x:port"], "'http://x:port' is not a URL"),
    ],
)
def test_requests_that_can_not_be_sent(run_byo, tmp_path, arguments, line):
    """What can't be sent as given is told in one line, with exit code 2."""
    (tmp_path / "rows.csv").write_text("1,2\n")

    done = run_byo("invoke", *arguments)

    assert done.returncode == 2
    assert done.stderr.startswith(f"byo invoke: {line}")
    assert done.stderr.count("\n") == 1
