# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The reader of slides: exact pixels, one grid for each spacing, parts that equal the whole, files that are no use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.files.images import load_image
from bundle.files.view import View
from bundle.slides.grid import Box, Grid
from bundle.slides.opening import open_slide_file
from bundle.slides.openslide_file import OpenSlideFile
from bundle.slides.pyramid import downsampling
from bundle.slides.reader import Slide
from transforms.resample import resample_image, resampled_size

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def image(files):
    return files.noise(300, 411, 3)


def as_float(image):
    """(H, W, C) of 8 bit to float (C, H, W)."""
    return torch.from_numpy(image).permute(2, 0, 1) / 255


@pytest.mark.parametrize(
    "options",
    [{"tile": (64, 48)}, {"tile": None, "rowsperstrip": 7, "compression": "zlib"}, {"tile": None}, {"bigtiff": 1}],
)
def test_pixels_are_exact_however_they_are_stored(files, image, tmp_path, options):
    options = dict(options)
    if options.pop("bigtiff", None):
        with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=True, byteorder=">") as tiff:
            tiff.write(image, tile=(64, 48), photometric="rgb")
    else:
        files.pyramid(tmp_path / "a.tif", image, **options)
    with Slide(tmp_path / "a.tif") as slide:
        assert slide.size == (300, 411)
        assert torch.equal(slide.read(0, 0, 411, 300), as_float(image))
        assert torch.equal(slide.read(30, 17, 101, 200), as_float(image)[:, 17:217, 30:131])


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000", "lzw"])
def test_compressions_of_slides_are_read(files, image, tmp_path, compression):
    pytest.importorskip("imagecodecs")
    files.pyramid(tmp_path / "a.tif", image, levels=2, compression=compression)
    with Slide(tmp_path / "a.tif") as slide, tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert torch.equal(slide.read(0, 0, 411, 300), as_float(tiff.pages[0].asarray()))


@pytest.mark.parametrize("kind", ["pyramid", "ome", "svs"])
def test_levels_and_spacing_of_each_kind_are_known(files, image, tmp_path, kind):
    path = tmp_path / "a.svs"
    if kind == "ome":
        files.ome(path, image, "YXS", 0.25, 3)
    else:
        getattr(files, kind)(path, image, 0.25, 3)
    with Slide(path) as slide:
        assert isinstance(slide._file, OpenSlideFile) == (kind == "svs")
        assert [level.size for level in slide._file.levels] == [(300, 411), (150, 205), (75, 102)]
        assert [level.step for level in slide._file.levels] == [(1, 1), (2, 2), (4, 4)]
        assert slide.mpp == pytest.approx(0.25)
        seen = slide.read(0, 0, 411, 300, 0.5)
    expected = as_float(files.half(image))  # the second level is 205 px wide, the grid 206
    assert seen.shape == (3, 150, 206)
    assert (seen[:, :, :100] - expected[:, :, :100]).abs().max() < 0.25  # steps differ: 411 / 206 is not 2
    assert (seen - resample_image(as_float(image), (150, 206))).abs().mean() < 0.03


@pytest.mark.parametrize("mpp", [0.25, 0.3, 0.5, 0.77, 1.9, 0.1])
def test_a_slide_without_levels_is_resampled_as_an_image_is(files, image, tmp_path, mpp):
    path = files.pyramid(tmp_path / "a.tif", image)
    size = resampled_size((300, 411), 0.25, mpp)
    with Slide(path) as slide:
        seen = slide.read(0, 0, 411, 300, mpp)
    expected = resample_image(load_image(path).image, size)
    torch.testing.assert_close(seen, expected, atol=1e-4, rtol=0)  # torch rounds places


@settings(max_examples=20)
@given(
    mpp=st.sampled_from([0.25, 0.31, 0.5, 0.9, 2.3]),
    columns=st.lists(st.integers(1, 410), max_size=3, unique=True),
    rows=st.lists(st.integers(1, 299), max_size=3, unique=True),
)
def test_a_region_equals_its_parts(stored, mpp, columns, rows):
    for path in stored:
        with Slide(path) as slide:
            whole = slide.read(0, 0, 411, 300, mpp)
            across = list(zip([0, *sorted(columns)], [*sorted(columns), 411], strict=True))
            down = list(zip([0, *sorted(rows)], [*sorted(rows), 300], strict=True))
            grid = slide.grid(mpp)
            parts = [
                torch.cat([read_or_nothing(slide, grid, x, y, end_x, end_y, mpp) for x, end_x in across], 2)
                for y, end_y in down
            ]
        assert torch.equal(torch.cat(parts, 1), whole)


def read_or_nothing(slide, grid, x, y, end_x, end_y, mpp):
    """Thin regions may hold no pixel of a coarse grid."""
    box = grid.region(x, y, end_x - x, end_y - y)
    if not box:
        return torch.zeros(3, box.height, box.width)
    return slide.read(x, y, end_x - x, end_y - y, mpp)


@pytest.fixture(scope="module")
def stored(files, image, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    return files.pyramid(folder / "a.tif", image, levels=3), files.svs(folder / "b.svs", image, 0.25, 2)


def test_a_large_read_is_made_of_parts_that_fit(files, tmp_path, monkeypatch):
    path = files.pyramid(tmp_path / "a.tif", files.noise(190, 230, 3))
    with Slide(path) as slide:
        whole = slide.read(0, 0, 230, 190, 0.6)
        monkeypatch.setattr("bundle.slides.reader.AT_ONCE", 50)
        assert torch.equal(slide.read(0, 0, 230, 190, 0.6), whole)
        slide._pieces.kept = 0
        assert torch.equal(slide.read(0, 0, 230, 190, 0.6), whole)


def test_places_go_to_the_grid_and_back():
    grid = Grid.at((700, 1001), 0.25, 0.5)
    assert grid.size == (350, 501)
    assert np.allclose(grid.to_slide([[-0.5, -0.5], [500.5, 349.5]]), [[-0.5, -0.5], [1000.5, 699.5]])  # edges
    points = np.array([[3.0, 8.5], [900.0, 0.0]])
    assert np.allclose(grid.to_slide(grid.to_grid(points)), points)
    assert grid.region(-50, 10, 5000, 20) == Box(0, 5, 501, 15)


@pytest.mark.parametrize(("full", "length", "step"), [(1003, 250, 4), (1003, 251, 4), (1000, 400, 2.5), (7, 7, 1)])
def test_levels_are_whole_factors_where_their_size_allows(full, length, step):
    assert downsampling(full, length) == step


def test_fluorescence_channels_and_16_bit(files, tmp_path):
    stack = np.stack([files.noise(140, 200, dtype=np.uint16, seed=seed) // (1 + seed) for seed in range(3)])
    path = files.ome(tmp_path / "a.ome.tif", stack, "CYX", levels=2)
    for channel in range(3):
        with Slide(path, channels=1, view=View(channel)) as slide:
            low, high = np.percentile(stack[channel], (0.1, 99.9))
            assert slide.window == pytest.approx((low, high))  # so small a slide is sampled as a whole
            expected = np.clip((stack[channel] - low) / (high - low), 0, 1)
            assert np.allclose(slide.read(0, 0, 200, 140)[0], expected, atol=1e-6)
            assert slide.read(0, 0, 200, 140, 0.5).shape == (1, 70, 100)
    with Slide(path, channels=1, view=View(1, intensity=(0, 1000))) as slide:
        assert np.allclose(slide.read(5, 6, 7, 8), np.clip(stack[1, 6:14, 5:12] / 1000, 0, 1))
    with pytest.raises(ValueError, match="has 3 channels: channel 3 is none of 0 to 2"):
        Slide(path, channels=1, view=View(3))


def test_samples_of_a_large_16_bit_slide_cover_it(files, tmp_path):
    image = np.zeros((2100, 300), np.uint16)
    image[-40:] = 1000
    path = files.pyramid(tmp_path / "a.tif", image, compression="zlib")
    with Slide(path, channels=1) as slide:
        assert slide.window[0] == 0 and slide.window[1] == 1000


def test_grey_and_colour_are_told_apart(files, image, tmp_path):
    colour, grey = files.pyramid(tmp_path / "a.tif", image), files.pyramid(tmp_path / "b.tif", image[..., 0])
    alike = files.pyramid(tmp_path / "c.tif", np.repeat(image[..., :1], 3, axis=2))
    with pytest.raises(ValueError, match="b.tif: 8-bit intensities, grey or fluorescence, where RGB is expected"):
        Slide(grey)
    several = files.ome(tmp_path / "d.ome.tif", np.zeros((4, 70, 90), np.uint16), "CYX")
    with pytest.raises(
        ValueError, match="d.ome.tif: has 4 channels .axes CYX.* --channel, 0 to 3, chooses it for a grey model"
    ):
        Slide(several)
    with Slide(colour, channels=1) as slide, pytest.raises(ValueError, match="a.tif: a colour image where grey"):
        slide.read(0, 0, 50, 50)
    with Slide(grey, channels=1) as one, Slide(alike, channels=1) as other:
        assert torch.equal(one.read(3, 4, 60, 70), other.read(3, 4, 60, 70))
        assert torch.equal(one.read(0, 0, 411, 300)[0], as_float(image)[0])


def test_dark_on_white_is_turned_round(files, image, tmp_path):
    path = files.pyramid(tmp_path / "a.tif", image[..., 0], photometric="miniswhite")
    with Slide(path, channels=1) as slide:
        assert torch.equal(slide.read(0, 0, 411, 300)[0], as_float(255 - image)[0])


def test_tiles_that_a_file_leaves_out_are_white(files, tmp_path):
    def tiles():
        yield np.full((64, 64, 3), 9, np.uint8)
        yield None

    path = tmp_path / "a.tif"
    tifffile.imwrite(path, tiles(), shape=(64, 128, 3), dtype=np.uint8, tile=(64, 64), photometric="rgb")
    with Slide(path) as slide:
        seen = slide.read(0, 0, 128, 64)
    assert (seen[:, :, 64:] == 1).all() and (seen[:, :, :64] < 0.1).all()


def test_an_overview_is_the_whole_slide(files, image, tmp_path):
    with Slide(files.pyramid(tmp_path / "a.tif", image, levels=2)) as slide:
        grid, seen = slide.overview(100)
        assert seen.shape == (3, 73, 100) and grid.size == (73, 100)
        assert (seen - resample_image(as_float(image), (73, 100))).abs().mean() < 0.03
        assert slide.overview(5000)[1].shape == (3, 300, 411)


def test_an_unknown_spacing_is_said_and_can_be_given(files, image, tmp_path):
    for path in (files.pyramid(tmp_path / "a.tif", image, None), files.svs(tmp_path / "b.svs", image, None)):
        with Slide(path) as slide:
            assert slide.mpp is None
            assert slide.read(0, 0, 20, 10).shape == (3, 10, 20)
            with pytest.raises(ValueError, match=f"{path.name}: does not say its um per px: give --mpp"):
                slide.read(0, 0, 20, 10, 0.5)
        with Slide(path, mpp=0.25) as slide:
            assert slide.read(0, 0, 20, 10, 0.5).shape == (3, 5, 10)


def test_a_region_beside_the_slide_is_refused(files, image, tmp_path):
    with Slide(files.pyramid(tmp_path / "a.tif", image)) as slide:
        assert slide.read(400, 290, 100, 100).shape == (3, 10, 11)
        with pytest.raises(ValueError, match="no pixel of its 411 x 300 px lies in the region at x 411, y 0"):
            slide.read(411, 0, 10, 10)


@pytest.mark.parametrize("kind", ["pyramid", "svs", "ome"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.97])
def test_a_slide_that_is_cut_short_is_told_at_once(files, image, tmp_path, kind, share, caplog):
    path = tmp_path / "a.svs"
    if kind == "ome":
        files.ome(path, image, "YXS", levels=2)
    else:
        getattr(files, kind)(path, image, levels=2)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"a\.svs: .*(cut short|no slide that|is empty)"):
        Slide(path)
    assert not caplog.records  # nothing of a library's beside it


def test_damaged_tiles_are_told_when_they_are_read(files, image, tmp_path):
    path = files.pyramid(tmp_path / "a.tif", image, compression="zlib")
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[-1]
    content = bytearray(path.read_bytes())
    content[start : start + 20] = b"\0" * 20
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.tif: cannot be decoded .*copy it again"):  # the last tile is tried first
        with Slide(path) as slide:
            slide.read(0, 0, 411, 300)


def test_a_damaged_tile_of_a_scanners_slide_is_told(files, image, tmp_path):
    path = files.svs(tmp_path / "a.svs", image)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["TileByteCounts"].overwrite([5] * len(tiff.pages[0].dataoffsets))
    with Slide(path) as slide, pytest.raises(ValueError, match=r"a\.svs: OpenSlide cannot read it"):
        slide.read(0, 0, 411, 300)


def test_files_of_other_kinds_are_refused(tmp_path, image):
    (tmp_path / "nothing.svs").write_bytes(b"")
    with pytest.raises(ValueError, match="nothing.svs: is empty"):
        Slide(tmp_path / "nothing.svs")
    with pytest.raises(FileNotFoundError, match="none.svs: no such slide"):
        Slide(tmp_path / "none.svs")
    (tmp_path / "a.svs").write_text("a slide")
    with pytest.raises(ValueError, match=r"a\.svs: no slide that OpenSlide or tifffile knows"):
        Slide(tmp_path / "a.svs")
    tifffile.imwrite(tmp_path / "b.tif", image.astype(np.float32), photometric="rgb")
    with pytest.raises(ValueError, match=r"b\.tif: its pixels are float32"):
        Slide(tmp_path / "b.tif")
    tifffile.imwrite(
        tmp_path / "c.tif", np.zeros((4, 50, 60), np.uint8), photometric="minisblack", metadata={"axes": "ZYX"}
    )
    with pytest.raises(ValueError, match=r"c\.tif: a stack"):
        Slide(tmp_path / "c.tif", channels=1)


def test_pieces_too_large_to_read_are_refused(files, image, tmp_path, monkeypatch):
    monkeypatch.setattr("bundle.slides.tiff_file.MOST_IN_PIECE", 100_000)
    path = files.pyramid(tmp_path / "a.tif", image, tile=None, rowsperstrip=300, compression="zlib")
    with pytest.raises(ValueError, match=r"a\.tif: is stored in pieces of 411 x 300 px.*save it tiled"):
        Slide(path)


def test_a_document_type_definition_in_ome_xml_is_refused(files, image, tmp_path):
    path = files.ome(tmp_path / "a.ome.tif", image, "YXS")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        said = tiff.pages[0].tags["ImageDescription"].value
        evil = '<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "b">]><OME' + said.partition("<OME")[2]
        tiff.pages[0].tags["ImageDescription"].overwrite(evil)
    with pytest.raises(ValueError, match="document type definition"):
        open_slide_file(path)


@pytest.mark.slow
def test_without_imagecodecs_a_compression_that_needs_it_is_named(files, image, tmp_path):
    pytest.importorskip("imagecodecs")
    files.pyramid(tmp_path / "jpeg.tif", image, compression="jpeg")  # OpenSlide reads this one
    files.pyramid(tmp_path / "jp2.tif", image, compression="jpeg2000")
    program = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from bundle.slides.reader import Slide\n"
        "with Slide(sys.argv[1]) as slide: print(slide.read(0, 0, 411, 300).mean().item())\n"
        "try: Slide(sys.argv[2])\nexcept ValueError as error: print(error)"
    )
    command = [sys.executable, "-c", program, tmp_path / "jpeg.tif", tmp_path / "jp2.tif"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    mean, message = done.stdout.strip().splitlines()
    assert float(mean) == pytest.approx(image.mean() / 255, abs=0.02)
    assert "jp2.tif: its compression needs the package imagecodecs: pip install imagecodecs" in message
