# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""NIfTI and NRRD: what other libraries read from them, along which axes, and at what spacing."""

from __future__ import annotations

import itk
import nibabel
import numpy as np
import pytest
from PIL import Image

from bundle.objects.volumes import write_nifti, write_nrrd

WRITERS = {"a.nii.gz": write_nifti, "a.nrrd": write_nrrd}


@pytest.fixture
def label():
    """Not square, each object at a place of its own."""
    ids = np.zeros((1, 4, 6), np.int32)
    ids[0, 1, 2], ids[0, 3, 5] = 7, 9
    return ids


@pytest.mark.parametrize("name", WRITERS)
def test_itk_reads_the_label_where_it_reads_the_image(tmp_path, label, name):
    """Slicer reads through ITK: the label has to lie on the image, which ITK reads from a PNG."""
    WRITERS[name](tmp_path / name, label, 0.25)
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "image.png")
    volume, picture = (itk.imread(str(tmp_path / file)) for file in (name, "image.png"))
    assert np.array_equal(itk.array_from_image(volume), label)  # [slice, y, x]
    assert itk.array_from_image(volume).dtype == np.uint16
    assert np.allclose(list(volume.GetSpacing()), 0.25e-3, rtol=1e-6)  # mm
    assert np.array_equal(itk.array_from_matrix(volume.GetDirection()), np.eye(3))
    assert list(volume.GetOrigin()) == [0, 0, 0] and list(picture.GetOrigin()) == [0, 0]
    assert np.array_equal(itk.array_from_matrix(picture.GetDirection()), np.eye(2))


def test_nibabel_reads_x_first_in_mm(tmp_path, label):
    write_nifti(tmp_path / "a.nii.gz", label, 0.5)
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert image.shape == (6, 4, 1) and image.get_fdata()[2, 1, 0] == 7
    assert image.header.get_xyzt_units()[0] == "mm"
    assert np.allclose(image.header.get_zooms(), 0.5e-3)
    for affine in (image.get_sform(), image.get_qform()):
        assert np.allclose(affine, np.diag([-0.5e-3, -0.5e-3, 0.5e-3, 1]))


@pytest.mark.parametrize("name", WRITERS)
def test_an_unknown_spacing_is_one(tmp_path, label, name):
    WRITERS[name](tmp_path / name, label)
    assert list(itk.imread(str(tmp_path / name)).GetSpacing()) == [1, 1, 1]
    if name.endswith("gz"):
        assert nibabel.load(tmp_path / name).header.get_xyzt_units()[0] == "unknown"


@pytest.mark.parametrize("name", WRITERS)
def test_ids_beyond_16_bit_stay(tmp_path, label, name):
    WRITERS[name](tmp_path / name, label * 10_000)
    assert np.array_equal(itk.array_from_image(itk.imread(str(tmp_path / name))), label * 10_000)


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_label_gives_the_same_file_and_no_other(tmp_path, label, name):
    contents = []
    for _ in range(2):
        WRITERS[name](tmp_path / name, label, 0.25)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1] and [path.name for path in tmp_path.iterdir()] == [name]
