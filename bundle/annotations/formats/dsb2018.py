# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The 2018 Data Science Bowl as it is published: a folder for each image, with a mask for each of its objects.

    stage1_train/ID/images/ID.png
    stage1_train/ID/masks/OBJECT.png

Here an image is named by the first characters of its ID, as many as the split has.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...files.image_kinds.raster import read_indices
from ...files.labels import in_raster_order


def find_entries(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Name -> the folder of the image whose ID begins with it.

    Raises:
        FileNotFoundError: there is no such folder, or none for a name.
        ValueError: several begin with one name.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder: unpack the download there")
    entries = {}
    for name in names:
        found = sorted(path for path in folder.iterdir() if path.is_dir() and path.name.startswith(name))
        if not found:
            raise FileNotFoundError(f"{folder}: holds no folder of an image {name}...: is this stage1_train?")
        if len(found) > 1:
            raise ValueError(f"{folder}: {len(found)} folders begin with {name}: name the image by more characters")
        entries[name] = found[0]
    return entries


def image_file(entry: Path) -> Path:
    """The image of a folder; FileNotFoundError unless there is just one."""
    found = sorted((entry / "images").glob("*.png"))
    if len(found) != 1:
        raise FileNotFoundError(f"{entry / 'images'}: holds {len(found)} PNG files, and one is expected")
    return found[0]


def label_of_masks(entry: Path, size: tuple[int, int]) -> Tensor:
    """The label of an image: one id for each mask; a pixel of two masks belongs to the later one.

    Args:
        entry: the image's folder.
        size: H and W of the image, px.

    Returns:
        int32 (1, H, W), ids 1..n in raster order, 0 = background.

    Raises:
        FileNotFoundError: there is no mask.
        ValueError: a mask has another size, or cannot be read.
    """
    files = sorted((entry / "masks").glob("*.png"))
    if not files:
        raise FileNotFoundError(f"{entry / 'masks'}: holds no mask")
    label = np.zeros(size, np.int32)
    for number, path in enumerate(files, 1):
        mask = read_indices(path).array[..., 0]  # (H, W)
        if mask.shape != size:
            raise ValueError(f"{path}: has {mask.shape[1]} x {mask.shape[0]} px, its image {size[1]} x {size[0]}")
        label[mask > 0] = number
    return torch.from_numpy(in_raster_order(label)[None])
