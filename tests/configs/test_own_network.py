# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Another network by one override, and ids that nobody knows: train.json and inference.json as users change them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import tifffile
from monai.bundle import ConfigParser, ConfigWorkflow

from bundle.files.images import load_image
from bundle.inference.model import load_network, segmenter_of
from bundle.simulation.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[2]
UNET = {
    "_target_": "monai.networks.nets.UNet",
    "spatial_dims": 2,
    "in_channels": "@channels",
    "out_channels": 3,
    "channels": [4, 8],
    "strides": [2],
}
RUN = [path.name for path in sorted((ROOT / "configs").iterdir()) if path.suffix in (".json", ".yaml")]
OVERLAID = {"multi_gpu_synthesis.yaml": ("train_synthesis.yaml",), "multi_gpu_train.json": ("train.json",)}
RUN = [name for name in RUN if "run" in ConfigParser.load_config_file(str(ROOT / "configs" / name))]


def run(*names, **overrides):
    files = [str(ROOT / "configs" / name) for name in (*names, "presets/smoke.yaml")]
    options = {name: str(value) if isinstance(value, Path) else value for name, value in overrides.items()}
    kind = "infer" if "inference.json" in names else "train"
    workflow = ConfigWorkflow(files, workflow_type=kind, logging_file=False, bundle_root=str(ROOT), **options)
    workflow.initialize()
    workflow.run()
    workflow.finalize()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("own") / "data", images=2, size=(64, 64), seed=1, testing=1)


@pytest.fixture(scope="module")
def trained(dataset):
    """A UNet of MONAI's, trained for some updates, by one override."""
    run("train.json", dataset_dir=dataset, output_dir=dataset.parent / "out", network_def=UNET)
    return dataset.parent / "out" / "model.pt"


def test_monais_unet_trains_by_one_override_and_its_model_says_what_it_is(trained):
    card = load_network(trained).card
    assert card.network == {**UNET, "in_channels": 3}
    assert json.loads(trained.with_suffix(".json").read_text())["network"] == dict(card.network)


def test_it_is_segmented_with_by_the_bundle_and_by_our_segmenter_alike(trained, dataset, tmp_path):
    image = dataset / "images" / "simulated_001.tif"
    run("inference.json", dataset_dir=image.parent, model=trained, output_dir=tmp_path, network_def=UNET)
    loaded = load_image(image)
    expected = segmenter_of(load_network(trained))(loaded.image, loaded.mpp).label[0].numpy()
    assert np.array_equal(tifffile.imread(tmp_path / "labels" / image.name), expected)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({**UNET, "out_channels": 2}, "network_def: network monai.networks.nets.unet.UNet cannot be built"),
        ({**UNET, "act": "$print"}, "network_def: network_def::act is <built-in function print>"),
        ({"_target_": "torch.nn.Identity"}, "network_def: .*must be"),
    ],
)
def test_a_network_that_cannot_be_kept_is_one_line_before_anything_is_written(dataset, tmp_path, network, message):
    with pytest.raises(SystemExit, match=f"^error: {message}"):
        run("train.json", dataset_dir=dataset, output_dir=tmp_path / "out", network_def=network)
    assert not (tmp_path / "out").exists()


OVERLAYS = {
    "evaluate.json": ("train.json",),
    "multi_gpu_synthesis.yaml": ("train_synthesis.yaml",),
    "multi_gpu_train.json": ("train.json",),
}


@pytest.mark.parametrize("name", RUN)
def test_a_misspelt_override_is_one_line_before_anything_is_read_or_written(tmp_path, name):
    below = OVERLAYS.get(name, ())
    with pytest.raises(SystemExit, match="^error: the configuration knows no --image_mp: did you mean --image_mpp"):
        run(*below, name, image_mp=0.25, dataset_dir=tmp_path / "data", output_dir=tmp_path / "out")
    assert not any(tmp_path.iterdir())


def test_all_workflows_are_tried_above():
    assert {"train.json", "inference.json", "evaluate.yaml", "train_synthesis.yaml", "synthesize.yaml"} <= set(RUN)


@pytest.mark.parametrize("image_mpp", [None, 0.5])
def test_an_image_without_a_spacing_is_warned_of_by_name(trained, dataset, tmp_path, caplog, image_mpp):
    (tmp_path / "images").mkdir()
    pixels = tifffile.imread(dataset / "images" / "simulated_001.tif")
    tifffile.imwrite(tmp_path / "images" / "silent.tif", pixels, photometric="rgb")
    with caplog.at_level(logging.WARNING):
        paths = {"dataset_dir": tmp_path / "images", "output_dir": tmp_path / "out", "model": trained}
        run("inference.json", network_def=UNET, image_mpp=image_mpp, **paths)
    said = "silent.tif: um per px unknown; taken for the model's 0.5" in caplog.text
    assert said == (image_mpp is None)
