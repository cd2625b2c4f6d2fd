# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which slides a folder holds: the files of a DICOM slide are one, what is no slide is named."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, generate_uid

from bundle.annotations.matching import find_images
from bundle.slides.listing import IMAGE_OR_SLIDE_SUFFIXES, list_slides
from bundle.slides.reader import Slide

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"  # class of DICOM whole-slide images
TILE = 64  # px


def tiles(image: np.ndarray) -> list[bytes]:
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % TILE), (0, -width % TILE), (0, 0)), constant_values=255)
    frames = []
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            stream = io.BytesIO()
            Image.fromarray(padded[top : top + TILE, left : left + TILE]).save(stream, "JPEG", subsampling=0)
            frames.append(stream.getvalue())
    return frames


def write_instance(path: Path, image: np.ndarray, series: str, kind: str, level: int) -> None:
    """One level of a slide, or its label, as a DICOM file of its own."""
    frames, data = tiles(image), Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = WHOLE_SLIDE
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    data.SeriesInstanceUID, data.StudyInstanceUID, data.FrameOfReferenceUID = series, series + ".1", series + ".2"
    data.Modality, data.InstanceNumber, data.NumberOfFrames = "SM", level + 1, len(frames)
    data.ImageType = ["ORIGINAL", "PRIMARY", kind, "RESAMPLED" if level else "NONE"]
    data.Rows = data.Columns = TILE
    data.TotalPixelMatrixRows, data.TotalPixelMatrixColumns = image.shape[:2]
    data.SamplesPerPixel, data.PlanarConfiguration, data.PhotometricInterpretation = 3, 0, "YBR_FULL_422"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.DimensionOrganizationType = "TILED_FULL"
    data.TotalPixelMatrixFocalPlanes = data.NumberOfOpticalPaths = 1
    optics, shared, measures = Dataset(), Dataset(), Dataset()
    optics.OpticalPathIdentifier = "1"
    measures.PixelSpacing = [0.0005 * 2**level] * 2  # mm
    shared.PixelMeasuresSequence = [measures]
    data.OpticalPathSequence, data.SharedFunctionalGroupsSequence = [optics], [shared]
    data.PixelData = encapsulate(frames)
    data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
    data.save_as(path, enforce_file_format=True)


def write_dicom_slide(folder: Path, name: str) -> None:
    image = np.random.default_rng(0).integers(90, 200, (20, 28, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    series = generate_uid(prefix="1.2.826.0.1.3680043.8.498.")[:56]
    write_instance(folder / f"{name}_0.dcm", image, series, "VOLUME", 0)
    write_instance(folder / f"{name}_1.dcm", image[::2, ::2], series, "VOLUME", 1)
    write_instance(folder / f"{name}_2.dcm", image[:64, :64], series, "LABEL", 2)


def test_the_files_of_a_dicom_slide_are_one_slide(tmp_path, caplog):
    write_dicom_slide(tmp_path, "one")
    write_dicom_slide(tmp_path, "two")
    with caplog.at_level("INFO"):
        slides = list_slides(tmp_path, tmp_path / "out")
    assert [slide.name for slide in slides] == ["one_0.dcm", "two_0.dcm"]
    assert "6 DICOM files belong to 2 slides: one_0.dcm, two_0.dcm" in caplog.text
    for name in ("one_0", "one_2"):  # whichever file is named
        with Slide(tmp_path / f"{name}.dcm") as slide:
            assert slide.size == (160, 224) and slide.mpp == 0.5


def test_what_is_no_slide_is_named(tmp_path, caplog):
    write_dicom_slide(tmp_path, "a")
    (tmp_path / "broken.dcm").write_bytes(b"no DICOM")
    (tmp_path / "notes.txt").write_text("")
    assert [slide.name for slide in list_slides(tmp_path, tmp_path / "out")] == ["a_0.dcm", "broken.dcm"]
    assert "1 files are no slides and not used: notes.txt" in caplog.text


def test_a_dicom_slide_is_one_image_to_cut_tiles_from(tmp_path):
    write_dicom_slide(tmp_path, "a")
    assert list(find_images(tmp_path, IMAGE_OR_SLIDE_SUFFIXES)) == ["a_0"]
