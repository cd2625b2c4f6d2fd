# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A stated range of 16-bit intensities: trained with, kept in the card, and used again unless told otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from monai.bundle import ConfigWorkflow

from bundle.data.folder import DataFolder
from bundle.data.readers import ReadImaged
from bundle.files.view import stated_window
from bundle.inference.model import ModelCard, read_card
from bundle.label_server.images import segment_image as segment_for_a_client
from bundle.label_server.query import Query
from bundle.nuclei import load_model
from bundle.pipeline.request import Request
from bundle.pipeline.stage_run import StageRun
from bundle.pipeline.stages import METHOD
from bundle.slides.reader import Slide
from scripts.segment import image as segment_image
from scripts.typed_options import call

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
RANGE = (100.0, 4095.0)


def write(path, low=200, high=3000, dtype=np.uint16, seed=0):
    """A grey image of 80 x 80 px: bright squares on the dark."""
    pixels = np.random.default_rng(seed).integers(low, low + 20, (80, 80))
    pixels[20:30, 20:30] = pixels[50:60, 40:50] = high
    tags = {"resolution": (2e4, 2e4), "resolutionunit": "CENTIMETER", "photometric": "minisblack"}
    tifffile.imwrite(path, pixels.astype(dtype), **tags)
    return path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two training images and a testing one, all with labels and points."""
    root = tmp_path_factory.mktemp("intensity") / "data"
    for part in ("images", "labels", "points"):
        (root / part).mkdir(parents=True)
    label = np.zeros((80, 80), np.uint16)
    label[20:30, 20:30], label[50:60, 40:50] = 1, 2
    for number, name in enumerate("abc"):
        write(root / "images" / f"{name}.tif", high=2000 + 500 * number, seed=number)
        tifffile.imwrite(root / "labels" / f"{name}.tif", label)
        (root / "points" / f"{name}.csv").write_text("x,y\n24,24\n44,54\n")
    (root / "split.json").write_text(json.dumps({"training": ["a", "b"], "testing": ["c"]}))
    return root


def workflow(names, kind="train", **overrides):
    """Initialized, on grey images."""
    files = [str(CONFIGS / name) for name in (*names, "variants/grey.yaml")]
    made = ConfigWorkflow(files, workflow_type=kind, logging_file=False, bundle_root=str(CONFIGS.parent), **overrides)
    made.initialize()
    return made


@pytest.fixture(scope="module")
def trained(dataset):
    """A model of the stated range, trained for an update."""
    folders = {"dataset_dir": str(dataset), "output_dir": str(dataset.parent / "model")}
    small = {"segmentation_epochs": 1, "segmentation_updates_per_epoch": 1, "device": "cpu"}
    made = workflow(("train.json", "presets/smoke.yaml"), **folders, **small, intensity=list(RANGE))
    made.run()
    made.finalize()
    return made, dataset.parent / "model"


def scaled(path, window=RANGE):
    """What a network should see, float32 (1, H, W)."""
    low, high = window
    return torch.from_numpy(np.clip((tifffile.imread(path).astype(np.float32) - low) / (high - low), 0, 1))[None]


def test_training_scales_by_the_range_and_the_card_keeps_it(dataset, trained):
    made, folder = trained
    images = made.parser.get_parsed_content("train::dataset").training_images
    for each, name in zip(images, "ab", strict=True):
        torch.testing.assert_close(each.image, scaled(dataset / "images" / f"{name}.tif"))
    assert json.loads((folder / "model.json").read_text())["intensity"] == list(RANGE)
    assert read_card(folder / "model.pt").intensity == RANGE


def test_python_and_the_label_server_look_at_16_bit_images_so_and_at_8_bit_ones_as_ever(dataset, trained, tmp_path):
    _, folder = trained
    deep, shallow = dataset / "images" / "c.tif", write(tmp_path / "eight.tif", 20, 200, np.uint8)
    model = load_model(folder, device="cpu")
    torch.testing.assert_close(model.segment(deep).image, scaled(deep))
    torch.testing.assert_close(model.segment(shallow).image, scaled(shallow, (0, 255)))
    found, _ = segment_for_a_client(deep, Query(folder / "model.pt"))
    assert np.array_equal(found.label[0].numpy(), model.segment(deep).label)


@pytest.mark.parametrize(("stated", "expected"), [(None, RANGE), ("0,65535", (0.0, 65535.0))])
def test_segment_uses_the_models_range_unless_told_otherwise(dataset, trained, tmp_path, stated, expected):
    options = {"output": str(tmp_path), "model": str(trained[1]), "device": "cpu", "intensity": stated}
    call(segment_image, str(dataset / "images" / "c.tif"), **options)
    kept = json.loads((tmp_path / "intensities.json").read_text())
    assert (kept["low"], kept["high"]) == expected and kept["stated"] == (stated is not None)


@pytest.mark.parametrize(("stated", "expected"), [({}, RANGE), ({"intensity": [0, 65535]}, (0.0, 65535.0))])
def test_inference_json_uses_the_models_range_unless_told_otherwise(dataset, trained, tmp_path, stated, expected):
    weights = str(trained[1] / "model.pt")
    folders = {"dataset_dir": str(dataset / "images"), "output_dir": str(tmp_path), "model": weights}
    made = workflow(("inference.json", "presets/smoke.yaml"), "infer", **folders, device="cpu", **stated)
    seen = made.parser.get_parsed_content("dataset")[2]["image"]
    torch.testing.assert_close(seen.as_tensor(), scaled(dataset / "images" / "c.tif", expected))
    made.run()
    assert (tmp_path / "labels" / "c.tif").is_file()


def test_the_evaluation_looks_at_images_as_the_training_did(dataset, trained, tmp_path):
    folders = {"dataset_dir": str(dataset), "segmentation_dir": str(trained[1]), "output_dir": str(tmp_path / "stage")}
    segmenter = workflow(("evaluate.yaml",), **folders, device="cpu").parser.get_parsed_content("evaluator").segmenter
    assert segmenter.common == RANGE
    folders = {"dataset_dir": str(dataset), "model": str(trained[1]), "output_dir": str(tmp_path / "overlay")}
    made = workflow(("train.json", "presets/smoke.yaml", "evaluate.json"), **folders, device="cpu")
    [item] = made.parser.get_parsed_content("validate::dataset")
    torch.testing.assert_close(item["image"].as_tensor(), scaled(dataset / "images" / "c.tif"))


def test_a_slide_is_opened_so_unless_its_values_are_8_bit_ones(dataset, tmp_path):
    path = dataset / "images" / "c.tif"
    with Slide(path, 1, common=RANGE) as slide:
        assert slide.window == RANGE
        torch.testing.assert_close(slide.read(0, 0, 80, 80), scaled(path))
    spread = tmp_path / "spread.tif"
    tifffile.imwrite(spread, tifffile.imread(write(tmp_path / "eight.tif", 20, 200, np.uint8)).astype(np.uint16) * 257)
    with Slide(spread, 1, 0.5, common=RANGE) as slide:
        assert slide.window == (0, 65535)


def test_every_stage_of_the_pipeline_is_told(dataset, tmp_path):
    plain = Request(dataset, tmp_path, CONFIGS.parent, "smoke", variant="grey")
    stated = Request(dataset, tmp_path, CONFIGS.parent, "smoke", variant="grey", intensity=RANGE)
    assert stated.arguments()["intensity"] == "100,4095" and "intensity" not in plain.arguments()
    for stage in METHOD:
        assert StageRun(plain, stage).config.get("intensity") is None
        assert StageRun(stated, stage).config["intensity"] == list(RANGE)
        assert StageRun(plain, stage).settings != StageRun(stated, stage).settings  # what a manifest keeps and compares


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), ("", None), ("100,4095", RANGE), ([100, 4095], RANGE), ((100, 4095.0), RANGE)]
)
def test_a_range_is_two_numbers_or_a_text(value, expected):
    assert stated_window(value) == expected


@pytest.mark.parametrize("value", ["100", "a,b", "4095,100", "5,5", [1], [1, 2, 3], ["1", 2], {"low": 1}, 7, [0, 1e99]])
def test_anything_else_is_refused(dataset, value):
    for make in (
        lambda: stated_window(value),
        lambda: DataFolder(dataset, channels=1, intensity=value),
        lambda: ReadImaged("image", 1, intensity=value),
        lambda: ModelCard({"_target_": "bundle.networks.compact.Compact"}, 0.5, intensity=value),
    ):
        with pytest.raises(ValueError, match="intensity is"):
            make()


@pytest.mark.parametrize("spread", [False, True])
def test_a_range_stated_for_8_bit_images_is_refused_before_training(dataset, tmp_path, spread):
    for part in ("images", "points"):
        (tmp_path / part).mkdir()
    path = write(tmp_path / "images" / "a.tif", 20, 200, np.uint8)
    if spread:
        tifffile.imwrite(path, tifffile.imread(path).astype(np.uint16) * 257, photometric="minisblack")
    (tmp_path / "points" / "a.csv").write_text("x,y\n24,24\n")
    with pytest.raises(ValueError, match=r"a\.tif: has 8-bit intensities, and 100,4095 is stated"):
        DataFolder(tmp_path, channels=1, intensity="100,4095").check_points()
    DataFolder(tmp_path, channels=1).check_points()
