# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A real MONAI Label server on loopback, started once, with images whose objects are known.

The server brings packages of other versions, so it may live in an environment of its own: MONAILABEL_PYTHON is that
environment's Python. Without it the server is looked for where the tests run, and where it is not, they are skipped.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile
import torch
from PIL import Image

from bundle.inference.model import ModelCard, describe_network, save_model
from bundle.networks.compact import Compact
from transforms.maps.hover import hover_map
from transforms.shapes.draw import draw_label

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, MODEL_MPP = 840, 0.5
SIZE = (120, 200)  # H, W, px of the model: not square
ELLIPSES = torch.tensor(  # x, y, semi-major, semi-minor, angle
    [
        [60.0, 25.0, 20.0, 6.0, 0.0],  # far wider than high: upright if axes were exchanged
        [120.0, 60.0, 8.0, 8.0, 0.0],
        [135.0, 60.0, 8.0, 8.0, 0.0],  # touches the one before
        [170.0, 100.0, 7.0, 5.0, 0.6],
        [20.0, 90.0, 6.0, 6.0, 0.0],
    ]
)


def label_python() -> str:
    """The interpreter that has the server; the test is skipped where there is none."""
    given = os.environ.get("MONAILABEL_PYTHON", "")
    if given and not Path(given).is_file():
        raise FileNotFoundError(f"MONAILABEL_PYTHON is {given}: no such file")
    if not given and importlib.util.find_spec("monailabel") is None:
        pytest.skip(
            "the MONAI Label server is not installed here: set MONAILABEL_PYTHON to the Python of an environment that"
            " has it (docs/monailabel_app/README.md says how to make one)"
        )
    return given or sys.executable


def reader_of_images() -> Compact:
    """A network with weights set by hand: h and v are read off red and green, 1 - m off blue."""
    network = Compact(channels=[8, 8], norm="none")
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        for channel, gain in enumerate((1.7, 1.7, -20.0)):
            for feature, sign in ((2 * channel, 1.0), (2 * channel + 1, -1.0)):  # ReLU leaves one of them
                network.stem.weight[feature, channel, 1, 1] = sign
                network.exit[-1].weight[channel, feature, 1, 1] = sign * gain
    return network


def encoded(label: torch.Tensor) -> np.ndarray:
    """The picture (H, W, 3) from which that network reads a label's (1, H, W) hover map."""
    h, v, m = hover_map(label)
    return torch.stack([(1 + 0.6 * h) / 2, (1 + 0.6 * v) / 2, 1 - m], -1).mul(255).round().byte().numpy()


@dataclass(frozen=True)
class Answer:
    """Of the server."""

    status: int
    kind: str  # content type
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def detail(self) -> str:
        """The message of an error."""
        return str(self.json["detail"])


@dataclass(frozen=True)
class Server:
    """A running server, and what it serves."""

    address: str
    root: Path  # the bundle
    studies: Path
    python: str
    process: subprocess.Popen[bytes]

    @property
    def model(self) -> Path:
        return self.root / "models" / "model.pt"

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        """A request, with JSON as its body where there is one."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        return self._send(method, path, None if body is None else json.dumps(body).encode(), headers, query)

    def send(
        self, method: str, path: str, fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]], **query: str
    ) -> Answer:
        """A request whose body is a form, with files as field -> name and content."""
        mark, lines = "a-mark-between-parts", []
        for name, text in fields.items():
            lines += [f"--{mark}", f'Content-Disposition: form-data; name="{name}"', "", text]
        parts = "\r\n".join(lines).encode() + (b"\r\n" if lines else b"")
        for name, (filename, content) in files.items():
            head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
            parts += head.encode() + content + b"\r\n"
        parts += f"--{mark}--\r\n".encode()
        return self._send(method, path, parts, {"Content-Type": f"multipart/form-data; boundary={mark}"}, query)

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> Answer:
        address = f"{self.address}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(address, body, dict(headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return Answer(answer.status, answer.headers.get("Content-Type", ""), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers.get("Content-Type", ""), error.read())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def make_bundle(root: Path) -> None:
    """The bundle as it is unpacked somewhere, with a model; of the app a copy, since the server writes logs into it."""
    for folder in ("bundle", "transforms", "scripts", "configs"):
        (root / folder).symlink_to(ROOT / folder)
    (root / "docs").mkdir()
    shutil.copytree(ROOT / "docs" / "monailabel_app", root / "docs" / "monailabel_app")
    network = reader_of_images()
    save_model(root / "models" / "model.pt", network, ModelCard(describe_network(network), MODEL_MPP, diameter=6.0))


def make_images(studies: Path) -> None:
    """One scene as two PNGs, as TIFF of twice as many px that says so, and as a slide with a second level."""
    label = draw_label(ELLIPSES, SIZE)
    assert int(label.max()) == len(ELLIPSES)
    picture = encoded(label)
    fine = np.kron(picture, np.ones((2, 2, 1), np.uint8))  # (2H, 2W, 3)
    Image.fromarray(picture).save(studies / "scene.png")
    spacing = {"resolution": (4e4, 4e4), "resolutionunit": "CENTIMETER"}  # 0.25 um per px
    tifffile.imwrite(studies / "fine.tif", fine, photometric="rgb", compression="zlib", **spacing)
    said = "Aperio Image Library v0\r\nx|AppMag = 40|MPP = 0.25"
    with tifffile.TiffWriter(studies / "slide.svs") as slide:
        for pixels in (fine, picture):
            slide.write(pixels, tile=(64, 48), photometric="rgb", description=said, metadata=None)
    shutil.copy(studies / "scene.png", studies / "again.png")
    (studies / "scene.csv").write_text("x,y\n1,2\n")  # a table beside the images is no image
    (studies / "labels" / "final").mkdir(parents=True)
    (studies / "labels" / "final" / "scene.csv").write_text("x,y\n60,25\n")  # clicks from before the server's start


@contextlib.contextmanager
def running(root: Path, studies: Path, log: Path, *conf: str) -> Iterator[Server]:
    """A server, until the end of the block."""
    python, port = label_python(), free_port()
    command = [python, "-m", "monailabel.main", "start_server", "--app", str(root / "docs" / "monailabel_app")]
    command += ["--studies", str(studies), "--host", "127.0.0.1", "--port", str(port), *conf]
    environment = {**os.environ, "MONAI_LABEL_DATASTORE_AUTO_RELOAD": "false", "OMP_NUM_THREADS": "1"}
    environment |= {"MONAI_LABEL_SESSION_PATH": str(root / "sessions")}
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    server = Server(f"http://127.0.0.1:{port}", root, studies, python, process)
    try:
        wait_until_up(server, log)
        yield server
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server, and a training that a test left in it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()


def wait_until_up(server: Server, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while server.process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if server.ask("GET", "/info/").status == 200:
                return
        time.sleep(0.5)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture(name="label_python")
def label_python_fixture() -> Callable[[], str]:
    """The function above, for tests of it (tests are no package)."""
    return label_python


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """The server, with the model above and the images of one scene."""
    label_python()
    folder = tmp_path_factory.mktemp("label")
    (folder / "root").mkdir()
    (folder / "studies").mkdir()
    make_bundle(folder / "root")
    make_images(folder / "studies")
    conf = ("--conf", "preset", "smoke", "--conf", "mpp", "0.5")
    with running(folder / "root", folder / "studies", folder / "server.log", *conf) as started:
        yield started
