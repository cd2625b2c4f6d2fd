# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points to a random label of ellipses, as MONAI transforms: each call draws anew from the transform's random state."""

from __future__ import annotations

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Randomizable, Transform
from monai.utils import convert_to_dst_type, convert_to_tensor

from ..image_points import DrawnPointsd
from ..size import Size
from .draw import draw_label
from .ellipses import EllipseSampler


class RandEllipseLabel(Randomizable, Transform):
    """Array form: points of a whole image to a label of one random ellipse per point.

    Args:
        sampler: points -> ellipses, see `EllipseSampler`.
    """

    def __init__(self, sampler: EllipseSampler) -> None:
        self.sampler = sampler

    def __call__(self, points: NdarrayOrTensor, size: Size) -> NdarrayOrTensor:  # type: ignore[override]
        """Points (N, 2), px, and H, W of their image -> (1, H, W) int32, the same kind of array as the points."""
        return convert_to_dst_type(self.plain(points, size), points, dtype=torch.int32)[0]

    def plain(self, points: NdarrayOrTensor, size: Size) -> torch.Tensor:
        """The label as a tensor that knows nothing else."""
        generator = torch.Generator().manual_seed(int(self.R.randint(2**31 - 1)))
        tensor = convert_to_tensor(points, track_meta=False).reshape(-1, 2)
        return draw_label(self.sampler(tensor, generator), size)


class RandEllipseLabeld(Randomizable, DrawnPointsd):
    """Dictionary form of `RandEllipseLabel`.

    Args:
        keys: points to read.
        sampler: points -> ellipses, see `EllipseSampler`.
        image_key: the image (C, H, W) whose size and metadata the labels take; checked as `size_for` does.
        output_keys: where the labels go, one for each key.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(
        self,
        keys: KeysCollection,
        sampler: EllipseSampler,
        image_key: str = "image",
        output_keys: KeysCollection = "label",
        allow_missing_keys: bool = False,
    ) -> None:
        self.drawing = RandEllipseLabel(sampler)
        super().__init__(keys, self.drawing, image_key, output_keys, allow_missing_keys)

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> RandEllipseLabeld:
        """Seed the draws; see `monai.transforms.Randomizable`."""
        super().set_random_state(seed, state)
        self.drawing.set_random_state(seed, state)
        return self
