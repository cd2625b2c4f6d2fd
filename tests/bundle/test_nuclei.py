# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From Python: files and arrays give what the segmenter gives, and anything else is told what to be."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from bundle.inference.model import ModelCard, save_model
from bundle.nuclei import as_image, load_model

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 72, 3), np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory, untrained):
    """Weights that nobody trained, of a network that takes half of the pixels for foreground."""
    network = untrained(3)
    path = tmp_path_factory.mktemp("model") / "model.pt"
    save_model(path, network, ModelCard({"_target_": "bundle.networks.compact.Compact", "channels": [4, 8]}, 0.5))
    return path


def test_three_lines_are_enough(weights, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, photometric="rgb", resolution=(4e4, 4e4), resolutionunit=3)
    found = load_model(weights, device="cpu").segment(tmp_path / "a.tif")
    assert found.label.shape == found.probability.shape == (40, 72) and found.label.dtype == np.int32
    assert len(found) == found.label.max() > 1 and found.mpp == 0.25
    columns = found.columns()
    assert list(columns) == ["id", "x", "y", "area_px", "area_um2", "confidence"]
    for i, x, y in zip(columns["id"], columns["x"], columns["y"], strict=True):
        rows, places = np.nonzero(found.label == i)
        assert (x, y) == pytest.approx((places.mean(), rows.mean()))
    np.testing.assert_allclose(columns["area_um2"], np.bincount(found.label.flat)[1:] * 0.0625)
    changed = (found.overlay() != PIXELS).any(-1)
    assert changed.any() and (found.label[changed] > 0).all()


def test_a_file_and_its_array_give_the_same(weights, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, photometric="rgb")
    model = load_model(weights.parent, device="cpu")
    label = model.segment(tmp_path / "a.tif", mpp=0.25).label
    for pixels in (PIXELS, PIXELS.astype(np.float64) / 255):
        np.testing.assert_array_equal(model.segment(pixels, 0.25).label, label)
    assert model.segment(PIXELS).mpp is None and np.isnan(model.segment(PIXELS).columns()["area_um2"]).all()


@pytest.mark.parametrize(
    ("pixels", "channels", "said"),
    [
        (np.zeros((4, 5, 4), np.uint8), 3, r"shape \(4, 5, 4\).*RGBA"),
        (np.zeros((3, 40, 50), np.uint8), 3, r"shape \(3, 40, 50\)"),
        (np.zeros((4, 5, 3), np.int64), 3, "is of int64"),
        (np.full((4, 5, 3), 255.0), 3, "holds 255.0 to 255.0: floats run from 0 to 1"),
        (np.full((4, 5, 3), np.nan), 3, "floats run from 0 to 1"),
        (np.zeros((4, 5), np.uint8), 3, "a grey image where RGB is configured"),
        (PIXELS, 1, "a colour image where grey is configured"),
    ],
)
def test_what_is_no_image_is_told_what_to_be(pixels, channels, said):
    with pytest.raises(ValueError, match=said):
        as_image(pixels, channels)


def test_grey_and_16_bit_arrays():
    grey = as_image(np.arange(20, dtype=np.float32).reshape(4, 5) / 19, 1)
    assert grey.shape == (1, 4, 5) and grey.max() == 1
    deep = as_image((PIXELS.astype(np.uint16) * 100), 3)
    assert deep.shape == (3, 40, 72) and deep.min() == 0  # colour is not stretched: white is that of 16 bits
    assert deep.max() == pytest.approx(int(PIXELS.max()) * 100 / 65535)


def test_a_16_bit_file_and_its_array_are_scaled_by_the_range_of_the_model(tmp_path, untrained):
    described = {"_target_": "bundle.networks.compact.Compact", "channels": [4, 8]}
    save_model(tmp_path / "model.pt", untrained(3), ModelCard(described, 0.5, intensity=(100, 4095)))
    deep = np.random.default_rng(0).integers(0, 4096, (40, 72, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb")
    model = load_model(tmp_path, device="cpu")
    image = model.segment(deep).image
    assert image.equal(model.segment(tmp_path / "a.tif").image)
    expected = np.clip((deep.astype(np.float32) - 100) / 3995, 0, 1).transpose(2, 0, 1)
    np.testing.assert_allclose(image.numpy(), expected, atol=1e-6)
