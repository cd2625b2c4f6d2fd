# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Probabilities of background, inside and boundary to instance label, after Kumar et al. 2017.

Foreground that is rather inside than boundary comes in pieces, one for each nucleus, since boundaries lie between them.
The pieces grow into the rest of the foreground, a short way, and where two of them meet they stop at the crest of the
boundary's probability. Kumar et al. grow each piece until that crest lies on its outline, pixel by pixel; a watershed
finds it for all pieces at once. Nothing is normalised over the image: tiles agree.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type, convert_to_tensor
from scipy.ndimage import distance_transform_edt
from scipy.ndimage import label as components
from skimage.segmentation import watershed

from ..image_points import paired
from ..maps.classes import BOUNDARY, INSIDE
from .hover_to_label import raster_ids

LEVELS = 100  # of the boundary's probability that a watershed tells apart; finer ones are noise
REACH = 1.0  # um; twice the boundary's width, since networks draw it wider where they are unsure


def classes_to_label(
    probabilities: torch.Tensor, mpp: float, threshold: float = 0.5, reach: float = REACH, smallest: int = 10
) -> torch.Tensor:
    """The instances in a map of class probabilities.

    Args:
        probabilities: (3, H, W): background, inside and boundary, in [0, 1].
        mpp: um per px.
        threshold: pixels with inside and boundary together above it are foreground.
        reach: um that a core grows by.
        smallest: objects of fewer px are dropped.

    Returns:
        (1, H, W) int32 on the map's device: ids 1..n in raster order of centres of mass, 0 = background; all 0 where
        nothing is above the threshold.

    Raises:
        ValueError: the map is not (3, H, W), or holds NaN or infinity; mpp is not positive.
    """
    if not mpp > 0:
        raise ValueError(f"mpp is {mpp}: it must be a positive number of um per px")
    array = as_classes(probabilities)
    inside, boundary = array[INSIDE], array[BOUNDARY]
    foreground = inside + boundary > threshold
    cores, count = components(foreground & (inside > boundary))
    if count:
        near = distance_transform_edt(cores == 0) <= reach / mpp
        height = np.rint(boundary * LEVELS)  # where it is level, pieces share it out by distance
        cores = watershed(height, cores, mask=foreground & near)
    return torch.from_numpy(raster_ids(cores, smallest))[None].to(probabilities.device)


def as_classes(probabilities: torch.Tensor) -> np.ndarray:
    """The map as float32 (3, H, W); ValueError unless it has that shape and is finite."""
    if probabilities.ndim != 3 or probabilities.shape[0] != 3:
        raise ValueError(f"class probabilities are (3, H, W), not {tuple(probabilities.shape)}")
    if not torch.isfinite(probabilities).all():
        raise ValueError("the class probabilities hold NaN or infinity: look at the image and at the network's weights")
    return probabilities.detach().cpu().float().numpy()


class ClassesToLabel(Transform):
    """Array form of `classes_to_label`.

    Args:
        mpp: um per px.
        threshold: pixels with inside and boundary together above it are foreground.
        reach: um that a core grows by.
        smallest: objects of fewer px are dropped.
    """

    def __init__(self, mpp: float, threshold: float = 0.5, reach: float = REACH, smallest: int = 10) -> None:
        self.mpp, self.threshold, self.reach, self.smallest = mpp, threshold, reach, smallest

    def __call__(self, probabilities: NdarrayOrTensor) -> NdarrayOrTensor:
        """(3, H, W) -> (1, H, W) int32, the same kind of array."""
        plain = convert_to_tensor(probabilities, track_meta=False)
        label = classes_to_label(plain, self.mpp, self.threshold, self.reach, self.smallest)
        return convert_to_dst_type(label, probabilities, dtype=torch.int32)[0]


class ClassesToLabeld(MapTransform):
    """Dictionary form of `ClassesToLabel`.

    Args:
        keys: maps of class probabilities to read.
        mpp: um per px.
        output_keys: where the labels go, one for each key.
        threshold: pixels with inside and boundary together above it are foreground.
        reach: um that a core grows by.
        smallest: objects of fewer px are dropped.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(
        self,
        keys: KeysCollection,
        mpp: float,
        output_keys: KeysCollection = "label",
        threshold: float = 0.5,
        reach: float = REACH,
        smallest: int = 10,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.output_keys = paired(self.keys, output_keys)
        self.converter = ClassesToLabel(mpp, threshold, reach, smallest)

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        """A copy of the dictionary with the labels added."""
        output = dict(data)
        for key, output_key in self.key_iterator(output, self.output_keys):
            output[output_key] = self.converter(output[key])
        return output
