# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Click the centres of nuclei on a page, see what a model finds, correct it, and train.

    python -m scripts.click MY_IMAGES

MY_IMAGES is a data folder (images/, points/) or a folder of images. The page opens in the browser; docs/click.md shows
it. Clicks are saved in MY_IMAGES/points/ as they are made.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bundle.click_page.app import ClickApp
from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.server import Address, ClickServer
from bundle.files import bundle_root
from bundle.files.images import check_mpp
from bundle.files.view import stated_window
from scripts.command_line import run_command

MODEL = str(bundle_root.MODEL)


def click(
    images: str,
    model: str = MODEL,
    image_mpp: float | None = None,
    preset: str = "cpu",
    port: int = Address.port,
    host: str = Address.host,
    browser: bool = True,
    intensity: str = "",
) -> None:
    """Serve the page on a folder of images.

    Args:
        images: a data folder (images/, points/), or a folder that holds images directly.
        model: weights whose finds are proposed, and that training begins with; a model.pt with its .json beside it.
        preset: compute scale of trainings: smoke, cpu, paper, or another file of configs/presets.
        port: of this machine; 0 takes a free one.
        host: the address to listen at; any but the default, this machine alone, asks for a token.
        browser: open it; --browser False only prints the address.
        intensity: low,high: stored intensities of 16-bit images that become black and white, on the page, for proposals
            and in trainings; without it each image is shown by itself, and models take their own range.
        image_mpp: (or --mpp) micrometres per pixel of all images; without it their files are asked.
    """
    if not isinstance(port, int) or not 0 <= port < 65536:
        raise ValueError(f"port is {port!r}: give a whole number from 0 to 65535")
    folder = ClickFolder(images)
    with folder.hold():
        app = ClickApp(folder, Path(model), check_mpp(image_mpp), preset, stated_window(intensity))
        ClickServer(app, Address(host, port)).run(browser)


if __name__ == "__main__":
    run_command({"click": click}, ["click", *sys.argv[1:]])
