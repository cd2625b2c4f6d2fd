# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A label as a volume of one slice: what NIfTI and NRRD have in common.

Medical programs count in mm along patient axes. A microscope image has none, so they are set as ITK (and 3D Slicer with
it) sets them for a PNG or TIFF: x of the image to the patient's left, y to the back, the upper left pixel's centre at
0, 0, 0. A label in either format then lies exactly on its image, if that says its spacing. Arrays are [x, y, slice].
"""

from __future__ import annotations

import numpy as np
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy
from numpy.typing import NDArray

from ...data.files import label_dtype

UM_PER_MM = 1000.0


def as_volume(label: NdarrayOrTensor) -> NDArray[np.unsignedinteger]:
    """Label (1, H, W) to [x, y, slice], (W, H, 1): uint16 as long as every id fits, else uint32."""
    ids = convert_to_numpy(label)  # (1, H, W)
    return np.ascontiguousarray(ids.transpose(2, 1, 0).astype(label_dtype(ids)))


def spacing_mm(mpp: float | None) -> float:
    """Mm per px, along all three axes; 1 where it is unknown, which is what a volume without a spacing means."""
    return 1.0 if mpp is None else mpp / UM_PER_MM
