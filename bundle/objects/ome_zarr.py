# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""An image with its label as OME-Zarr 0.5 (Zarr 3): for napari and all that reads OME-NGFF.

A label has its place inside the image that it belongs to (`labels/nuclei`), so both are written, with equally many
resolutions; scales are in micrometers. The package zarr is needed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy, convert_to_tensor
from numpy.typing import NDArray
from torch.nn import functional

from ..files.atomic import naming
from ..files.leftovers import sweep_once, temporary_path
from ..files.optional import need
from ..files.writers import label_dtype

VERSION = "0.5"
LABEL_NAME = "nuclei"
CHUNK = 1024  # px
SMALLEST = 256  # px: no further resolution once neither side is longer
COLOURS = {1: ("FFFFFF",), 3: ("FF0000", "00FF00", "0000FF")}  # number of channels -> what viewers mix


def write_ome_zarr(
    path: str | os.PathLike[str], image: NdarrayOrTensor, label: NdarrayOrTensor, mpp: float | None = None
) -> None:
    """Write an image and its label.

    Args:
        path: the folder to make, `.ome.zarr`; one that is there is replaced when the new one is whole.
        image: float (C, H, W) in [0, 1], C = 1 or 3; uint8 in the file.
        label: ids (1, H, W), 0 = background; uint16 in the file as long as every id fits, else uint32.
        mpp: um per px; None, unknown, writes a scale of 1 and no unit.

    Raises:
        ValueError: image and label differ in size, or the package zarr is not installed.
    """
    pixels, ids = convert_to_tensor(image, track_meta=False).float(), convert_to_numpy(label)
    if tuple(pixels.shape[1:]) != ids.shape[1:]:
        raise ValueError(
            f"image {tuple(pixels.shape)} and label {ids.shape} must have one size: (C, H, W) and (1, H, W)"
        )
    zarr = need("zarr", "OME-Zarr")
    path = Path(path)
    sweep_once(path.parent)
    scratch = temporary_path(path)
    try:
        with naming(path, scratch):
            _write_levels(zarr, scratch, _shrinking(pixels), _image_metadata(path.name, len(pixels)), mpp)
            _write_labels(zarr, scratch / "labels", ids, mpp)
            _replace(scratch, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write_labels(zarr: Any, folder: Path, ids: NDArray[np.integer], mpp: float | None) -> None:
    zarr.open_group(folder, mode="w", attributes={"ome": {"version": VERSION, "labels": [LABEL_NAME]}})
    about = {"name": LABEL_NAME, "image-label": {"version": VERSION, "source": {"image": "../../"}}}
    _write_levels(zarr, folder / LABEL_NAME, _thinning(ids.astype(label_dtype(ids))), about, mpp)


def _shrinking(pixels: torch.Tensor) -> Iterator[NDArray[np.uint8]]:
    """The image (C, H, W) at each resolution, finest first: means of 2 x 2 px."""
    while True:
        yield (pixels * 255).round().to(torch.uint8).numpy()
        if max(pixels.shape[1:]) <= SMALLEST:
            return
        pixels = functional.avg_pool2d(pixels[None], 2, ceil_mode=True, count_include_pad=False)[0]


def _thinning(ids: NDArray[np.unsignedinteger]) -> Iterator[NDArray[np.unsignedinteger]]:
    """The label (1, H, W) at each resolution, finest first: every second pixel."""
    while True:
        yield ids
        if max(ids.shape[1:]) <= SMALLEST:
            return
        ids = ids[:, ::2, ::2]


def _write_levels(
    zarr: Any, folder: Path, levels: Iterator[NDArray[Any]], about: dict[str, Any], mpp: float | None
) -> None:
    group = zarr.open_group(folder, mode="w")
    datasets = []
    for number, level in enumerate(levels):
        chunks = (len(level), *(min(length, CHUNK) for length in level.shape[1:]))
        group.create_array(
            str(number), data=np.ascontiguousarray(level), chunks=chunks, dimension_names=("c", "y", "x")
        )
        datasets.append({"path": str(number), "coordinateTransformations": _transformations(2**number, mpp or 1.0)})
    unit = {} if mpp is None else {"unit": "micrometer"}
    axes = [{"name": "c", "type": "channel"}, *({"name": name, "type": "space", **unit} for name in "yx")]
    name = about.pop("name")
    group.attrs["ome"] = {
        "version": VERSION,
        "multiscales": [{"name": name, "axes": axes, "datasets": datasets}],
        **about,
    }


def _transformations(step: int, mpp: float) -> list[dict[str, Any]]:
    """Size and place of a pixel that stands for `step` x `step` px: its centre lies between theirs."""
    shift = (step - 1) / 2 * mpp
    return [
        {"type": "scale", "scale": [1.0, step * mpp, step * mpp]},
        {"type": "translation", "translation": [0.0, shift, shift]},
    ]


def _image_metadata(name: str, channels: int) -> dict[str, Any]:
    window = {"min": 0, "max": 255, "start": 0, "end": 255}
    shown = [{"color": colour, "active": True, "window": window} for colour in COLOURS[channels]]
    return {"name": name, "omero": {"channels": shown, "rdefs": {"model": "color"}}}


def _replace(new: Path, path: Path) -> None:
    """Give a folder its name; what had it before goes when the new one is in its place."""
    old = temporary_path(path.with_name(f"{path.name}.old"))
    if path.exists():
        os.replace(path, old)
    os.replace(new, path)
    shutil.rmtree(old, ignore_errors=True)
