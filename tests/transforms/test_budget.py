# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Budgets: what would cost too much is refused before it is spent, in one form of words, with the mend."""

from __future__ import annotations

import struct
import time
import zlib
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bundle.annotations.formats.imagej import read_imagej
from bundle.files.images import read_image
from bundle.inference.segmenter import Segmenter
from bundle.networks.compact import Compact
from bundle.slide_segmentation.layout import Layout
from transforms.budget import MOST_ENTRIES, MOST_PIXELS, MOST_STEPS, check_budget
from transforms.resample import resampled_size


def refused(match):
    """An error of that text within a second: nothing was spent."""

    class Refused:
        def __enter__(self):
            self.began = time.monotonic()
            self.raises = pytest.raises(ValueError, match=match)
            self.raises.__enter__()

        def __exit__(self, *error):
            assert time.monotonic() - self.began < 20
            return self.raises.__exit__(*error)

    return Refused()


def test_what_is_allowed_passes_and_more_is_refused_with_both_numbers():
    check_budget("a.png", 10, 10, "px", "cut it")
    with pytest.raises(ValueError, match="a.png would take 1,234 px, and at most 10 are allowed: cut it"):
        check_budget("a.png", 1234, 10, "px", "cut it")


@pytest.mark.parametrize(("mpp", "new"), [(10.0, 0.01), (0.25, 0.001), (1e6, 0.5), (1e300, 1e-300)])
def test_images_that_a_spacing_would_blow_up_are_refused(mpp, new):
    with refused(r"image of 3000 x 2000 px .*would take .* px, and at most .*--image_mpp"):
        resampled_size((2000, 3000), mpp, new)
    with refused("would take"):
        Segmenter(Compact(channels=[4, 8]), 0.01)(torch.zeros(3, 2000, 3000), 10.0)


def test_usual_images_are_not_refused():
    assert resampled_size((1000, 1000), 0.25, 0.5) == (500, 500)
    assert resampled_size((16_384, 16_384), 0.5, 0.5) == (16_384, 16_384)
    assert resampled_size((32_768, 32_768), 0.25, 0.5) == (16_384, 16_384)


def png(path, width, height, colour=0, depth=8):
    """A PNG of so many px that all are 0, made row by row."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = bytes(1 + width * depth // 8 * (3 if colour == 2 else 1))
    pack = zlib.compressobj(1)
    body = b"".join(pack.compress(row) for _ in range(height)) + pack.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    return path


@pytest.mark.slow
def test_a_png_beyond_pillows_own_limit_is_a_picture(tmp_path):
    width, height = 15_000, 12_500  # Pillow refuses above 178,956,970 px
    assert width * height > 178_956_970 and width * height < MOST_PIXELS
    assert read_image(png(tmp_path / "a.png", width, height)).array.shape == (1, height, width)


@pytest.mark.parametrize(("colour", "depth"), [(0, 8), (2, 8), (0, 16), (2, 16)])
@pytest.mark.parametrize("side", [17_000, 100_000])
def test_a_larger_png_is_refused_and_not_called_damaged(tmp_path, colour, depth, side):
    path = png(tmp_path / "a.png", side, 1, colour, depth)
    content = bytearray(path.read_bytes())
    content[20:24] = struct.pack(">I", side)  # the header says a square; the rows are not there
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    path.write_bytes(bytes(content))
    with refused(r"a\.png.* px.* at most 268,435,456 are allowed: cut it into smaller images"):
        read_image(path)


@pytest.mark.parametrize("tiled", [False, True])
def test_a_larger_tiff_is_refused_before_it_is_decoded(tmp_path, tiled):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), tile=(64, 64) if tiled else None, metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name in ("ImageWidth", "ImageLength"):
            tiff.pages.first.tags[name].overwrite(20_000)
    with refused(r"a\.tif: an image of 20000 x 20000 px would take 400,000,000 px"):
        read_image(path)


def test_archives_of_too_many_or_too_large_selections_are_refused(tmp_path):
    with ZipFile(tmp_path / "large.zip", "w", ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}.roi", bytes((1 << 26) - 1))
    with refused(
        r"large\.zip would take 335,544,315 bytes unpacked, and at most 268,435,456 are allowed: save the set"
    ):
        read_imagej(tmp_path / "large.zip")
    with ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(MOST_ENTRIES + 1):
            archive.writestr(f"{number}.roi", b"")
    with pytest.raises(ValueError, match=r"many\.zip would take 131,073 selections"):
        read_imagej(tmp_path / "many.zip")


@pytest.mark.parametrize("change", [{"tile": 1}, {"window": 2, "stride": 1}])
def test_plans_that_never_end_are_refused(change):
    lengths = {"window": 256, "stride": 192, "tile": 1024, "halo": 10, "block": 2}
    assert Layout((80_000, 100_000), **lengths).window_counts()[0] > 1
    with refused(f"slide of 100000 x 80000 px .*would take .*at most {MOST_STEPS:,} are allowed: give a larger"):
        Layout((80_000, 100_000), **lengths | change)


def test_small_pictures_are_read_as_before(tmp_path):
    Image.fromarray(np.full((3, 4), 7, np.uint8)).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png").array == 7).all()
