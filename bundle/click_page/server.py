# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The server of the page: Bokeh's, behind our gate, with tiles beside it."""

from __future__ import annotations

import errno
import logging
import socket
import webbrowser
from dataclasses import dataclass

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.server.server import BaseServer
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.netutil import bind_sockets

from .app import ClickApp
from .gate import Gate, GuardedTornado
from .tab import Tab
from .tile_handler import ROUTE, TileHandler

logger = logging.getLogger(__name__)

MESSAGE, BODY = 1 << 22, 1 << 16  # bytes of the largest message and request body; nothing is uploaded
WATCH = 1000  # ms between two looks at the files


@dataclass(frozen=True)
class Address:
    """Where the page is served.

    Attributes:
        host: this machine alone by default; another address asks for a token.
        port: 0 for a free one.
    """

    host: str = "127.0.0.1"
    port: int = 5090


class ClickServer:
    """A page that is served until it is stopped.

    Args:
        app: what it shows.
        address: where.

    Raises:
        OSError: the port is in use, or the address is not one of this machine.
    """

    def __init__(self, app: ClickApp, address: Address) -> None:
        for noisy in ("bokeh", "tornado.access"):  # the page's address is to be the first line
            logging.getLogger(noisy).setLevel(logging.ERROR)
        self.app, self.gate = app, Gate(address.host)
        sockets = _bind(address)
        self.port: int = sockets[0].getsockname()[1]
        page = Application(FunctionHandler(lambda doc: Tab(app, doc) and None))
        tornado = GuardedTornado(
            page,
            self.gate,
            extra_patterns=[(ROUTE, TileHandler, {"tiles": app.tiles, "threads": app.threads})],
            extra_websocket_origins=["*"],  # the gate compares origins
            websocket_max_message_size_bytes=MESSAGE,
            use_index=False,
            redirect_root=False,
        )
        http = HTTPServer(tornado, max_body_size=BODY)
        http.add_sockets(sockets)
        self.loop = IOLoop.current()
        self.server = BaseServer(self.loop, tornado, http)
        self._watch = PeriodicCallback(self._poll, WATCH)

    @property
    def url(self) -> str:
        """The address to open, with the token where one is asked for."""
        host = f"[{self.gate.host}]" if ":" in self.gate.host else self.gate.host
        token = f"/?token={self.gate.token}" if self.gate.token else "/"
        return f"http://{host}:{self.port}{token}"

    def run(self, open_browser: bool = True) -> None:
        """Serve until Ctrl-C; clicks are saved as they are made, so nothing is left to do then."""
        self.server.start()
        self._watch.start()
        logger.info("the page: %s (Ctrl-C ends it)", self.url)
        if open_browser:
            self.loop.call_later(0.2, self._show)
        try:
            self.loop.start()
        except KeyboardInterrupt:
            logger.info("ended; every click is in %s", self.app.folder.root / "points")
        finally:
            self._watch.stop()
            self.server.stop(wait=False)
            self.app.close()

    def _poll(self) -> None:
        self.app.poll()

    def _show(self) -> None:
        if not webbrowser.open(self.url):
            logger.warning("no browser could be opened: open %s yourself", self.url)


def _bind(address: Address) -> list[socket.socket]:
    try:
        return bind_sockets(address.port, address.host)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(
                f"port {address.port} is in use: end the program there, or name another (--port 0 takes a free one)"
            ) from error
        raise OSError(f"{address.host}, port {address.port}: cannot be listened at ({error})") from error
