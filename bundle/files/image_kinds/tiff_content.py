# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a TIFF file means: one flat picture, grey or RGB, in one or several levels; read whole or in parts alike.

Axes, channels, samples, bits, palette, photometric and spacing are settled here, for images and for slides. What the
file does not say is asked for (`View`) or refused, and never told from a count: four samples are not RGBA because they
are four, and three channels are not RGB because they are three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import TiffFile, TiffPage, TiffPageSeries

from ..view import RGB, View
from .ome import Ome, read_ome
from .raster import SIDE_SHARE, UPRIGHT, ImageFileError, refuse_turned
from .spacing import NO_LENGTH, one_spacing, um_of_unit

MINISWHITE, MINISBLACK, RGB_SAMPLES, PALETTE, YCBCR = 0, 1, 2, 3, 6  # PhotometricInterpretation
JPEG_COMPRESSIONS = (6, 7)
SEPARATE = 2  # PlanarConfiguration: a plane for each sample
ALPHA = (1, 2)  # ExtraSamples: opacity, associated or not
SAID_BY = "its resolution tags"
UM_PER_UNIT = {2: 25_400.0, 3: 10_000.0}  # ResolutionUnit: inch, centimetre
SIDE_PICTURES = ("label", "macro", "thumbnail", "overview", "preview")  # how scanners name what is not the slide
AXES = {"Z": "slices", "T": "frames", "C": "channels", "I": "pages", "Q": "pages"}


@dataclass(frozen=True)
class Part:
    """Where samples of a picture lie: a page, which of the planes stored in it, and which of its samples count."""

    page: TiffPage
    plane: int
    samples: slice


@dataclass(frozen=True)
class TiffContent:
    """One flat picture."""

    levels: tuple[tuple[Part, ...], ...]  # finest first; the parts of a level side by side are its samples
    samples: int  # of a pixel as it is shown: 1 (grey) or 3 (RGB)
    mpp: float | None  # um per px of the finest level, None = unknown
    bits: int | None  # of a sample, where fewer count than are stored
    notes: tuple[str, ...]  # what in the file was left aside, and what was taken for granted

    @property
    def page(self) -> TiffPage:
        """The first page of the finest level."""
        return self.levels[0][0].page


def read_content(path: Path, tiff: TiffFile, view: View) -> TiffContent:
    """What a file means.

    Args:
        path: the file, for messages.
        tiff: opened, by `open_tiff`.
        view: which channel and plane are meant.

    Raises:
        ValueError: no image, several, a stack, several channels, samples of unknown kind, a colour space other than
            grey and RGB, turned, or pixels that are not square: whatever the view does not settle.
    """
    ome = read_ome(tiff.ome_metadata or "") if tiff.is_ome else Ome()  # before tifffile, which would expand entities
    if not tiff.series:
        raise ImageFileError(f"{path}: holds no image: copy or export it again")
    series, notes = tiff.series[0], _side_pictures(path, tiff.series)
    plane = _plane_number(path, series, view)
    page = _page(path, series, plane, 0)[0]
    refuse_turned(path, _tag(page, "Orientation", UPRIGHT))
    chosen, said = _samples(path, series, page, view, ome)
    levels = tuple(_parts(path, level, plane, chosen) for level in series.levels)
    if len(levels) > 1:
        notes.append(f"{len(levels) - 1} reduced copies inside the file")
    mpp, doubt = _tagged_spacing(path, tiff, page, ome)
    samples = 3 if len(chosen) == 3 or (page.photometric == PALETTE) else 1
    return TiffContent(levels, samples, mpp, _bits(page, ome), (*notes, *said, *doubt))


def shown(page: TiffPage, stored: np.ndarray) -> np.ndarray:
    """Stored samples (h, w, S) as they are shown: palette resolved, bright is high, fewer than 8 bits spread over 8."""
    if page.photometric == PALETTE and page.colormap is not None:
        indices = stored[..., 0]
        return _colours(page.colormap)[indices.view(np.uint8) if indices.dtype == bool else indices]
    if stored.dtype.kind not in "ub":
        return stored
    bits = page.bitspersample
    top = (1 << bits) - 1
    values = stored.astype(np.uint8) if stored.dtype.kind == "b" else stored
    if page.photometric == MINISWHITE:
        values = (top - values).astype(values.dtype)
    return ((values.astype(np.uint16) * 255 + top // 2) // top).astype(np.uint8) if bits < 8 else values


def is_rgb(page: TiffPage) -> bool:
    """Whether the samples of a pixel are declared as red, green and blue."""
    is_jpeg = page.photometric == YCBCR and page.compression in JPEG_COMPRESSIONS
    return page.samplesperpixel >= 3 and (page.photometric == RGB_SAMPLES or is_jpeg)


def _colours(colormap: np.ndarray) -> np.ndarray:
    """A colour map (3, n) as uint8 (n, 3); its entries have 16 bits, and of old programs 8, as libtiff tells them."""
    entries = np.moveaxis(colormap, 0, -1)
    return (entries if entries.max(initial=0) < 256 else entries >> 8).astype(np.uint8)


def _side_pictures(path: Path, series: Sequence[TiffPageSeries]) -> list[str]:
    """A note of what lies beside the first picture; ValueError where it may be what is meant."""
    first, beside = series[0], 0
    for other in series[1:]:
        named = any(word in other.name.lower() for word in SIDE_PICTURES)
        declared = other.keyframe.is_reduced or other.keyframe.is_mask
        if not (named or declared or _pixel_count(other) < SIDE_SHARE * _pixel_count(first)):
            sizes = ", ".join(f"{_length(each, 'X')} x {_length(each, 'Y')}" for each in series)
            raise ImageFileError(
                f"{path}: holds {len(series)} images ({sizes} px), and none says that it is a smaller copy: write the"
                " one that is meant into a file of its own"
            )
        beside += 1
    return [f"{beside} other pictures inside the file (smaller ones, or masks) ignored"] if beside else []


def _pixel_count(series: TiffPageSeries) -> int:
    return _length(series, "X") * _length(series, "Y")


def _length(series: TiffPageSeries, axis: str) -> int:
    return dict(zip(series.axes, series.shape, strict=True)).get(axis, 1)


def _plane_number(path: Path, series: TiffPageSeries, view: View) -> int:
    """Which plane is meant, counted from 0 in the file's order of all axes but channels."""
    deep = {axis: length for axis, length in zip(series.axes, series.shape, strict=True) if axis not in "YXSC"}
    count = math.prod(deep.values())
    if count > 1 and view.plane is None:
        named = ", ".join(f"{length} {AXES.get(axis, axis)}" for axis, length in deep.items() if length > 1)
        raise ImageFileError(
            f"{path}: a stack of {count} images ({named}; axes {series.axes}): write the one that is meant into a file"
            f" of its own; to segment it, --plane, 0 to {count - 1}, chooses one"
        )
    if view.plane is not None and view.plane >= count:
        raise ImageFileError(f"{path}: has no plane {view.plane} (axes {series.axes}): planes are 0 to {count - 1}")
    return view.plane or 0


Sample = tuple[int, int]  # channel by the axis C, and sample within its pixels


def _samples(
    path: Path, series: TiffPageSeries, page: TiffPage, view: View, ome: Ome
) -> tuple[list[Sample], list[str]]:
    """Which samples are the picture, one of grey or three of RGB, and notes."""
    photometric = page.photometric
    if not is_rgb(page) and photometric not in (MINISWHITE, MINISBLACK, PALETTE):
        raise ImageFileError(f"{path}: its colours are {photometric!r}: save it as grey or RGB")
    alpha = sum(int(each) in ALPHA for each in page.extrasamples)
    notes = ["transparency ignored"] if alpha else []
    each = page.samplesperpixel - alpha
    every = [(channel, sample) for channel in range(_length(series, "C")) for sample in range(each)]
    if isinstance(view.channel, int):
        if view.channel >= len(every):
            raise ImageFileError(
                f"{path}: has {_count(every)}: channel {view.channel} is none of 0 to {len(every) - 1}"
            )
        return [every[view.channel]], notes
    if len(every) == 1 or (len(every) == 3 and is_rgb(page)):
        return every, notes
    if view.channel == RGB and len(every) >= 3:
        return every[:3], [*notes, *(["channels behind the first three ignored"] if len(every) > 3 else [])]
    if ome.is_rgb and len(every) == 3:
        return every, [*notes, f"its channels are named {', '.join(ome.channels)}: taken for one picture in colour"]
    raise ImageFileError(f"{path}: {_unsettled(series, page, every, ome)}")


def _unsettled(series: TiffPageSeries, page: TiffPage, every: Sequence[Sample], ome: Ome) -> str:
    names = f", named {', '.join(ome.channels)}" if any(ome.channels) else ""
    what = f"has {_count(every)} (axes {series.axes}{names})"
    if is_rgb(page):
        what += ", three declared as RGB and others whose kind is not stated"
    elif len(every) >= 3:
        what += ", and does not say that they are colours"
    mend = f"to segment one, --channel, 0 to {len(every) - 1}, chooses it for a grey model"
    if len(every) >= 3:
        mend += f", and --channel {RGB} takes the first three for red, green and blue of one picture"
    return f"{what}: save the picture that is meant as grey (1) or RGB (3); {mend}"


def _count(every: Sequence[Sample]) -> str:
    return f"{len(every)} channel" + ("s" if len(every) != 1 else "")


def _parts(path: Path, series: TiffPageSeries, plane: int, chosen: Sequence[Sample]) -> tuple[Part, ...]:
    parts = []
    for channel, sample in chosen:
        page, inside = _page(path, series, plane, channel)
        if page.planarconfig == SEPARATE and page.samplesperpixel > 1:
            parts.append(Part(page, sample, slice(0, 1)))
        else:
            parts.append(Part(page, inside, slice(sample, sample + 1)))
    first, last = parts[0], parts[-1]
    together = all(part.page is first.page and part.plane == first.plane for part in parts)
    is_run = together and last.samples.stop - first.samples.start == len(parts)
    return (Part(first.page, first.plane, slice(first.samples.start, last.samples.stop)),) if is_run else tuple(parts)


def _page(path: Path, series: TiffPageSeries, plane: int, channel: int) -> tuple[TiffPage, int]:
    """The page of a plane and channel, and which of the planes in it, where one directory describes a whole stack."""
    axes = {axis: length for axis, length in zip(series.axes, series.shape, strict=True) if axis not in "YXS"}
    deep = {axis: length for axis, length in axes.items() if axis != "C"}
    at = dict(zip(deep, np.unravel_index(plane, tuple(deep.values()) or (1,)), strict=False)) | {"C": channel}
    index = int(np.ravel_multi_index([int(at[axis]) for axis in axes], tuple(axes.values()))) if axes else 0
    if index and len(series.pages) == 1 and series.keyframe.is_memmappable:
        return series.keyframe.aspage(), index
    page = series.pages[index] if index < len(series.pages) else None
    if page is None:
        raise ImageFileError(
            f"{path}: plane {plane} of channel {channel} lies in another file: join them in one OME-TIFF file"
        )
    return page.aspage(), 0


def _bits(page: TiffPage, ome: Ome) -> int | None:
    bits = min(ome.bits or page.bitspersample, page.bitspersample)
    return bits if 8 < bits < 16 else None


def _tagged_spacing(path: Path, tiff: TiffFile, page: TiffPage, ome: Ome) -> tuple[float | None, list[str]]:
    """Um per px by OME-XML, else by ImageJ's unit or the resolution tags, and why one was not believed."""
    if ome.mpp[0]:
        return one_spacing(path, *ome.mpp, "its OME-XML")
    said = tiff.imagej_metadata or {} if tiff.is_imagej else {}
    units = [str(said.get(name, "")).strip() for name in ("unit", "yunit")]
    unknown = [each for each in (ome.unit, *units) if not (each.lower() in NO_LENGTH or um_of_unit(each))]
    doubt = [f"its unit {each!r} is no length that is known, so the spacing is unknown" for each in unknown]
    x, y = (_per_unit(page, name) for name in ("XResolution", "YResolution"))
    ways = []  # um of a unit along x and y: of the tag (the standard's default is inch), and as ImageJ names them
    if tagged := UM_PER_UNIT.get(int(_tag(page, "ResolutionUnit", 2))):
        ways.append((tagged, tagged))
    if not unknown and (across := um_of_unit(units[0])):
        ways.append((across, um_of_unit(units[1]) or across))
    found = [one_spacing(path, um_x / x if x else None, um_y / y if y else None, SAID_BY) for um_x, um_y in ways]
    mpp, notes = next((each for each in found if each[0]), found[0] if found else (None, []))
    return mpp, notes if mpp else [*doubt, *notes]


def _per_unit(page: TiffPage, name: str) -> float:
    numerator, denominator = _tag(page, name, (0, 1))
    return numerator / denominator if denominator else 0.0


def _tag(page: TiffPage, name: str, default: Any) -> Any:
    tag = page.tags.get(name)
    return default if tag is None else tag.value
