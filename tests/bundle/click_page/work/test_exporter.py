# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Segmenting everything: which command each image gets, and that one that cannot be read does not stop the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.work import exporter as module
from bundle.click_page.work.exporter import Exporter
from bundle.files.bundle_root import MODEL
from bundle.label_server.query import Query


class Ended:
    """A process that has ended; the first one badly."""

    begun: list[list[str]] = []  # noqa: RUF012  # shared on purpose

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.begun.append(arguments)
        self.log, self.running, self.succeeded = log, False, len(self.begun) > 1

    def last_line(self) -> str:
        return "error: 1 image failed"


def test_large_tiff_files_are_slides_and_all_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (20, 20)).save(tmp_path / "images" / "a.png")
    (tmp_path / "images" / "broken.tif").write_bytes(b"II*\0")
    large = np.zeros((4200, 4100), np.uint8)
    tifffile.imwrite(tmp_path / "images" / "large.tif", large, tile=(256, 256), compression="zlib")
    monkeypatch.setattr(module, "Job", Ended)
    monkeypatch.setattr(module, "MOST_PIXELS", 1 << 24)
    exporter = Exporter(ClickFolder(tmp_path))
    query = Query(MODEL, 0.5, intensity=(100, 4095))
    exporter.begin(query, [])
    while exporter.said in ("", "the images are being segmented ..."):
        exporter.poll()
    folder, slide = Ended.begun
    assert folder[:2] == ["folder", str(tmp_path / "images")] and slide[:2] == [
        "slide",
        str(tmp_path / "images" / "large.tif"),
    ]
    assert all("--intensity=100,4095" in each for each in Ended.begun)
    assert exporter.trouble and exporter.said.startswith("stopped: error: 1 image failed")
