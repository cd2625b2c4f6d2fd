# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tiles show the pixels of their place, whatever kind of file they come from, and memory stays bounded."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bundle.click_page import picture as pictures
from bundle.click_page import tiles as tiles_module
from bundle.click_page.picture import PartPicture, WholePicture, open_picture
from bundle.click_page.tiles import BACKGROUND, Look, Tiles, cut_tile, native_level
from bundle.slides.grid import Box


def pixels(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x % 256, y % 256, (x // 64 + y // 64) % 2 * 255], axis=-1).astype(np.uint8)


def png(folder: Path, array: np.ndarray) -> Path:
    Image.fromarray(array).save(folder / "a.png")
    return folder / "a.png"


def tiled(folder: Path, array: np.ndarray) -> Path:
    tifffile.imwrite(folder / "a.tif", array, tile=(64, 64), photometric="rgb")
    return folder / "a.tif"


@pytest.mark.parametrize(("size", "level"), [((100, 100), 0), ((256, 10), 0), ((257, 10), 1), ((40000, 40000), 8)])
def test_the_native_level_has_one_pixel_of_the_screen_for_each(size: tuple[int, int], level: int) -> None:
    assert native_level(size) == level


@pytest.mark.parametrize("write", [png, tiled])
def test_tiles_of_the_native_level_are_the_pixels_themselves(tmp_path: Path, write: object) -> None:
    array = pixels(300, 500)
    assert callable(write)
    shown = (WholePicture if write is png else PartPicture)(write(tmp_path, array))
    native = native_level(shown.size)
    tile = cut_tile(shown, native, 1, 1)
    assert tile.shape == (256, 256, 3)
    np.testing.assert_array_equal(tile[:44, :244], array[256:, 256:])
    assert (tile[44:] == BACKGROUND).all() and (tile[:, 244:] == BACKGROUND).all()
    np.testing.assert_array_equal(cut_tile(shown, native + 2, 3, 2), array[128:192, 192:256])  # four times as large


@pytest.mark.parametrize("write", [png, tiled])
def test_coarser_tiles_hold_the_whole_and_are_sharp(tmp_path: Path, write: object) -> None:
    assert callable(write)
    array = np.zeros((1024, 1024, 3), np.uint8)
    array[:512, 512:] = (200, 100, 50)
    shown = (WholePicture if write is png else PartPicture)(write(tmp_path, array))
    tile = cut_tile(shown, 0, 0, 0)
    assert tile.shape == (512, 512, 3)  # drawn 256 px wide or more
    np.testing.assert_array_equal(tile[:255, 257:], np.broadcast_to(array[0, -1], (255, 255, 3)))
    assert (tile[257:] == 0).all() and (tile[:, :255] == 0).all()


def test_a_large_file_without_smaller_copies_is_gone_through_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "COSTLY", 1 << 14)
    monkeypatch.setattr(pictures, "OVERVIEW", 128)
    monkeypatch.setattr(pictures, "CHUNK", 128)
    array = pixels(500, 700)
    shown = PartPicture(tiled(tmp_path, array))
    reads: list[int] = []
    read = shown._read
    monkeypatch.setattr(shown, "_read", lambda step, box: reads.append(step) or read(step, box))
    far = shown.read(8, Box(0, 0, 88, 63))
    assert reads == [1] * 24
    expected = Image.fromarray(array).reduce(8)
    np.testing.assert_allclose(far.astype(int), np.asarray(expected).astype(int), atol=1)
    shown.read(16, Box(0, 0, 44, 32))
    assert len(reads) == 24


def test_large_tiff_files_are_read_part_by_part(tmp_path: Path) -> None:
    array = np.zeros((4200, 4100, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, tile=(256, 256), photometric="rgb", resolution=(40000, 40000))
    shown = open_picture(tmp_path / "a.tif")
    assert isinstance(shown, PartPicture) and shown.size == (4200, 4100)


def test_grey_and_16_bit_images_are_shown_by_their_own_range(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 3000, 200 * 200).reshape(200, 200).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    shown = WholePicture(tmp_path / "a.png").read(1, Box(0, 0, 200, 200))
    assert shown.shape == (200, 200, 3) and shown.min() == 0 and shown.max() == 255


def test_a_stated_range_is_what_is_shown_of_16_bit_and_does_not_touch_8_bit(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 3000, 4200 * 4100).reshape(4200, 4100).astype(np.uint16)
    tifffile.imwrite(tmp_path / "large.tif", ramp, tile=(256, 256))
    Image.fromarray(ramp[:200, :200]).save(tmp_path / "small.png")
    Image.fromarray((ramp[:200, :200] // 16).astype(np.uint8)).save(tmp_path / "eight.png")
    for name in ("large.tif", "small.png"):
        shown = open_picture(tmp_path / name, intensity=(0, 4095)).read(1, Box(0, 0, 20, 20))
        np.testing.assert_array_equal(shown[..., 0], (ramp[:20, :20] / 4095 * 255).round())
    eight = open_picture(tmp_path / "eight.png", intensity=(0, 4095)).read(1, Box(0, 0, 20, 20))
    np.testing.assert_array_equal(eight[..., 0], ramp[:20, :20] // 16)


def test_looks_change_what_is_shown() -> None:
    array = pixels(4, 256)
    np.testing.assert_array_equal(Look()(array), array)
    stretched = Look(low=100, high=200)(array)[0, :, 0]
    assert stretched[99] == 0 and stretched[200] == 255 and stretched[150] in (127, 128)
    np.testing.assert_array_equal(Look(channel=1)(array)[..., 2], array[..., 0])
    for wrong in ({"low": 9, "high": 9}, {"low": -1}, {"high": 256}, {"channel": 4}):
        with pytest.raises(ValueError, match="0 to 255"):
            Look(**wrong)


def test_keys_hold_no_name_and_change_with_the_file(tmp_path: Path) -> None:
    tiles, path = Tiles(), png(tmp_path, pixels(30, 40))
    key = tiles.key(path)
    assert "a" not in key and tiles.key(path) == key
    path.write_bytes(path.read_bytes())
    assert tiles.key(path) != key
    with pytest.raises(KeyError):
        tiles.picture("99-1")
    tile = Image.open(io.BytesIO(tiles.jpeg(key, Look(), 0, 0, 0)))
    assert tile.size == (256, 256)
    for place in ((0, 1, 0), (9, 0, 0), (0, 0, 1)):
        with pytest.raises(ValueError, match="level"):
            tiles.jpeg(key, Look(), *place)


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles_module, "KEPT", 20000)
    tiles, keys = Tiles(), []
    for number in range(6):
        Image.fromarray(pixels(300, 300)).save(tmp_path / f"{number}.png")
        keys.append(tiles.key(tmp_path / f"{number}.png"))
        tiles.jpeg(keys[-1], Look(), 1, 0, 0)
    assert len(tiles._open) == tiles_module.MOST_OPEN
    assert sum(map(len, tiles._tiles.values())) == tiles._bytes <= 20000
    assert tiles.jpeg(keys[0], Look(), 1, 0, 0)  # a picture that was let go of is opened again
