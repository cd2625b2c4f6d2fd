# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A label as NIfTI, for 3D Slicer and the clients of MONAI Label; axes as in `volumes`."""

from __future__ import annotations

import gzip
import os

import nibabel
import numpy as np
from monai.config import NdarrayOrTensor

from ...data.atomic import write_whole
from .volumes import as_volume, spacing_mm


def write_nifti(path: str | os.PathLike[str], label: NdarrayOrTensor, mpp: float | None = None) -> None:
    """Write a label.

    Args:
        path: the file, `.nii.gz`.
        label: ids (1, H, W), 0 = background.
        mpp: um per px; None, unknown, writes 1 px per px and no unit.
    """
    spacing = spacing_mm(mpp)
    affine = np.diag([-spacing, -spacing, spacing, 1.0])  # NIfTI's axes point right and to the front
    image = nibabel.Nifti1Image(as_volume(label), affine)
    image.set_qform(affine, code="aligned")  # some programs read this one, others the sform, which is set too
    image.header.set_xyzt_units("unknown" if mpp is None else "mm")
    content = gzip.compress(image.to_bytes(), mtime=0)  # the same label gives the same file
    write_whole(path, lambda stream: stream.write(content))
