# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Who may speak to the page, asked over real connections."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.click_page.gate import Gate, is_loopback
from tests.bundle.click_page.browser import Served, serving

WEBSOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("guarded")
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(made / "a.png")
    return made


@pytest.fixture(scope="module")
def here(folder: Path) -> Iterator[Served]:
    with serving(folder) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    other = tmp_path_factory.mktemp("everywhere")
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(other / "a.png")
    with serving(other, "--host", "0.0.0.0") as running:
        yield running


def ask(served: Served, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    port = int(served.url.split(":")[2].split("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers={"Host": f"127.0.0.1:{port}"} | named)
    answer = connection.getresponse()
    body = "" if answer.status == 101 else answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def port_of(served: Served) -> str:
    return served.url.split(":")[2].split("/")[0]


@pytest.mark.parametrize(
    ("host", "answer"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_what_loopback_is(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer
    assert (Gate(host).token is None) is answer


def test_loopback_answers_to_its_own_names_alone(here: Served) -> None:
    assert ask(here)[0] == 200
    assert ask(here, Host=f"localhost:{port_of(here)}")[0] == 200
    for host in ("evil.example", f"evil.example:{port_of(here)}", "127.0.0.1.evil.example", ""):
        for path in ("/", "/tile/0-1/0-255-0/0/0/0", "/static/js/bokeh.min.js", "/ws", "/autoload.js", "/metadata"):
            status, _, body = ask(here, path, Host=host)
            assert status == 403 and "open the address" in body, (host, path)


def test_pages_of_other_sites_are_refused(here: Served) -> None:
    own = f"http://127.0.0.1:{port_of(here)}"
    assert ask(here, Origin=own)[0] == 200
    for origin in ("http://evil.example", "null", f"https://evil.example:{port_of(here)}", "http://127.0.0.1:1"):
        assert ask(here, Origin=origin)[0] == 403
        assert ask(here, "/ws", Origin=origin, **WEBSOCKET)[0] == 403


def test_every_answer_forbids_frames_and_foreign_content(here: Served) -> None:
    for path in ("/", "/nothing", "/static/js/bokeh.min.js"):
        headers = ask(here, path)[1]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/tile/../../../etc/passwd",
        "/tile/0-1/0-255-0/0/0/0",
        "/static/../../../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static//etc/passwd",
        "/images/a.png",
        "/a.png",
        "/points/a.csv",
    ],
)
def test_no_path_leads_to_a_file(here: Served, path: str) -> None:
    status, _, body = ask(here, path)
    assert status in (403, 404) and "root:" not in body


def test_nothing_is_uploaded(here: Served) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(here, "/", method)[0] in (403, 405)
    port = int(port_of(here))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 100000000\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 4" in connection.recv(100)[:13]  # refused before any of it is read
    assert ask(here)[0] == 200


def test_elsewhere_nothing_is_given_without_the_token(elsewhere: Served) -> None:
    token = elsewhere.url.split("token=")[1]
    for path in ("/", "/?token=", "/?token=wrong", "/static/js/bokeh.min.js", "/ws", f"/ws?token={token}"):
        assert ask(elsewhere, path)[0] == 403, path
    status, headers, _ = ask(elsewhere, f"/?token={token}")
    assert status == 302 and headers["Location"] == "/"  # the token leaves the address
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert ask(elsewhere, Cookie=cookie.split(";")[0])[0] == 200
    assert (
        ask(elsewhere, Cookie=cookie.split(";")[0], Host="my-server.example:80")[0] == 403
    )  # a cookie of another port
    assert ask(elsewhere, Cookie=cookie.split(";")[0], Origin="http://evil.example")[0] == 403


def test_a_port_in_use_is_named(here: Served, folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(AssertionError, match="is in use"), serving(tmp_path, "--port", port_of(here)):
        pass


def test_a_second_page_on_one_folder_is_refused(here: Served, folder: Path) -> None:
    with pytest.raises(AssertionError, match="another page works in this folder"), serving(folder):
        pass
