# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Resampling between spacings (um per px) of images, points and labels, all with one geometry.

Pixel centres are at integers and an image spans [-0.5, W - 0.5), so a place x becomes x' = (x + 1/2) s - 1/2. The new
size is W' = max(1, floor(W mpp / new mpp + 1/2)), and s = W' / W for each axis: edges stay on edges, whatever rounding
did to the size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type, convert_to_tensor, ensure_tuple
from torch.nn.functional import interpolate

from .budget import MOST_PIXELS, check_budget

Size = tuple[int, int]


def resampled_size(size: Size, mpp: float, new_mpp: float) -> Size:
    """H and W after resampling from `mpp` to `new_mpp`, both um per px.

    Raises:
        ValueError: one of them is no positive number, or the new image would be too large to be held whole.
    """
    for spacing in (mpp, new_mpp):
        if not (math.isfinite(spacing) and spacing > 0):
            raise ValueError(f"a spacing must be a positive number of um per px, not {spacing!r}: give --mpp")
    sides = [length * mpp / new_mpp for length in size]
    check_budget(
        f"an image of {size[1]} x {size[0]} px at {mpp:g} um per px, brought to {new_mpp:g},",
        sides[0] * sides[1],
        MOST_PIXELS,
        "px",
        "give the um per px of your images (--image_mpp), or cut them into smaller ones",
    )
    height, width = (max(1, math.floor(side + 0.5)) for side in sides)
    return height, width


def working_size(size: Size, mpp: float | None, new_mpp: float) -> Size:
    """`resampled_size`, or the size as it is where the spacing `mpp` of the data is unknown (None)."""
    return size if mpp is None else resampled_size(size, mpp, new_mpp)


def resample_image(image: torch.Tensor, size: Size) -> torch.Tensor:
    """A float image (C, H, W) or (B, C, H, W) at another size: bilinear, antialiased on the way down."""
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    batch = image.reshape(-1, *image.shape[-3:])
    output = interpolate(batch, tuple(size), mode="bilinear", align_corners=False, antialias=True)
    return output.reshape(*image.shape[:-2], *size)


def resample_points(points: torch.Tensor, size: Size, new_size: Size) -> torch.Tensor:
    """Points (N, 2) in px of an image of `size` (H, W) -> in px of the same image at `new_size`."""
    scale = points.new_tensor([new_size[1] / size[1], new_size[0] / size[0]])
    return (points + 0.5) * scale - 0.5


def resample_label(label: torch.Tensor, size: Size) -> torch.Tensor:
    """A label (…, H, W) of any integer type at another size: each pixel takes the id at its centre, ids untouched.

    On the way down an object that no pixel centre falls into is lost, so ids may become non-contiguous.
    """
    rows, columns = (
        (2 * torch.arange(new, device=label.device) + 1) * old // (2 * new)  # floor((i + 1/2) old / new)
        for old, new in zip(label.shape[-2:], size, strict=True)
    )
    return label[..., rows[:, None], columns]


class ResampleToSpacingd(MapTransform):
    """Brings images, and the points and labels that go with them, to one spacing.

    Where the spacing of the data is unknown (None), everything stays as it is.

    Args:
        keys: images (C, H, W) float, all of one size.
        mpp: the wanted spacing, um per px.
        points_keys: points (N, 2) to move along.
        label_keys: labels (1, H, W) to resample along.
        mpp_key: the spacing of the data, um per px or None; updated.
        size_key: where H and W before resampling go, for `RestoreSized`.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(
        self,
        keys: KeysCollection,
        mpp: float,
        points_keys: KeysCollection = (),
        label_keys: KeysCollection = (),
        mpp_key: str = "mpp",
        size_key: str = "original_size",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.mpp = mpp
        self.points_keys = ensure_tuple(points_keys)
        self.label_keys = ensure_tuple(label_keys)
        self.mpp_key = mpp_key
        self.size_key = size_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary at the new spacing."""
        output = dict(data)
        own_mpp = output[self.mpp_key]
        old: Size = tuple(output[self.first_key(output)].shape[-2:])
        new = working_size(old, None if own_mpp is None else float(own_mpp), self.mpp)
        for key in self.key_iterator(output):
            output[key] = _convert(resample_image, output[key], new)
        for key in self.points_keys:
            output[key] = _convert(resample_points, output[key], old, new)
        for key in self.label_keys:
            output[key] = _convert(resample_label, output[key], new)
        output[self.size_key] = old
        output[self.mpp_key] = None if own_mpp is None else self.mpp
        return output


class RestoreSized(MapTransform):
    """Brings labels (1, H, W) back to the size that `ResampleToSpacingd` found.

    Args:
        keys: labels to resample.
        size_key: the entry with H and W.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(self, keys: KeysCollection, size_key: str = "original_size", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.size_key = size_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with the labels at their original size."""
        output = dict(data)
        for key in self.key_iterator(output):
            output[key] = _convert(resample_label, output[key], output[self.size_key])
        return output


def _convert(function: Callable[..., torch.Tensor], array: NdarrayOrTensor, *sizes: Size) -> NdarrayOrTensor:
    """Apply a function of plain tensors to any kind of array, keeping its kind and type."""
    return convert_to_dst_type(function(convert_to_tensor(array, track_meta=False), *sizes), array)[0]
