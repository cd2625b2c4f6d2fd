# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Requests of QuPath's extension byte by byte, and from Java's own client: JSON that does not say that it is JSON.

From 0.132 on, fastapi answers 422 to them; docs/monailabel_app/README.md therefore asks for an older one.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlparse
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.slow

COUNT = 5  # nuclei in the scene
CLIENT = Path(__file__).with_name("Client.java")
INFER = (  # as Gson writes it
    '{"level":0,"location":[0,0],"size":[0,0],"tile_size":[1024,1024],"min_poly_area":30,'
    '"params":{"foreground":[],"background":[],"max_workers":1}}'
)
ASKED = {  # path, body, expected status, expected in the answer
    "infer": ("/infer/wsi/nuclei?output=asap&image=scene", INFER, 200, "<Annotation "),
    "slide": ("/infer/wsi/nuclei?output=asap&image=slide", INFER, 200, "<Annotation "),
    "train": ("/train/nuclei_from_clicks?enqueue=true", '{"preset":"unheard of"}', 200, "unheard of"),  # as understood
    "next": ("/activelearning/random", '{"client_id":"qupath"}', 200, '"id"'),
}


def send(server, head, body):
    """Bytes over a socket, as they are; the status and the text of the answer."""
    address = urlparse(server.address)
    lines = [*head, f"Host: {address.netloc}", "User-Agent: Java-http-client/17.0.6", "", ""]
    with socket.create_connection((address.hostname, address.port), timeout=300) as line:
        line.sendall("\r\n".join(lines).encode() + body)
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    first, _, text = answer.partition(b"\r\n\r\n")
    return int(first.split()[1]), text.decode()


@pytest.mark.parametrize("what", ASKED)
def test_json_without_a_content_type_is_understood(server, what):
    path, body, status, expected = ASKED[what]
    head = [f"POST {path} HTTP/1.1", "Connection: close", f"Content-Length: {len(body)}"]
    found, text = send(server, head, body.encode())
    assert found == status and expected in text, text


def test_a_picture_that_the_server_does_not_have_is_sent_along(server):
    mark = "231908653091830917349018273465"
    png = (server.studies / "scene.png").read_bytes()
    parts = [
        *(f"--{mark}", 'Content-Disposition: form-data; name="file"; filename="patch9.png"', "Content-Type: image/png"),
        *("", png.decode("latin-1"), f"--{mark}", 'Content-Disposition: form-data; name="wsi"', "", INFER),
        f"--{mark}--",  # and no end of line
    ]
    body = "\r\n".join(parts).encode("latin-1")
    kind = f"Content-Type: multipart/form-data; boundary={mark}"
    head = ["POST /infer/wsi_v2/nuclei?output=asap HTTP/1.1", "Connection: close", f"Content-Length: {len(body)}", kind]
    status, text = send(server, head, body)
    xml = text[text.index("<?xml") if "<?xml" in text else text.index("<") : text.rindex(">") + 1]
    assert status == 200 and len(list(ElementTree.fromstring(xml).iter("Annotation"))) == COUNT


@pytest.mark.parametrize("what", ASKED)
def test_javas_own_client_is_understood(server, what):
    java = shutil.which("java")
    if java is None:
        pytest.skip("Java is not installed here: Debian's default-jdk-headless has it")
    path, body, status, expected = ASKED[what]
    command = [java, str(CLIENT), "POST", server.address + path, body]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found, _, text = done.stdout.partition("\n")
    assert int(found) == status and expected in text, text


def test_points_beyond_their_image_are_refused_at_once(server):
    for content in (b"x,y\n10,10\n500,20\n", b"x,y\n-40,3\n"):
        answer = server.send("PUT", "/datastore/label", {}, {"label": ("a.csv", content)}, image="again", tag="final")
        assert answer.status == 400 and "points lie beyond the image of 200 x 120 px" in answer.detail
    assert not (server.studies / "labels" / "final" / "again.csv").exists()
    kept = server.send("PUT", "/datastore/label", {}, {"label": ("a.csv", b"x,y\n10,10\n")}, image="again", tag="many")
    assert kept.status == 200


@pytest.mark.parametrize("device", ["cuda:99", "tpu", "gpu0"])
def test_an_unknown_device_is_refused(server, device):
    answer = server.ask("POST", "/infer/wsi/nuclei", {"params": {"device": device}}, image="scene", output="asap")
    assert answer.status == 400 and "device" in answer.detail and device in answer.detail


ERRORS = """
import sys
sys.path[:0] = sys.argv[1:3]
from nuclei_errors import for_client
from nuclei_options import Options
print(for_client("/srv/images/a.tif: um per px unknown: give --mpp, or --conf mpp 0.5 (0.25/0.5)"))
print(for_client("clicks are refused: use /infer/wsi, or a/b"))
Options.of({"device": "cuda:99"}, "studies")
"""


def test_errors_speak_of_fields_and_an_unknown_device_of_the_server_ends_its_start(server):
    arguments = [str(server.root / "docs" / "monailabel_app"), str(server.root)]
    done = subprocess.run([server.python, "-c", ERRORS, *arguments], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "a.tif: um per px unknown: give mpp, or mpp 0.5 (0.25/0.5)",
        "clicks are refused: use /infer/wsi, or a/b",
    ]
    assert done.returncode and "--conf device cuda:99: device is 'cuda:99'" in done.stderr
