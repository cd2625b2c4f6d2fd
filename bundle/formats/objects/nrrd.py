# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A label as NRRD, for 3D Slicer and the clients of MONAI Label; axes as in `volumes`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import itk
import numpy as np
from monai.config import NdarrayOrTensor

from ...data.atomic import write_whole
from .volumes import as_volume, spacing_mm


def write_nrrd(path: str | os.PathLike[str], label: NdarrayOrTensor, mpp: float | None = None) -> None:
    """Write a label.

    Args:
        path: the file, `.nrrd`.
        label: ids (1, H, W), 0 = background.
        mpp: um per px; None, unknown, writes 1 px per px.
    """
    image = itk.image_view_from_array(np.ascontiguousarray(as_volume(label).T))  # ITK's arrays are [slice, y, x]
    image.SetSpacing([spacing_mm(mpp)] * 3)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "label.nrrd"  # ITK goes by the name's end
        itk.imwrite(image, str(scratch), compression=True)
        content = scratch.read_bytes()
    write_whole(path, lambda stream: stream.write(content))
