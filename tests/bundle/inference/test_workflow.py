# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of configs/inference.json one by one: each does what `Segmenter` does, and tells what it cannot do."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import torch
from monai.data import MetaTensor

from bundle.inference.model import ModelCard, describe_output, save_model
from bundle.inference.outputs import ClassOutput, HoverOutput
from bundle.inference.segmenter import Segmenter, windows
from bundle.inference.test_time_augmentation import FLIPS
from bundle.inference.workflow import (
    HoverMapInferer,
    HoverMapToLabeld,
    ReadImageAndSpacingd,
    ToMonaiLabeld,
    WriteLabels,
    check_card,
    image_dicts,
)
from transforms.maps.hover import hover_map
from transforms.resample import resample_image


@pytest.fixture
def network(untrained):
    """Weights that nobody trained, of a network that takes half of the pixels for foreground."""
    network = untrained(3)
    return network


def image_file(folder, name="a", **tags):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 12, 3), np.uint8)
    tifffile.imwrite(folder / f"{name}.tif", pixels, photometric="rgb", **tags)
    return str(folder / f"{name}.tif")


def test_images_of_a_folder(tmp_path):
    paths = [image_file(tmp_path, name) for name in "ba"]
    assert image_dicts(tmp_path) == [{"image": path} for path in sorted(paths)]


@pytest.mark.parametrize(("tags", "mpp"), [({}, None), ({"resolution": (2e4, 2e4), "resolutionunit": 3}, 0.5)])
def test_spacing_is_read_with_the_image(tmp_path, tags, mpp):
    read = ReadImageAndSpacingd("image")({"image": image_file(tmp_path, **tags)})
    assert read["image"].shape == (3, 20, 12)
    assert read["mpp"] == mpp


@pytest.mark.parametrize("size", [(20, 12), (70, 90)])
def test_the_inferer_gives_the_segmenters_hover_maps(network, size):
    images = torch.rand(2, 3, *size)
    found = HoverMapInferer(windows((32, 32)), FLIPS)(MetaTensor(images), network)
    segmenter = Segmenter(network, 0.5, inferer=windows((32, 32)), augmentation=FLIPS)
    assert torch.equal(found, torch.stack([segmenter.hover_map(image) for image in images]))


def test_labels_have_the_images_own_size_and_smooth_outlines(network):
    image = torch.rand(3, 61, 47)
    segmentation = Segmenter(network, 0.5)(image, mpp=0.31)
    assert segmentation.label.max() > 3  # otherwise nothing is shown
    seen = HoverMapInferer()(resample_image(image, (38, 29))[None], network)  # 61 * .31 / .5 = 37.8, 47 ... = 29.1
    data = HoverMapToLabeld("pred")({"pred": seen[0], "original_size": [torch.tensor(61), torch.tensor(47)]})
    assert torch.equal(data["pred"], segmentation.label) and data["pred"].dtype == torch.int32


def test_an_ideal_hover_map_at_its_own_size_comes_back():
    label = torch.zeros(1, 30, 20, dtype=torch.int32)
    label[:, 3:12, 4:14], label[:, 15:28, 2:11] = 1, 2
    data = {"pred": hover_map(label), "original_size": (30, 20)}
    exact = HoverMapToLabeld("pred", output=HoverOutput(outline_smoothing=0))(data)["pred"]
    assert torch.equal(exact, label)
    smooth = HoverMapToLabeld("pred")(data)["pred"]  # corners are rounded
    assert 0 < (smooth != label).sum() <= 8 and smooth.max() == 2


def test_monai_takes_labels_x_first():
    label = torch.arange(6, dtype=torch.int32).reshape(1, 2, 3)  # H 2, W 3
    pred = ToMonaiLabeld("pred")({"pred": label})["pred"]
    assert isinstance(pred, np.ndarray) and pred.dtype == np.uint16
    assert pred.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_ids_beyond_16_bit_are_refused_not_wrapped():
    assert ToMonaiLabeld("pred")({"pred": torch.tensor([[[65_535]]])})["pred"][0, 0] == 65_535
    with pytest.raises(ValueError, match="65536 objects do not fit 16 bit"):
        ToMonaiLabeld("pred")({"pred": torch.tensor([[[65_536]]])})


def finished(path, mpp):
    """An engine after an iteration that found one pixel at x = 2, y = 0."""
    meta = {"filename_or_obj": path} | ({} if mpp is None else {"mpp": mpp})
    pred = np.zeros((3, 2), np.uint16)
    pred[2, 0] = 1
    output = [{"image": MetaTensor(torch.zeros(3, 2, 3), meta=meta), "pred": pred}]
    return SimpleNamespace(state=SimpleNamespace(output=output))


@pytest.mark.parametrize("mpp", [None, 0.5])
def test_labels_are_written_y_first_with_the_spacing(tmp_path, mpp):
    WriteLabels(tmp_path / "labels")(finished("somewhere/a.jpg", mpp))
    with tifffile.TiffFile(tmp_path / "labels" / "a.tif") as file:
        assert file.asarray().tolist() == [[0, 0, 1], [0, 0, 0]]
        unit = file.pages[0].tags["ResolutionUnit"].value
    assert (unit == 3) == (mpp is not None)  # 3: centimetre


def test_an_image_is_never_replaced_by_its_label(tmp_path):
    path = image_file(tmp_path)
    before = tifffile.imread(path)
    with pytest.raises(ValueError, match="is the image itself"):
        WriteLabels(tmp_path)(finished(path, None))
    assert np.array_equal(tifffile.imread(path), before)


def test_a_configuration_must_fit_the_models_description(network, tmp_path):
    card = ModelCard({"_target_": "bundle.networks.compact.Compact", "channels": [4, 8]}, mpp=0.25)
    save_model(tmp_path / "model.pt", network, card)
    check_card(tmp_path / "model.pt", 0.25, 3, 6.0)
    with pytest.raises(ValueError, match=r"model\.pt was trained with model_mpp 0\.25 .*add --model_mpp 0\.25"):
        check_card(tmp_path / "model.pt", 0.5, 3, 6.0)
    with pytest.raises(ValueError, match="channels 3"):
        check_card(tmp_path / "model.pt", 0.25, 1, 6.0)
    (tmp_path / "model.json").unlink()
    check_card(tmp_path / "model.pt", 0.5, 3, 6.0)  # nothing to compare with


def test_a_configuration_must_read_the_output_as_the_description_says(network, tmp_path):
    network_def = {"_target_": "bundle.networks.compact.Compact", "channels": [4, 8]}
    check = partial(check_card, tmp_path / "model.pt", 0.25, 3, 6.0)
    save_model(tmp_path / "model.pt", network, ModelCard(network_def, mpp=0.25))
    check(HoverOutput(0.25))
    tuned = HoverOutput(0.25, threshold=0.4, smallest=5.0)
    save_model(tmp_path / "model.pt", network, ModelCard(network_def, 0.25, output=describe_output(tuned)))
    check(tuned)
    with pytest.raises(ValueError, match=r"add --network_output::threshold 0\.4 --network_output::smallest 5\.0$"):
        check(HoverOutput(0.25))
    with pytest.raises(ValueError, match=r"add --network_output::_target_ bundle\.inference\.outputs\.HoverOutput"):
        check(ClassOutput(0.25, threshold=0.4, smallest=5.0))
