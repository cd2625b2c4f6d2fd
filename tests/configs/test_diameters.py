# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""An image with a typical diameter of its own, through the configurations of both stages that read points."""

from __future__ import annotations

from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from bundle.simulation.dataset import write_dataset

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training images, 80 x 80 px at 0.5 um per px; the second has objects of 20 px."""
    folder = write_dataset(tmp_path_factory.mktemp("diameters") / "data", images=2, size=(80, 80), seed=1, testing=0)
    (folder / "diameters.csv").write_text("image,diameter_px\nsimulated_001,20\n")
    return folder


def parse(dataset: Path, config: str) -> ConfigParser:
    """A stage at the smoke preset, at 8 um."""
    files = [str(CONFIGS / name) for name in (config, "presets/smoke.yaml")]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    parser.update({"dataset_dir": str(dataset), "diameter": 8.0})
    return parser


@pytest.mark.parametrize(
    ("config", "training_images"), [("train_synthesis.yaml", "train::dataset"), ("synthesize.yaml", "training_images")]
)
def test_each_image_has_the_law_of_its_diameter(dataset: Path, config: str, training_images: str) -> None:
    found = parse(dataset, config).get_parsed_content(training_images)
    assert [scene.sampler.law.diameter for scene in found] == [16, 20] and found.sampler.law.diameter == 16


def test_no_object_of_the_largest_size_is_background(dataset: Path) -> None:
    parser = parse(dataset, "train_synthesis.yaml")
    assert parser.get_parsed_content("term_background").loss.reach == 24  # 1.2 times 20 px
    assert parser.get_parsed_content("card").diameter == 8


def test_lengths_of_relabelling_belong_to_the_diameter_of_all(dataset: Path) -> None:
    pseudo_label_refiner = parse(dataset, "synthesize.yaml").get_parsed_content("pseudo_label_refiner")
    assert (pseudo_label_refiner.diameter, pseudo_label_refiner.max_radius) == (8, pytest.approx(13.6))
    assert pseudo_label_refiner.core == pytest.approx(8 / 6)
