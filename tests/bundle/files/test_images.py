# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The image loader: values of every kind of file, and what it refuses. PNGs are written by hand, TIFFs by tifffile."""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path

import itk
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bundle.files.image_kinds.intensities import to_float
from bundle.files.images import load_image, read_image

GREY, COLOUR, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 4, 6  # colour types of the PNG standard


def write_png(path: Path, array: np.ndarray, colour_type: int) -> Path:
    """A PNG by the letter of the standard: (H, W, S) of uint8 or uint16, no filter, one chunk of data."""
    depth = array.dtype.itemsize * 8
    rows = array.astype(array.dtype.newbyteorder(">"))
    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


def noise(samples: int, dtype: str = "uint16", size: tuple[int, int] = (40, 50)) -> np.ndarray:
    rng = np.random.default_rng(samples)
    return rng.integers(0, np.iinfo(dtype).max + 1, (*size, samples)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(("colour_type", "samples"), [(GREY, 1), (COLOUR, 3), (GREY_ALPHA, 2), (COLOUR_ALPHA, 4)])
def test_png_is_exact_and_alpha_is_dropped_with_a_note(tmp_path, caplog, dtype, colour_type, samples):
    array = noise(samples, dtype)
    with caplog.at_level(logging.INFO):
        read = read_image(write_png(tmp_path / "a.png", array, colour_type))
    colours = samples - (samples in (2, 4))
    assert read.array.dtype == dtype
    np.testing.assert_array_equal(read.array, array[..., :colours].transpose(2, 0, 1))
    assert read.mpp is None
    assert bool(read.notes) == (samples in (2, 4)) == ("transparency" in caplog.text)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("samples", [1, 3, 4])
@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zlib", "predictor": True}, {"tile": (32, 32), "compression": "zlib"}, {"byteorder": ">"}],
)
def test_tiff_is_exact(tmp_path, dtype, samples, options):
    array = noise(samples, dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, array if samples > 1 else array[..., 0], photometric="rgb" if samples > 1 else "minisblack", **options
    )
    read = read_image(path)
    np.testing.assert_array_equal(read.array, array[..., : min(samples, 3)].transpose(2, 0, 1))
    assert read.array.dtype == dtype and read.mpp is None


def test_tiff_in_planes_is_exact(tmp_path):
    planes = noise(3).transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, planes)


def test_compressed_tiff_is_exact_whatever_decodes_it(tmp_path):
    """LZW is left by tifffile to a package that may be missing; Pillow and ITK then stand in."""
    colour, deep_grey, deep_colour = noise(3, "uint8"), noise(1)[..., 0], noise(3)
    Image.fromarray(colour).save(tmp_path / "colour.tif", compression="tiff_lzw")
    Image.fromarray(deep_grey).save(tmp_path / "deep_grey.tif", compression="tiff_lzw")
    writer = itk.ImageFileWriter[itk.VectorImage[itk.US, 2]].New()
    vectors = itk.VectorImage[itk.US, 2].New()
    vectors.SetRegions([50, 40])
    vectors.SetNumberOfComponentsPerPixel(3)
    vectors.Allocate()
    itk.array_view_from_image(vectors)[:] = deep_colour
    io = itk.TIFFImageIO.New()
    io.SetCompressionToLZW()
    writer.SetImageIO(io)
    writer.SetInput(vectors)
    writer.SetUseCompression(True)
    writer.SetFileName(str(tmp_path / "deep_colour.tif"))
    writer.Update()
    for name, array in (("colour", colour), ("deep_grey", deep_grey[..., None]), ("deep_colour", deep_colour)):
        with tifffile.TiffFile(tmp_path / f"{name}.tif") as tiff:
            assert tiff.pages[0].compression.name == "LZW", name
        np.testing.assert_array_equal(
            read_image(tmp_path / f"{name}.tif").array, array.transpose(2, 0, 1), err_msg=name
        )


def lzw(data: bytes) -> bytes:
    """LZW as TIFF has it, without compressing: 9-bit codes of single bytes, the table cleared (256) before it grows."""
    codes = [code for start in range(0, len(data), 200) for code in (256, *data[start : start + 200])] + [257]
    bits = "".join(f"{code:09b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def test_a_compression_that_itk_would_cut_to_8_bit_is_exact_or_refused(tmp_path):
    array = noise(3, size=(32, 32))
    tile = {"tile": (32, 32), "compression": "zlib", "photometric": "rgb"}
    tifffile.imwrite(tmp_path / "a.tif", iter([lzw(array.tobytes())]), shape=array.shape, dtype=array.dtype, **tile)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tiff:
        tiff.pages[0].tags["Compression"].overwrite(5)
    cut = itk.array_from_image(itk.imread(str(tmp_path / "a.tif")))  # (32, 32, 4): a sound file, cut by ITK
    assert cut.dtype == np.uint8
    assert np.abs(cut[..., :3] - array / 257).max() < 1
    try:
        read = read_image(tmp_path / "a.tif")
    except ValueError as error:
        assert "a.tif: cannot be decoded" in str(error) and "pip install imagecodecs" in str(error)
    else:
        np.testing.assert_array_equal(read.array, array.transpose(2, 0, 1))


def test_jpeg_grey_and_colour(tmp_path):
    ramp = np.tile(np.arange(0, 250, 5, dtype=np.uint8), (40, 1))  # (40, 50)
    Image.fromarray(ramp).save(tmp_path / "grey.jpg", quality=95)
    Image.fromarray(np.stack([ramp, ramp // 2, 255 - ramp], -1)).save(
        tmp_path / "colour.jpeg", quality=95, subsampling=0
    )
    assert np.abs(read_image(tmp_path / "grey.jpg").array[0].astype(int) - ramp).max() <= 4
    colour = read_image(tmp_path / "colour.jpeg").array.astype(int)
    assert colour.shape == (3, 40, 50)
    assert np.abs(colour - np.stack([ramp, ramp // 2, 255 - ramp]).astype(int)).max() <= 8


def test_palettes_become_their_colours(tmp_path):
    palette = [10, 20, 30, 200, 100, 0, 7, 8, 9]
    indices = np.array([[0, 1], [2, 1]], np.uint8)
    image = Image.new("P", (2, 2))
    image.putpalette(palette)
    image.putdata(indices.ravel().tolist())
    expected = np.array(palette).reshape(3, 3)[indices].transpose(2, 0, 1)
    for name in ("a.png", "a.tif"):
        image.save(tmp_path / name)
        np.testing.assert_array_equal(read_image(tmp_path / name).array, expected, err_msg=name)


def test_grey_that_counts_from_white_is_turned_round(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 1], [254, 255]], np.uint8), photometric="miniswhite")
    assert read_image(tmp_path / "a.tif").array.tolist() == [[[255, 254], [1, 0]]]


def test_bilevel_is_black_and_white(tmp_path):
    Image.fromarray(np.eye(9, dtype=bool)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array[0], 255 * np.eye(9))


def test_the_content_decides_and_not_the_name(tmp_path):
    array = noise(3)
    write_png(tmp_path / "a.png", array, COLOUR).rename(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, array.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("resolution", "unit", "mpp"),
    [
        ((40_000, 40_000), "CENTIMETER", 0.25),
        ((50_800, 50_800), "INCH", 0.5),
        ((40_064.1, 40_064.1), "CENTIMETER", 0.2496),
    ],
)
def test_mpp_of_resolution_tags_agrees_with_itk(tmp_path, resolution, unit, mpp):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(1, "uint8")[..., 0], resolution=resolution, resolutionunit=unit)
    found = read_image(path).mpp
    assert found == pytest.approx(mpp, rel=1e-6)
    assert found == pytest.approx(1000 * itk.imread(str(path)).GetSpacing()[0], rel=1e-6)  # ITK counts in mm


def test_absent_and_unitless_resolution_is_unknown_and_not_one(tmp_path):
    array = noise(1, "uint8")[..., 0]
    Image.fromarray(array).save(tmp_path / "absent.tif")
    with tifffile.TiffFile(tmp_path / "absent.tif") as tiff:
        assert "XResolution" not in tiff.pages[0].tags
    assert itk.imread(str(tmp_path / "absent.tif")).GetSpacing()[0] == 1  # what must not be believed
    tifffile.imwrite(tmp_path / "unitless.tif", array, resolution=(4, 4), resolutionunit="NONE")
    assert read_image(tmp_path / "absent.tif").mpp is None
    assert read_image(tmp_path / "unitless.tif").mpp is None


@pytest.mark.parametrize("unit", ["micron", "um", "\\u00B5m"])
def test_imagej_micrometres_are_honoured(tmp_path, unit):
    tifffile.imwrite(tmp_path / "a.tif", noise(1)[..., 0], imagej=True, resolution=(4, 4), metadata={"unit": unit})
    assert read_image(tmp_path / "a.tif").mpp == pytest.approx(0.25)


def test_a_printers_resolution_is_not_believed(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", noise(1)[..., 0], resolution=(72, 72), resolutionunit="INCH")
    read = read_image(tmp_path / "a.tif")
    assert read.mpp is None and "352.778 um per px ignored" in read.notes[0]


def test_reduced_copies_inside_a_tiff_are_left_aside(tmp_path):
    array = noise(3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(array, photometric="rgb")
        tiff.write(array[::2, ::2], photometric="rgb", subfiletype=1)
    read = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.array, array.transpose(2, 0, 1))
    assert read.notes


def tiff_of(**options):
    return lambda path: tifffile.imwrite(path, **options)


def several_in(path: Path, kind: str, others: list[Image.Image]) -> None:
    Image.fromarray(noise(3, "uint8")).save(path, kind, save_all=True, append_images=others)


def animated_png(path: Path) -> None:
    several_in(path, "PNG", [Image.new("RGB", (50, 40))])


def stereo_jpeg(path: Path) -> None:
    several_in(path, "MPO", [Image.new("RGB", (50, 40))])


def turned_jpeg(path: Path) -> None:
    image = Image.fromarray(noise(3, "uint8"))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, "JPEG", exif=exif)


BAD = {
    "2 channels": (tiff_of(data=noise(2), photometric="minisblack", planarconfig="contig"), "has 2 channels"),
    "5 channels": (tiff_of(data=noise(5), photometric="minisblack", planarconfig="contig"), "has 5 channels"),
    "float": (tiff_of(data=np.ones((9, 9), np.float32)), "pixels are float32"),
    "signed": (tiff_of(data=np.ones((9, 9), np.int16)), "pixels are int16"),
    "stack": (tiff_of(data=np.ones((5, 9, 9), np.uint8), photometric="minisblack"), "stack of 5 images"),
    "oblong": (
        tiff_of(data=noise(1)[..., 0], resolution=(40_000, 20_000), resolutionunit="CENTIMETER"),
        "not square .0.25 x 0.5 um",
    ),
    "turned tiff": (tiff_of(data=noise(1)[..., 0], extratags=[(274, "H", 1, 6, True)]), "orientation tag is 6"),
    "animated png": (animated_png, "holds several pictures"),
    "stereo jpeg": (stereo_jpeg, "holds several pictures"),
    "turned jpeg": (turned_jpeg, "orientation tag is 6"),
    "print colours": (lambda path: Image.new("CMYK", (9, 9)).save(path, "JPEG"), "colours are CMYK"),
    "text": (lambda path: path.write_text("x,y\n1,2\n"), "no PNG, TIFF or JPEG"),
    "nothing": (lambda path: path.write_bytes(b""), "no PNG, TIFF or JPEG"),
    "only a head": (lambda path: path.write_bytes(b"II*\0"), "damaged|no image"),
}


@pytest.mark.parametrize("kind", BAD)
def test_refuses_and_names_the_file(tmp_path, kind):
    write, message = BAD[kind]
    path = tmp_path / "bad file.tif"
    write(path)
    with pytest.raises(ValueError, match=message) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("cut", [False, True])  # and as programs leave it that write the file again
def test_the_preview_in_a_jpeg_of_a_camera_is_left_aside(tmp_path, cut):
    several_in(tmp_path / "a.jpg", "MPO", [Image.fromarray(noise(3, "uint8", (18, 20)))])
    Image.fromarray(noise(3, "uint8")).save(tmp_path / "plain.jpg", "JPEG")
    whole = (tmp_path / "a.jpg").read_bytes()
    start = whole.rindex(b"\xff\xd8\xff")  # of the preview
    (tmp_path / "a.jpg").write_bytes(whole[:start] if cut else whole)
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").array, read_image(tmp_path / "plain.jpg").array)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.png: no such file"):
        read_image(tmp_path / "gone.png")


@pytest.mark.parametrize("keep", [0.02, 0.4, 0.97])
@pytest.mark.parametrize("kind", ["png8", "png16", "tiff", "tiff_zlib", "tiff_lzw", "jpeg"])
def test_a_file_cut_short_is_refused_by_name(tmp_path, kind, keep):
    whole = tmp_path / "whole"
    small, deep = noise(3, "uint8"), noise(3)
    write = {
        "png8": lambda: write_png(whole, small, COLOUR),
        "png16": lambda: write_png(whole, deep, COLOUR),
        "tiff": lambda: tifffile.imwrite(whole, deep, photometric="rgb"),
        "tiff_zlib": lambda: tifffile.imwrite(whole, deep, photometric="rgb", compression="zlib"),
        "tiff_lzw": lambda: Image.fromarray(small).save(whole, "TIFF", compression="tiff_lzw"),
        "jpeg": lambda: Image.fromarray(small).save(whole, "JPEG"),
    }
    write[kind]()
    data = whole.read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ValueError, match=r"cut\.png: (cannot be decoded|holds no image)"):
        read_image(tmp_path / "cut.png")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_damaged_png_is_refused_by_name(tmp_path, dtype):
    path = write_png(tmp_path / "a.png", noise(3, dtype), COLOUR)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.png: cannot be decoded"):
        read_image(path)


def test_eight_bit_is_divided_by_255():
    image, window = to_float(np.array([[[0, 51, 255]]], np.uint8))
    assert image.dtype == torch.float32 and window == (0, 255)
    torch.testing.assert_close(image, torch.tensor([[[0, 0.2, 1]]]))


def test_a_kept_window_scales_another_image_alike():
    first, window = to_float(np.array([[[100, 1100]]], np.uint16), window=(100, 1100))
    second, again = to_float(np.array([[[600, 5000]]], np.uint16), window=window)
    assert again == window == (100, 1100)
    assert second.tolist() == [[[0.5, 1.0]]] and first.tolist() == [[[0.0, 1.0]]]


def test_a_blank_deep_image_keeps_its_level():
    image, window = to_float(np.full((1, 4, 4), 13107, np.uint16))
    assert window == (0, 65535)
    torch.testing.assert_close(image, torch.full((1, 4, 4), 0.2))


def test_to_float_refuses_other_types_and_empty_windows():
    with pytest.raises(ValueError, match="pixels are float64"):
        to_float(np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match="has no width"):
        to_float(np.zeros((1, 2, 2), np.uint16), window=(5, 5))


def test_channels_are_those_configured(tmp_path):
    grey, colour = noise(1, "uint8"), noise(3, "uint8")
    write_png(tmp_path / "grey.png", grey, GREY)
    write_png(tmp_path / "colour.png", colour, COLOUR)
    write_png(tmp_path / "grey_as_rgb.png", np.repeat(grey, 3, 2), COLOUR)
    assert load_image(tmp_path / "grey.png", channels=1).image.shape == (1, 40, 50)
    assert load_image(tmp_path / "colour.png").image.shape == (3, 40, 50)
    assert load_image(tmp_path / "grey_as_rgb.png").image.shape == (3, 40, 50)
    torch.testing.assert_close(
        load_image(tmp_path / "grey_as_rgb.png", 1).image, load_image(tmp_path / "grey.png", 1).image
    )
    with pytest.raises(
        ValueError, match=r"grey\.png: a grey image where RGB is configured .* --variant grey \(channels 1\)"
    ):
        load_image(tmp_path / "grey.png")
    with pytest.raises(
        ValueError, match=r"colour\.png: a colour image where grey is configured .* without --variant grey"
    ):
        load_image(tmp_path / "colour.png", channels=1)
    with pytest.raises(ValueError, match="channels is 4"):
        load_image(tmp_path / "colour.png", channels=4)


def test_a_stated_mpp_goes_before_the_tags(tmp_path, caplog):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(3), photometric="rgb", resolution=(40_000, 40_000), resolutionunit="CENTIMETER")
    assert load_image(path).mpp == 0.25
    assert load_image(path, mpp=0.251).mpp == 0.251 and not caplog.text
    assert load_image(path, mpp=0.5).mpp == 0.5 and "its tags say 0.25 um per px; the stated 0.5 is used" in caplog.text
    for bad in (0, -1, 250, float("nan"), float("inf"), "0.25"):
        with pytest.raises(ValueError, match="give um .not nm. per px as a positive number"):
            load_image(path, mpp=bad)
