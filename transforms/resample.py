# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Resampling between spacings (um per px) of images, points and labels, all with one geometry.

Pixel centres are at integers and an image spans [-0.5, W - 0.5), so a place x becomes x' = (x + 1/2) s - 1/2. The new
size is W' = max(1, floor(W mpp / new mpp + 1/2)), and s = W' / W for each axis: edges stay on edges, whatever rounding
did to the size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, convert_to_dst_type, convert_to_tensor, ensure_tuple
from torch.nn.functional import interpolate

from .budget import MOST_PIXELS, check_budget
from .image_points import marked, size_for
from .pixel_centres import HALF_PIXEL
from .size import Size

MPP = "mpp"  # metadata key: um per px; not there where unknown


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
    return (points + HALF_PIXEL) * scale - HALF_PIXEL


def resample_label(label: torch.Tensor, size: Size) -> torch.Tensor:
    """A label (…, H, W) of any integer type at another size: each pixel takes the id at its centre, ids untouched.

    On the way down an object that no pixel centre falls into is lost, so ids may become non-contiguous.
    """
    rows, columns = (
        (2 * torch.arange(new, device=label.device) + 1) * old // (2 * new)  # floor((i + 1/2) old / new)
        for old, new in zip(label.shape[-2:], size, strict=True)
    )
    return label[..., rows[:, None], columns]


class ResampleToSpacingd(InvertibleTransform, MapTransform):
    """Brings images, and the points and labels that go with them, to one spacing; `inverse` brings MetaTensors back.

    Where the spacing of the data is unknown (None), everything stays as it is. Metadata stay true: `affine`, and an
    image's entry "mpp", whose old value becomes "original_mpp".

    Args:
        keys: images (C, H, W) float, all of one size.
        mpp: the wanted spacing, um per px.
        points_keys: points (N, 2) to move along, in px of the arrays: of MONAI's images, after `PointsToImaged`.
        label_keys: labels (1, H, W) to resample along.
        mpp_key: the spacing of the data, um per px or None; updated.
        size_key: where H and W before resampling go, for `RestoreSized`.
        allow_missing_keys: whether missing images, points and labels are passed over instead of an error.
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
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.mpp = mpp
        self.points_keys = ensure_tuple(points_keys)
        self.label_keys = ensure_tuple(label_keys)
        self.mpp_key = mpp_key
        self.size_key = size_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary at the new spacing.

        Raises:
            KeyError: a key, or the spacing, is missing.
            ValueError: points are not in px of the images.
        """
        output = dict(data)
        images, labels, points = (
            self._present(output, keys) for keys in (self.keys, self.label_keys, self.points_keys)
        )
        if not images:
            return output
        reference, own_mpp = output[images[0]], output[self.mpp_key]
        old: Size = tuple(reference.shape[-2:])
        new = working_size(old, None if own_mpp is None else float(own_mpp), self.mpp)
        for key in points:
            size_for(output[key], reference)
        for key in images:
            output[key] = self._tracked(_convert(resample_image, output[key], new), old, new)
            if own_mpp is not None and isinstance(output[key], MetaTensor) and MPP in output[key].meta:
                output[key].meta |= {MPP: self.mpp, f"original_{MPP}": output[key].meta[MPP]}
        for key in labels:
            output[key] = self._tracked(_convert(resample_label, output[key], new), old, new)
        for key in points:
            moved = _convert(resample_points, output[key], old, new)
            output[key] = self._tracked(marked(moved, output[images[0]]), old, new)
        output[self.size_key] = old
        output[self.mpp_key] = None if own_mpp is None else self.mpp
        return output

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with MetaTensors at the size, and points in the px, that they had before."""
        output = dict(data)
        names = (*self.keys, *self.label_keys, *self.points_keys)
        for key in (key for key in names if isinstance(output.get(key), MetaTensor)):
            array = output[key].clone()
            info = self.pop_transform(array)[TraceKeys.EXTRA_INFO]
            old, new = tuple(info["old"]), tuple(info["new"])
            if key in self.points_keys:
                output[key] = _convert(resample_points, array, new, old)
                continue
            restored = _convert(resample_label if key in self.label_keys else resample_image, array, old)
            assert isinstance(restored, MetaTensor)  # as what came in
            restored.affine = array.affine @ torch.linalg.inv(self._affine(old, new)).to(array.affine)
            if f"original_{MPP}" in restored.meta:
                restored.meta[MPP] = restored.meta.pop(f"original_{MPP}")
            output[key] = restored
        return output

    def _present(self, data: Mapping[Hashable, Any], keys: Sequence[Hashable]) -> list[Hashable]:
        missing = [key for key in keys if key not in data]
        if missing and not self.allow_missing_keys:
            raise KeyError(f"{missing} not in the data, which has {list(data)}: allow_missing_keys passes over them")
        return [key for key in keys if key in data]

    def _tracked(self, array: NdarrayOrTensor, old: Size, new: Size) -> NdarrayOrTensor:
        if not isinstance(array, MetaTensor):
            return array
        affine = self._affine(old, new) if array.ndim > 2 else None
        info = {"old": list(old), "new": list(new)}
        tracked: MetaTensor = self.push_transform(array, orig_size=old, affine=affine, extra_info=info)  # type: ignore[no-untyped-call]
        return tracked

    @staticmethod
    def _affine(old: Size, new: Size) -> torch.Tensor:
        """(4, 4) float64: indices of the new array (row, column, 0, 1) to those of the old one."""
        affine = torch.eye(4, dtype=torch.float64)
        for axis in range(2):
            step = old[axis] / new[axis]
            affine[axis, axis], affine[axis, 3] = step, HALF_PIXEL * step - HALF_PIXEL
        return affine


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
