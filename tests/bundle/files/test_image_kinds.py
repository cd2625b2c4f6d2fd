# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""docs/images.md: a file for every row of its table, and what it must be taken for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile
from PIL import Image

from bundle.files.images import load_image, read_image
from bundle.files.labels import read_label
from bundle.files.view import View

ROOT = Path(__file__).resolve().parents[3]
GREY = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(np.uint8)
IDS = np.zeros((20, 30), np.uint8)
IDS[2:4, 2:4], IDS[10:14, 10:14] = 7, 3
COLOURS = np.random.default_rng(2).integers(0, 256, (3, 256)).astype(np.uint16)


class Kind(NamedTuple):
    """How a file of this kind is made, and what is right: pixels in [0, 1], or a message, or um per px."""

    write: Callable[[Path], object]
    right: np.ndarray | str | float
    view: View | None = None


def tiff(array: np.ndarray, **options) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, array, **({"photometric": "minisblack"} | options))


def bilevel(path: Path) -> None:
    Image.fromarray(GREY > 127).save(path, "TIFF")


def two_images(path: Path) -> None:
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB, photometric="rgb")
        writer.write(RGB[:18], photometric="rgb")


def one_directory(path: Path) -> None:
    tifffile.imwrite(path, GREY, description="ImageJ=1.53t\nimages=2\nslices=2\nloop=false\n", metadata=None)
    path.write_bytes(path.read_bytes() + GREY.tobytes())


def scaled(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) / 255


def unit(name: str, **options) -> dict:
    return {"imagej": True, "resolution": (4, 4), "metadata": {"unit": name}, **options}


STANDS_OUT = np.clip(GREY.astype(np.uint16) * 13 + 100, 150, 3000)
FLAT = GREY.astype(np.uint16) + 3000
DEEP = RGB.astype(np.uint16) * 13 + 1
LOW, HIGH = np.percentile(STANDS_OUT, (0.1, 99.9))

KINDS = {
    "grey, 8 bit": Kind(tiff(GREY), scaled(GREY)),
    "grey, 1, 2 or 4 bit": Kind(bilevel, (GREY > 127).astype(np.float32)),
    "grey that counts from white (MINISWHITE)": Kind(tiff(GREY, photometric="miniswhite"), scaled(255 - GREY)),
    "palette": Kind(tiff(GREY, photometric="palette", colormap=COLOURS), scaled(COLOURS.T[GREY])),
    "palette of a label": Kind(tiff(IDS, photometric="palette", colormap=COLOURS * 257), IDS),
    "RGB, 8 bit": Kind(tiff(RGB, photometric="rgb"), scaled(RGB)),
    "RGB in separate planes": Kind(
        tiff(RGB.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), scaled(RGB)
    ),
    "opacity (alpha) that the file declares": Kind(
        tiff(np.dstack([RGB, GREY]), photometric="rgb", extrasamples=["unassalpha"]), scaled(RGB)
    ),
    "four samples of undeclared kind": Kind(
        tiff(np.dstack([RGB, GREY]), planarconfig="contig"), "has 4 channels .*--channel"
    ),
    "three samples of grey": Kind(tiff(RGB, planarconfig="contig"), "that they are colours.*--channel rgb"),
    "channels as pages": Kind(
        tiff(RGB.transpose(2, 0, 1), ome=True, metadata={"axes": "CYX"}), "has 3 channels .axes CYX"
    ),
    "stack (slices, frames, pages)": Kind(tiff(np.stack([GREY, GREY])), "a stack of 2 images .*--plane"),
    "stack in one directory (large ImageJ stacks)": Kind(one_directory, "a stack of 2 images .*--plane"),
    "16 bit, 8-bit values spread (x 257 or x 256)": Kind(
        tiff(RGB.astype(np.uint16) * 257, photometric="rgb"), scaled(RGB)
    ),
    "16 bit, RGB": Kind(tiff(DEEP, photometric="rgb"), DEEP.astype(np.float32) / 4095),
    "16 bit, grey that stands out": Kind(tiff(STANDS_OUT), np.clip((STANDS_OUT - LOW) / (HIGH - LOW), 0, 1)),
    "16 bit, grey without contrast": Kind(tiff(FLAT), FLAT.astype(np.float32) / 4095),
    "32-bit or signed pixels": Kind(tiff(GREY.astype(np.int16)), "pixels are int16"),
    "CMYK, Lab": Kind(lambda path: Image.new("CMYK", (30, 20)).save(path, "TIFF"), "its colours are"),
    "turned by a tag": Kind(tiff(GREY, extratags=[(274, "H", 1, 6, True)]), "orientation tag is 6"),
    "several images of like size": Kind(two_images, "holds 2 images"),
    "animated PNG, JPEG of several pictures of like size": Kind(
        lambda path: Image.fromarray(RGB).save(path, "PNG", save_all=True, append_images=[Image.fromarray(255 - RGB)]),
        "holds several pictures",
    ),
    "directories that form a loop": Kind(
        lambda path: path.write_bytes(b"II*\0\x08\0\0\0\0\0\x08\0\0\0"), "directories form a loop"
    ),
    "um per px in OME-XML": Kind(
        tiff(GREY, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm"}), 0.25
    ),
    "um per px of ImageJ": Kind(tiff(GREY, **unit("microns")), 0.25),
    "um per px by resolution tags": Kind(tiff(GREY, resolution=(20_000, 20_000), resolutionunit="CENTIMETER"), 0.5),
    "pixels that are not square": Kind(
        tiff(GREY, resolution=(20_000, 30_000), resolutionunit="CENTIMETER"), "not square"
    ),
}


def test_every_row_of_the_page_has_a_case():
    text = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert rows == ["kind of file", *KINDS]


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_what_the_page_says(tmp_path, name):
    kind, path = KINDS[name], tmp_path / "a.tif"
    kind.write(path)
    if isinstance(kind.right, str):
        with pytest.raises(ValueError, match=rf"^{re.escape(str(path))}: .*{kind.right}|{kind.right}"):
            read_image(path, kind.view)
    elif isinstance(kind.right, float):
        assert read_image(path).mpp == pytest.approx(kind.right)
    elif "label" in name:
        assert np.unique(read_label(path)).tolist() == [0, 1, 2]
    else:
        channels = 3 if kind.right.ndim == 3 else 1
        image = load_image(path, channels).image.numpy()
        right = kind.right.transpose(2, 0, 1) if channels == 3 else kind.right[None]
        np.testing.assert_allclose(image, right, atol=1e-6)
