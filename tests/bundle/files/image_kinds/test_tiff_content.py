# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a TIFF file means, the same to who reads it whole and to who reads it in parts; what it does not say."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bundle.files.image_kinds.tiff_directories import open_tiff
from bundle.files.images import load_image, read_image
from bundle.files.labels import read_label
from bundle.files.view import View, parse_view
from bundle.slides.reader import Slide
from bundle.slides.tiff_file import TiffSlideFile

SIZE = (48, 64)  # H, W


def noise(*shape: int, dtype: str = "uint8") -> np.ndarray:
    rng = np.random.default_rng(len(shape))
    return rng.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def both(path: Path, view: View | None = None) -> np.ndarray:
    """(H, W, C) as the image loader reads it, after the slide reader has given the same."""
    whole = np.moveaxis(read_image(path, view).array, 0, -1)
    slide = TiffSlideFile(path, view)
    try:
        level = slide.levels[0]
        rows, columns = -(-level.size[0] // level.piece[0]), -(-level.size[1] // level.piece[1])
        parts = [[slide.piece(0, row, column) for column in range(columns)] for row in range(rows)]
        np.testing.assert_array_equal(np.concatenate([np.concatenate(row, 1) for row in parts]), whole)
        assert slide.samples == whole.shape[-1] and slide.dtype == whole.dtype
        assert slide.mpp == read_image(path, view).mpp
    finally:
        slide.close()
    return whole


def packed(path: Path, values: np.ndarray, bits: int, photometric: int) -> Path:
    """Grey of a few bits, by the letter of the standard: rows of packed samples, the first in the high bits."""
    rows = []
    for row in values:
        text = "".join(f"{value:0{bits}b}" for value in row)
        rows.append(int(text, 2).to_bytes(-(-len(text) // 8), "big"))
    data = b"".join(rows)
    tags = {256: values.shape[1], 257: values.shape[0], 258: bits, 259: 1, 262: photometric}
    tags |= {273: 8, 277: 1, 278: values.shape[0], 279: len(data)}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    path.write_bytes(head + data + struct.pack("<H", len(tags)) + directory + b"\0" * 4)
    return path


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("photometric", [0, 1])
def test_few_bits_are_spread_over_8_and_white_is_255(tmp_path, bits, photometric):
    top = (1 << bits) - 1
    values = np.arange(48).reshape(6, 8) % (top + 1)
    expected = values * (255 // top)
    found = both(packed(tmp_path / "a.tif", values, bits, photometric))
    np.testing.assert_array_equal(found[..., 0], expected if photometric else 255 - expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_ids_of_few_bits_stay_ids(tmp_path, bits):
    values = np.zeros((6, 8), int)
    values[1:3, 1:3] = 1
    assert read_label(packed(tmp_path / "a.tif", values, bits, 1)).numpy()[0].tolist() == values.tolist()


def test_palettes_of_16_and_of_8_bit_entries_are_the_same_colours(tmp_path):
    colours = np.stack([np.arange(256), 255 - np.arange(256), np.full(256, 7)]).astype(np.uint16)
    indices = noise(*SIZE)
    for name, entries in (("standard", colours * 257), ("shifted", colours * 256), ("old", colours)):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, indices, photometric="palette", colormap=entries)
        np.testing.assert_array_equal(both(path), colours.T[indices], err_msg=name)


def test_a_label_with_a_palette_holds_its_indices(tmp_path):
    ids = np.zeros(SIZE, np.uint8)
    ids[3:6, 3:6], ids[10:20, 30:40] = 9, 200
    tifffile.imwrite(tmp_path / "a.tif", ids, photometric="palette", colormap=noise(3, 256, dtype="uint16"))
    label = read_label(tmp_path / "a.tif")
    assert label.max() == 2 and label[0, 4, 4] == 1 and label[0, 15, 35] == 2


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_samples_of_a_kind_that_is_not_stated_are_refused_until_it_is(tmp_path, planar, count):
    array = noise(*SIZE, count)
    stored = array if planar == "contig" else array.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack", planarconfig=planar)
    for read in (read_image, TiffSlideFile):
        with pytest.raises(ValueError, match=rf"a\.tif: has {count} channels .*--channel, 0 to {count - 1}"):
            read(tmp_path / "a.tif")
    for channel in range(count):
        np.testing.assert_array_equal(
            both(tmp_path / "a.tif", View(channel)), array[..., channel : channel + 1], err_msg=str(channel)
        )
    if count >= 3:
        np.testing.assert_array_equal(both(tmp_path / "a.tif", View("rgb")), array[..., :3])


def test_a_fourth_sample_counts_as_opacity_only_where_it_is_declared(tmp_path):
    array = noise(*SIZE, 4)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(both(tmp_path / "a.tif"), array[..., :3])
    tifffile.imwrite(tmp_path / "b.tif", array, photometric="rgb", extrasamples=["unspecified"])
    with pytest.raises(ValueError, match=r"b\.tif: has 4 channels .*three declared as RGB and others"):
        read_image(tmp_path / "b.tif")
    np.testing.assert_array_equal(both(tmp_path / "b.tif", View("rgb")), array[..., :3])


def test_colours_in_separate_planes(tmp_path):
    planes = noise(3, *SIZE)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate", tile=(16, 16))
    np.testing.assert_array_equal(both(tmp_path / "a.tif"), planes.transpose(1, 2, 0))


@pytest.mark.parametrize("options", [{"imagej": True}, {"ome": True}])
def test_channels_as_pages_are_named_by_their_axis(tmp_path, options):
    stack = noise(3, *SIZE)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", metadata={"axes": "CYX"}, **options)
    with pytest.raises(ValueError, match=r"has 3 channels \(axes CYX\).*--channel rgb takes the first three"):
        read_image(path)
    np.testing.assert_array_equal(both(path, View("rgb")), stack.transpose(1, 2, 0))
    np.testing.assert_array_equal(both(path, View(2))[..., 0], stack[2])


@pytest.mark.parametrize(("names", "is_rgb"), [("R G B", True), ("red green blue", True), ("DAPI FITC Cy5", False)])
def test_three_channels_are_one_picture_where_their_names_say_so(tmp_path, names, is_rgb):
    stack = noise(3, *SIZE)
    metadata = {"axes": "CYX", "Channel": {"Name": names.split()}}
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, photometric="minisblack", metadata=metadata)
    if is_rgb:
        np.testing.assert_array_equal(both(tmp_path / "a.ome.tif"), stack.transpose(1, 2, 0))
        assert names.split()[0] in read_image(tmp_path / "a.ome.tif").notes[-1]  # what is guessed is said
    else:
        with pytest.raises(ValueError, match="3 channels .axes CYX, named DAPI, FITC, Cy5"):
            read_image(tmp_path / "a.ome.tif")


@pytest.mark.parametrize("axes", ["ZYX", "TYX", "ZCYX", "TZCYX"])
def test_stacks_name_their_axes_and_give_the_plane_that_is_asked_for(tmp_path, axes):
    lengths = {"T": 2, "Z": 3, "C": 2}
    shape = [lengths[axis] for axis in axes[:-2]]
    stack = noise(*shape, *SIZE)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", metadata={"axes": axes}, ome=True)
    planes = stack.reshape(-1, lengths["C"], *SIZE)[:, 1] if "C" in axes else stack.reshape(-1, *SIZE)
    with pytest.raises(ValueError, match=rf"a stack of {len(planes)} images .*axes {axes}.*--plane, 0 to"):
        read_image(tmp_path / "a.tif")
    for plane, expected in enumerate(planes):
        view = View(1 if "C" in axes else None, plane)
        np.testing.assert_array_equal(both(tmp_path / "a.tif", view)[..., 0], expected, err_msg=str(plane))
    with pytest.raises(ValueError, match=rf"has no plane {len(planes)} .*planes are 0 to {len(planes) - 1}"):
        read_image(tmp_path / "a.tif", View(plane=len(planes)))


def test_a_stack_that_one_directory_describes_is_a_stack(tmp_path):
    """ImageJ writes large stacks so: one directory, then all planes one after the other."""
    stack, path = noise(3, *SIZE), tmp_path / "a.tif"
    description = "ImageJ=1.53t\nimages=3\nslices=3\nloop=false\n"
    tifffile.imwrite(path, stack[0], description=description, metadata=None)
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[0]
    data = path.read_bytes()
    path.write_bytes(data[:start] + stack.tobytes())
    with pytest.raises(ValueError, match=r"a\.tif: a stack of 3 images \(3 slices; axes ZYX\)"):
        read_image(path)
    for plane in range(3):
        np.testing.assert_array_equal(both(path, View(plane=plane))[..., 0], stack[plane])


@pytest.mark.parametrize("unit", ["um", "micron", "microns", "micrometer", "micrometers", "\\u00B5m"])
def test_imagej_units(tmp_path, unit):
    tifffile.imwrite(tmp_path / "a.tif", noise(*SIZE), imagej=True, resolution=(4, 4), metadata={"unit": unit})
    assert read_image(tmp_path / "a.tif").mpp == 0.25


def test_a_unit_that_nobody_knows_is_said(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", noise(*SIZE), imagej=True, resolution=(4, 4), metadata={"unit": "parsnips"})
    read = read_image(tmp_path / "a.tif")
    assert read.mpp is None and "'parsnips' is no length" in read.notes[0]


@pytest.mark.parametrize(("size", "unit", "mpp"), [(0.5, "\u00b5m", 0.5), (250, "nm", 0.25), (3e-4, "mm", 0.3)])
def test_ome_sizes(tmp_path, size, unit, mpp):
    sizes = {"PhysicalSizeX": size, "PhysicalSizeXUnit": unit, "PhysicalSizeY": size, "PhysicalSizeYUnit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", noise(*SIZE, 3), photometric="rgb", metadata={"axes": "YXS", **sizes})
    assert read_image(tmp_path / "a.ome.tif").mpp == pytest.approx(mpp)
    both(tmp_path / "a.ome.tif")


def test_ome_pixels_that_are_not_square_are_refused(tmp_path):
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
    tifffile.imwrite(tmp_path / "a.ome.tif", noise(*SIZE), metadata={"axes": "YX", **sizes})
    for read in (read_image, TiffSlideFile):
        with pytest.raises(ValueError, match=r"a\.ome\.tif: pixels are not square \(0\.5 x 0\.25 um by its OME-XML\)"):
            read(tmp_path / "a.ome.tif")


def test_two_images_of_like_size_are_refused_and_a_small_one_beside_is_noted(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(noise(*SIZE, 3), photometric="rgb")
        tiff.write(noise(40, 60, 3), photometric="rgb")
    with pytest.raises(ValueError, match=r"holds 2 images \(64 x 48, 60 x 40 px\)"):
        read_image(tmp_path / "a.tif")
    with tifffile.TiffWriter(tmp_path / "b.tif") as tiff:
        tiff.write(noise(*SIZE, 3), photometric="rgb")
        tiff.write(noise(10, 11, 3), photometric="rgb")
    assert "1 other pictures" in read_image(tmp_path / "b.tif").notes[0]


def test_a_mask_of_opacity_beside_the_picture_is_no_second_picture(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(noise(*SIZE, 3), photometric="rgb")
        tiff.write(noise(*SIZE) > 9, photometric="minisblack", subfiletype=4)
    np.testing.assert_array_equal(both(tmp_path / "a.tif"), noise(*SIZE, 3))


def test_frames_of_rgb_are_planes(tmp_path):
    stack = noise(2, *SIZE, 3)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="rgb", metadata=None)
    with pytest.raises(ValueError, match="a stack of 2 images .2 pages; axes IYXS"):
        read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(both(tmp_path / "a.tif", View(plane=1)), stack[1])


def test_12_bits_packed_in_a_row_are_white_at_4095(tmp_path):
    values = np.array([[0, 4095, 2048, 1]] * 3)
    found = read_image(packed(tmp_path / "a.tif", values, 12, 1))
    assert found.array.tolist() == [values.tolist()] and found.bits == 12
    assert load_image(tmp_path / "a.tif", 1).image.max() == 1


def directories(*offsets: int, big: bool = False) -> bytes:
    """A file of empty directories, each of which names the next."""
    if big:
        head, body = b"II+\0" + struct.pack("<HHQ", 8, 0, 16), "<QQ"
    else:
        head, body = b"II*\0" + struct.pack("<I", 8), "<HI"
    return head + b"".join(struct.pack(body, 0, offset) for offset in offsets)


@pytest.mark.parametrize(
    "content", [directories(8), directories(14, 8), directories(14, 20, 14), directories(16, big=True)]
)
def test_directories_that_form_a_loop_are_named_at_once(tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    for read in (read_image, TiffSlideFile, open_tiff):
        with pytest.raises(ValueError, match=r"a\.tif: its directories form a loop"):
            read(tmp_path / "a.tif")


def test_a_view_is_typed_as_text():
    assert parse_view() == View()
    assert parse_view("2", 1, "100,4095") == View(2, 1, (100, 4095))
    assert parse_view("RGB").channel == "rgb"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (("-1",), "channel is -1"),
        (("red",), "channel is red"),
        ((None, -1), "plane is -1"),
        ((None, None, "5"), "intensity is '5': give two"),
        ((None, None, "9,3"), "intensity is 9,3, which has no width"),
        ((None, None, "a,b"), "intensity is 'a,b': give two"),
    ],
)
def test_views_that_make_no_sense_are_named(typed, message):
    with pytest.raises(ValueError, match=message):
        parse_view(*typed)


@pytest.mark.parametrize("scale", [257, 256, 1])
def test_palettes_of_one_bit(tmp_path, scale):
    """A TIFF of one bit with a palette: tifffile writes none, so it is put together by hand."""
    colours = np.array([[10, 20, 30], [200, 150, 100]])
    indices = np.arange(16 * 8).reshape(8, 16) % 3 == 0
    data = np.packbits(indices, axis=1).tobytes()
    entries = [(256, 4, 16), (257, 4, 8), (258, 3, 1), (259, 3, 1), (262, 3, 3), (273, 4, 146), (277, 3, 1)]
    entries += [(278, 4, 8), (279, 4, len(data)), (320, 3, None)]
    directory = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        count = 6 if value is None else 1
        directory += struct.pack("<HHII", tag, kind, count, 134 if value is None else value)
    palette = struct.pack("<6H", *(colours.T * scale).ravel().tolist())
    content = b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + palette + data
    assert len(content) == 146 + len(data)
    (tmp_path / "a.tif").write_bytes(content)
    expected = colours[indices.astype(int)].transpose(2, 0, 1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, expected)
    with Slide(tmp_path / "a.tif") as slide:
        np.testing.assert_array_equal((slide.read_box(slide.grid(), slide.grid().box) * 255).round().numpy(), expected)


@pytest.mark.parametrize(
    ("unit", "size", "mpp", "said"),
    [
        ("dm", 2.5e-6, 0.25, ""),
        ("km", 2.5e-10, 0.25, ""),
        ("thou", 0.25 / 25.4, 0.25, ""),
        ("furlong", 1, None, "'furlong'"),
    ],
)
def test_ome_names_any_unit_of_length_and_others_are_said(tmp_path, unit, size, mpp, said):
    metadata = {"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeXUnit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((8, 8), np.uint8), metadata=metadata)
    found = read_image(tmp_path / "a.ome.tif")
    assert found.mpp == pytest.approx(mpp) if mpp else found.mpp is None
    assert said in " ".join(found.notes) and bool(said) == bool(found.notes)


def test_imagejs_unit_along_y_counts(tmp_path):
    text = "ImageJ=1.54f\nunit=um\nyunit=mm\n"
    tags = {"resolution": (4, 4), "resolutionunit": 1, "description": text, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8), **tags)
    with pytest.raises(ValueError, match=r"a\.tif: pixels are not square \(0\.25 x 250 um"):
        read_image(tmp_path / "a.tif")
