# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Hover map to instance label, for ideal and for predicted maps. `split_by_points` gives one per point."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type, convert_to_tensor
from numpy.typing import NDArray

from ..image_points import paired
from ..pixel_centres import pixels_of
from .follow_offsets import Integers, as_arrays, basins
from .split_by_points import split_by_points

STRIP = 2**17  # px

__all__ = ["HoverToLabel", "HoverToLabeld", "hover_to_label", "raster_ids", "split_by_points"]


def hover_to_label(
    hover_map: torch.Tensor, threshold: float = 0.5, smallest: int = 10, smoothing: float = 0.5
) -> torch.Tensor:
    """The instances of a hover map, ideal or predicted; see `transforms.instances.follow_offsets` for the principle.

    Args:
        hover_map: (3, H, W): h, v in [-1, 1], m in [0, 1].
        threshold: pixels with m above it are foreground.
        smallest: objects of fewer px are dropped.
        smoothing: standard deviation, px, of a Gaussian over h and v; from 0.7 on it costs tiny touching objects.

    Returns:
        (1, H, W) int32 on the map's device: ids 1..n in raster order of centres of mass, 0 = background; all 0 where
        nothing is above the threshold.

    Raises:
        ValueError: the map is not (3, H, W), or holds NaN or infinity.
    """
    offsets, m = as_arrays(hover_map)
    label = raster_ids(basins(offsets, m > threshold, smoothing), smallest)
    return torch.from_numpy(label)[None].to(hover_map.device)


def raster_ids(label: Integers, smallest: int = 1) -> NDArray[np.int32]:
    """Any ids (H, W) to 1..n in raster order of the pixels of the centres of mass, without objects below `smallest`."""
    area, down, right = moments(label)
    kept = np.flatnonzero(area >= max(smallest, 1))
    y, x = down[kept] / area[kept], right[kept] / area[kept]
    order = np.lexsort((pixels_of(x), pixels_of(y)))
    new = np.zeros(len(area), np.int32)
    new[kept[order]] = np.arange(1, len(kept) + 1)
    return new.take(label)


def moments(label: Integers) -> NDArray[np.float64]:
    """Number of pixels, sum of their rows and sum of their columns for each id of a label (H, W): (3, largest id + 1).

    Id 0 has none. Strip by strip: a strip stays in the processor's cache.
    """
    sums = np.zeros((3, int(label.max(initial=0)) + 1))
    rows = max(max(STRIP, 8 * sums.shape[1]) // max(label.shape[1], 1), 1)  # adding up is little beside counting
    for top in range(0, label.shape[0], rows):
        strip = np.ascontiguousarray(label[top : top + rows]).reshape(-1)
        place = np.flatnonzero(strip).astype(np.int32)
        ids = strip.take(place)
        down, right = np.divmod(place, np.int32(label.shape[1]))
        for total, values in zip(sums, (None, down + np.int32(top), right), strict=True):
            counted = np.bincount(ids, values)
            total[: len(counted)] += counted
    return sums


class HoverToLabel(Transform):
    """Array form of `hover_to_label`.

    Args:
        threshold: pixels with m above it are foreground.
        smallest: objects of fewer px are dropped.
        smoothing: standard deviation, px, of a Gaussian over h and v.
    """

    def __init__(self, threshold: float = 0.5, smallest: int = 10, smoothing: float = 0.5) -> None:
        self.threshold, self.smallest, self.smoothing = threshold, smallest, smoothing

    def __call__(self, hover_map: NdarrayOrTensor) -> NdarrayOrTensor:
        """(3, H, W) -> (1, H, W) int32, the same kind of array."""
        plain = convert_to_tensor(hover_map, track_meta=False)
        label = hover_to_label(plain, self.threshold, self.smallest, self.smoothing)
        return convert_to_dst_type(label, hover_map, dtype=torch.int32)[0]


class HoverToLabeld(MapTransform):
    """Dictionary form of `HoverToLabel`.

    Args:
        keys: hover maps to read.
        output_keys: where the labels go, one for each key.
        threshold: pixels with m above it are foreground.
        smallest: objects of fewer px are dropped.
        smoothing: standard deviation, px, of a Gaussian over h and v.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(
        self,
        keys: KeysCollection,
        output_keys: KeysCollection = "label",
        threshold: float = 0.5,
        smallest: int = 10,
        smoothing: float = 0.5,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.output_keys = paired(self.keys, output_keys)
        self.converter = HoverToLabel(threshold, smallest, smoothing)

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        """A copy of the dictionary with the labels added."""
        output = dict(data)
        for key, output_key in self.key_iterator(output, self.output_keys):
            output[output_key] = self.converter(output[key])
        return output
