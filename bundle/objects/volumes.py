# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A label as a volume of one slice: what NIfTI and NRRD have in common.

Medical programs count in mm along patient axes. A microscope image has none, so they are set as ITK (and 3D Slicer with
it) sets them for a PNG or TIFF: x of the image to the patient's left, y to the back, the upper left pixel's centre at
0, 0, 0. A label in either format then lies exactly on its image, if that says its spacing. Arrays are [x, y, slice].
"""

from __future__ import annotations

import gzip
import os

import itk
import nibabel
import numpy as np
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy
from numpy.typing import NDArray

from ..files.atomic import write_whole
from ..files.leftovers import scratch_folder
from ..files.writers import label_dtype

UM_PER_MM = 1000.0


def as_volume(label: NdarrayOrTensor) -> NDArray[np.unsignedinteger]:
    """Label (1, H, W) to [x, y, slice], (W, H, 1): uint16 as long as every id fits, else uint32."""
    ids = convert_to_numpy(label)  # (1, H, W)
    return np.ascontiguousarray(ids.transpose(2, 1, 0).astype(label_dtype(ids)))


def spacing_mm(mpp: float | None) -> float:
    """Mm per px, along all three axes; 1 where it is unknown, which is what a volume without a spacing means."""
    return 1.0 if mpp is None else mpp / UM_PER_MM


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


def write_nrrd(path: str | os.PathLike[str], label: NdarrayOrTensor, mpp: float | None = None) -> None:
    """Write a label.

    Args:
        path: the file, `.nrrd`.
        label: ids (1, H, W), 0 = background.
        mpp: um per px; None, unknown, writes 1 px per px.
    """
    image = itk.image_view_from_array(np.ascontiguousarray(as_volume(label).T))  # ITK's arrays are [slice, y, x]
    image.SetSpacing([spacing_mm(mpp)] * 3)
    with scratch_folder("volume") as folder:
        scratch = folder / "label.nrrd"  # ITK goes by the name's end
        itk.imwrite(image, str(scratch), compression=True)
        content = scratch.read_bytes()
    write_whole(path, lambda stream: stream.write(content))
