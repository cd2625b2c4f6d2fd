# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Instance label to hover map [h, v, m], the only form of a mask that networks see.

Equal to `monai.transforms.ComputeHoVerMaps` (h, v) on integer labels, but without a loop over nuclei, in batches, and
on any device. Source: Graham et al. 2019 (HoVer-Net), section 3.1.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type, convert_to_tensor
from torch.nn.functional import pad

from ..image_points import paired


def hover_map(label: NdarrayOrTensor) -> torch.Tensor:
    """Horizontal and vertical offset of each pixel from its instance's centre of mass, and the foreground.

    Each side (left, right, above, below) of an instance is scaled to reach exactly -1 or +1; a side without pixels
    stays 0, so a one-pixel instance is 0 in h and v. Ids may be any positive integers; pixels of one id are one
    instance, connected or not. In a batch, ids of different images have nothing to do with each other.

    Args:
        label: (1, H, W) or (B, 1, H, W), whole numbers of any type, 0 = background; a tensor on any device or numpy.

    Returns:
        (3, H, W) or (B, 3, H, W) float32: h and v in [-1, 1], m in {0, 1}.

    Raises:
        TypeError: the label is boolean, or holds numbers that are not whole.
        ValueError: the label is not (1, H, W) or (B, 1, H, W).
    """
    ids = as_label(label)
    height, width = ids.shape[-2:]
    rows = ids.reshape(-1, width)  # (R, W): the rows of all images of the batch
    inside = rows > 0
    runs = PixelRuns(rows, inside, height)
    pixels = runs.length  # (K,) px
    h = scaled(runs.pixel_columns(), *(side[runs.instance].repeat_interleave(pixels) for side in runs.extent_x()))
    v = scaled(runs.row, *(side[runs.instance] for side in runs.extent_y())).repeat_interleave(pixels)
    output = rows.new_zeros(3, *ids.shape[:-3], height, width, dtype=torch.float32)
    output[2] = inside.reshape(output[2].shape)
    output[0].masked_scatter_(output[2] > 0, h)
    output[1].masked_scatter_(output[2] > 0, v)
    return output.movedim(0, -3).contiguous()


def as_label(label: NdarrayOrTensor) -> torch.Tensor:
    """The label as a plain tensor of integers; whole numbers may be floats, as MONAI's LoadImage reads them.

    Raises:
        TypeError: it is boolean or complex, or holds a number that is not whole.
        ValueError: it is not (…, 1, H, W).
    """
    ids: torch.Tensor = convert_to_tensor(label, track_meta=False)
    if ids.is_floating_point():
        ids = whole_numbers(ids)
    elif ids.is_complex() or ids.dtype == torch.bool:
        raise TypeError(f"a label holds integer instance ids, not {ids.dtype}: convert it to int32")
    if ids.dtype in (torch.uint16, torch.uint32, torch.uint64):  # torch cannot compare these
        ids = ids.long()
    if ids.ndim not in (3, 4) or ids.shape[-3] != 1:
        raise ValueError(f"a label is (1, H, W) or (B, 1, H, W), not {tuple(ids.shape)}")
    return ids


def whole_numbers(values: torch.Tensor) -> torch.Tensor:
    """Floats that are whole as int64; TypeError where one is not, or NaN."""
    whole = values.long()
    wrong = values[whole.to(values.dtype) != values]
    if len(wrong):
        raise TypeError(
            f"a label holds integer instance ids, not {wrong[0].item():g}: it was scaled or interpolated; leave it out"
            " of ScaleIntensityd, and give it mode='nearest' where it is resampled"
        )
    return whole


def scaled(coordinate: torch.Tensor, first: torch.Tensor, centre: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    """Offsets from the centre, such that the first coordinate becomes -1 and the last +1: float32, as the inputs."""
    offset = coordinate - centre
    reach = torch.where(offset < 0, centre - first, last - centre)
    return torch.where(offset == 0, 0.0, offset / reach).float()


class PixelRuns:
    """Runs of equal ids along the rows of a batch of labels: ten times fewer than pixels, and sums over them are exact.

    Args:
        rows: (B * H, W) integers, 0 = background.
        inside: rows > 0.
        height: H.
    """

    def __init__(self, rows: torch.Tensor, inside: torch.Tensor, height: int) -> None:
        change = rows[:, 1:] != rows[:, :-1]
        start = (inside & pad(change, (1, 0), value=True)).reshape(-1).nonzero()[:, 0]
        end = (inside & pad(change, (0, 1), value=True)).reshape(-1).nonzero()[:, 0]
        row = torch.div(start, rows.shape[1], rounding_mode="floor")
        image = torch.div(row, height, rounding_mode="floor")
        self.length = end + 1 - start  # (K,) px
        self.first = start - row * rows.shape[1]  # (K,) column
        self.row = row - image * height  # (K,)
        self.instance, self.count = distinct(rows.reshape(-1)[start].long(), image)  # (K,), 0 <= instance < count
        self.area = self.sums(self.length).clamp(min=1)  # (count,) px

    def pixel_columns(self) -> torch.Tensor:
        """The column of every pixel, run after run."""
        begin = self.first - (self.length.cumsum(0) - self.length)
        return begin.repeat_interleave(self.length) + torch.arange(int(self.length.sum()), device=begin.device)

    def extent_x(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """First column, centre of mass and last column of each instance, (count,) px."""
        last = self.first + self.length - 1
        centre = self.sums((self.first + last) * self.length) / (2 * self.area)
        return self.extreme(self.first, "amin"), centre, self.extreme(last, "amax")

    def extent_y(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """First row, centre of mass and last row of each instance, (count,) px."""
        centre = self.sums(self.row * self.length) / self.area
        return self.extreme(self.row, "amin"), centre, self.extreme(self.row, "amax")

    def sums(self, values: torch.Tensor) -> torch.Tensor:
        """Sum of integers (K,) over the runs of each instance: (count,) float64, exact below 2^53."""
        return torch.bincount(self.instance, values.double(), self.count)

    def extreme(self, values: torch.Tensor, reduce: str) -> torch.Tensor:
        """Smallest ("amin") or largest ("amax") of values (K,) over the runs of each instance: (count,)."""
        nothing = values.new_zeros(self.count)
        return nothing.scatter_reduce(0, self.instance, values, reduce, include_self=False)


def distinct(ids: torch.Tensor, image: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Ids and images (K,) int64 to one index that no two instances share, and the number of indices."""
    if not len(ids):
        return ids, 0
    images = int(image[-1]) + 1
    if int(ids.max()) * images > 64 * len(ids) + 1024:  # sparse ids would make a table of any size
        ids = torch.unique(ids, return_inverse=True)[1]
    span = int(ids.max()) + 1
    return ids + image * span, span * images


class HoverMap(Transform):
    """Array form of `hover_map`: (1, H, W) or (B, 1, H, W) integers, numpy or torch, to the same kind of array."""

    def __call__(self, label: NdarrayOrTensor) -> NdarrayOrTensor:
        """See `hover_map`; the output keeps the metadata of a MetaTensor, but none of its applied operations.

        Its vectors would not turn when pixels are moved back: invert the label, and compute the map from it.
        """
        output = convert_to_dst_type(hover_map(label), label, dtype=torch.float32)[0]
        if isinstance(output, MetaTensor):
            output.applied_operations = []
        return output


class HoverMapd(MapTransform):
    """Dictionary form of `HoverMap`.

    Args:
        keys: labels to read.
        output_keys: where the hover maps go, one for each key; default "hover_map".
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(
        self, keys: KeysCollection, output_keys: KeysCollection = "hover_map", allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.output_keys = paired(self.keys, output_keys)
        self.converter = HoverMap()

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        """A copy of the dictionary with the hover maps added."""
        output = dict(data)
        for key, output_key in self.key_iterator(output, self.output_keys):
            output[output_key] = self.converter(output[key])
        return output
