# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tiles by their address, read in threads so that clicks never wait for them."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor

from tornado.web import HTTPError, RequestHandler

from .tiles import Look, Tiles

logger = logging.getLogger(__name__)

ROUTE = r"/tile/([0-9]+-[0-9]+)/([0-9]{1,3})-([0-9]{1,3})-([0-9])/([0-9]{1,2})/([0-9]{1,6})/([0-9]{1,6})"


def tile_address(key: str, look: Look) -> str:
    """The address of a picture's tiles, for the browser's map renderer to put level, column and row in."""
    return f"/tile/{key}/{look.low}-{look.high}-{look.channel}/{{Z}}/{{X}}/{{Y}}"


class TileHandler(RequestHandler):
    """Answers with a JPEG file, or 404 where there is no such tile."""

    def initialize(self, tiles: Tiles, threads: Executor) -> None:
        """Get what all requests share."""
        self.tiles, self.threads = tiles, threads

    async def get(self, key: str, low: str, high: str, channel: str, level: str, column: str, row: str) -> None:
        """One tile."""
        try:
            look = Look(int(low), int(high), int(channel))
            wanted = key, look, int(level), int(column), int(row)
            content = await asyncio.get_running_loop().run_in_executor(self.threads, self.tiles.jpeg, *wanted)
        except (KeyError, OSError, ValueError) as error:
            logger.debug("tile: %s", error)
            raise HTTPError(404) from error
        self.set_header("Content-Type", "image/jpeg")
        self.set_header("Cache-Control", "private, max-age=86400, immutable")
        self.finish(content)
