# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The project's loader as MONAI transforms, for configurations: paths in, tensors (C, H, W) out.

MONAI's own readers give (C, W, H) and cut or refuse some 16-bit files; these are `load_image`, `read_label` and
`read_points` in array and dictionary form.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey
from transforms.resample import MPP

from ..files.images import check_mpp, load_image
from ..files.labels import read_label
from ..files.points_csv import read_points
from ..files.view import Window, stated_window

__all__ = ["MPP", "ReadImage", "ReadImaged", "ReadLabel", "ReadLabeld", "ReadPointsd"]


class ReadImage(Transform):
    """Path of an image -> float32 (C, H, W) in [0, 1], a MetaTensor that knows its file and, where known, its mpp.

    Args:
        channels: 1 (grey) or 3 (RGB).
        mpp: um per px; None: what TIFF tags say.
        intensity: of 16-bit images, the stored intensities that become 0 and 1, two numbers or "low,high"; None: each
            image by itself.
    """

    def __init__(self, channels: int = 3, mpp: float | None = None, intensity: str | Window | None = None) -> None:
        self.channels, self.mpp, self.intensity = channels, check_mpp(mpp), stated_window(intensity)

    def __call__(self, path: str | os.PathLike[str]) -> MetaTensor:
        """Read; raises as `load_image`."""
        loaded = load_image(path, self.channels, self.mpp, common=self.intensity)
        meta: dict[str, Any] = {ImageMetaKey.FILENAME_OR_OBJ: str(path)}
        if loaded.mpp is not None:
            meta[MPP] = loaded.mpp
        return MetaTensor(loaded.image, meta=meta)


class ReadImaged(MapTransform):
    """Dictionary form of `ReadImage`.

    Args:
        keys: paths to replace by images.
        channels: 1 (grey) or 3 (RGB).
        mpp: um per px; None: what TIFF tags say.
        allow_missing_keys: whether a missing key is passed over instead of an error.
        intensity: as `ReadImage`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        channels: int = 3,
        mpp: float | None = None,
        allow_missing_keys: bool = False,
        intensity: str | Window | None = None,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reader = ReadImage(channels, mpp, intensity)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with images in place of paths."""
        return {**data, **{key: self.reader(data[key]) for key in self.key_iterator(data)}}


class ReadLabel(Transform):
    """Path of a label -> int32 (1, H, W), a MetaTensor that knows its file; see `read_label`."""

    def __call__(self, path: str | os.PathLike[str], size: tuple[int, int] | None = None) -> MetaTensor:
        """Read and, where the image's (H, W) is given, compare sizes."""
        return MetaTensor(read_label(path, size), meta={ImageMetaKey.FILENAME_OR_OBJ: str(path)})


class ReadLabeld(MapTransform):
    """Dictionary form of `ReadLabel`.

    Args:
        keys: paths to replace by labels.
        image_key: an image already read, whose size labels must have; not looked at where it is not there.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(self, keys: KeysCollection, image_key: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image_key, self.reader = image_key, ReadLabel()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with labels in place of paths."""
        image = data.get(self.image_key)
        size = (image.shape[-2], image.shape[-1]) if isinstance(image, torch.Tensor) else None
        return {**data, **{key: self.reader(data[key], size) for key in self.key_iterator(data)}}


class ReadPointsd(MapTransform):
    """Paths of points files -> float32 (N, 2), x and y in px; the array form is `read_points`.

    Args:
        keys: paths to replace by points.
        image_key: the image, already read, that they lie in.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(self, keys: KeysCollection, image_key: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image_key = image_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with points in place of paths."""
        output = dict(data)
        for key in self.key_iterator(data):
            height, width = data[self.image_key].shape[-2:]
            output[key] = read_points(data[key], (height, width))
        return output
