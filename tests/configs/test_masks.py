# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Variants of the masks, as `python -m monai.bundle run` runs them: fully synthetic points, and shapes but ellipses."""

from __future__ import annotations

from pathlib import Path

import pytest
import tifffile
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from bundle.data.synthetic_points import SyntheticPointImages
from bundle.files.running_config import described
from bundle.inference.model import ModelCard, write_card
from bundle.networks.weights import save
from bundle.simulation.dataset import write_dataset
from transforms.shapes.blobs import BlobSampler
from transforms.shapes.ellipses import EllipseSampler

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
STAGES = {
    "train_synthesis.yaml": "train::dataset",
    "synthesize.yaml": "training_images",
}  # where each has its real training images


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training images, 80 x 80 px, and beside them the weights of networks that nobody trained."""
    folder = write_dataset(tmp_path_factory.mktemp("masks") / "data", images=2, size=(80, 80), seed=1, testing=0)
    files = [str(CONFIGS / name) for name in ("train_synthesis.yaml", "presets/smoke.yaml")]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    for network, name in (("generator_def", "generator.pt"), ("segmenter_def", "warm_start/segmenter.pt")):
        save(parser.get_parsed_content(network).state_dict(), folder.parent / "synthesis" / name)
    card = ModelCard(described(parser, "generator_def"), mpp=0.5, diameter=6.0)
    write_card(folder.parent / "synthesis" / "generator.pt", card)
    return folder


def workflow(dataset: Path, config: str, *variants: str, **options: object) -> ConfigWorkflow:
    """A stage at the smoke preset with variants, initialized; the log is left to pytest."""
    names = [config, "presets/smoke.yaml", *(f"variants/{name}.yaml" for name in variants)]
    folders = {"dataset_dir": dataset, "synthesis_dir": dataset.parent / "synthesis", "bundle_root": CONFIGS.parent}
    if config != "synthesize.yaml":
        del folders["synthesis_dir"]
    texts = {name: str(value) if isinstance(value, Path) else value for name, value in (folders | options).items()}
    made = ConfigWorkflow([str(CONFIGS / name) for name in names], workflow_type="train", logging_file=False, **texts)
    made.initialize()
    return made


def test_stage_2_paints_as_many_images_of_any_size_as_asked_for(dataset: Path, tmp_path: Path) -> None:
    options = {"synthetic_images": 3, "synthetic_size": [48, 72], "output_dir": tmp_path}
    workflow(dataset, "synthesize.yaml", "synthetic_points", **options).run()
    names = [f"synthetic_000{i}_000.tif" for i in (1, 2, 3)]
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == names
    for name in names:
        assert tifffile.imread(tmp_path / "images" / name).shape == (48, 72, 3)
        assert tifffile.imread(tmp_path / "labels" / name).shape == (48, 72)
    assert len(list((tmp_path / "relabelled" / "labels").iterdir())) == 2  # the real images, as ever


def test_by_default_there_are_as_many_synthetic_images_as_real_ones(dataset: Path, tmp_path: Path) -> None:
    parser = workflow(dataset, "synthesize.yaml", "synthetic_points", output_dir=tmp_path).parser
    painted, real = parser.get_parsed_content("painted_images"), parser.get_parsed_content("training_images")
    assert isinstance(painted, SyntheticPointImages) and painted.sampler is real.sampler
    assert [scene.size for scene in painted] == [(80, 80), (80, 80)]
    assert painted.layout.correlation_length == 96  # 48 um


def test_without_the_variant_the_real_points_are_painted_over(dataset: Path, tmp_path: Path) -> None:
    parser = workflow(dataset, "synthesize.yaml", output_dir=tmp_path).parser
    assert parser.get_parsed_content("painted_images") is parser.get_parsed_content("training_images")


@pytest.mark.parametrize("config", STAGES)
@pytest.mark.parametrize(("variants", "sampler"), [([], EllipseSampler), (["blobs"], BlobSampler)])
def test_shapes_are_a_choice_of_both_stages(
    dataset: Path, tmp_path: Path, config: str, variants: list[str], sampler: type
) -> None:
    parser = workflow(dataset, config, *variants, output_dir=tmp_path).parser
    training_images = parser.get_parsed_content(STAGES[config])
    assert type(training_images.sampler) is sampler
    crop = training_images[0].crop((0, 0), (64, 64), torch.Generator().manual_seed(0))
    assert crop.stack([crop])["label"].max() > 0


@pytest.mark.parametrize("config", ["train_synthesis.yaml", "synthesize.yaml", "train.json", "evaluate.yaml"])
def test_the_variants_can_be_laid_over_every_stage(config: str) -> None:
    names = [config, "variants/blobs.yaml", "variants/synthetic_points.yaml"]
    merged = ConfigParser.load_config_files([str(CONFIGS / name) for name in names])
    assert merged.keys() >= ConfigParser.load_config_file(str(CONFIGS / config)).keys()
    assert ConfigParser(merged).get_parsed_content("bundle_root") == "."


def test_blobs_are_painted_over_synthetic_points(dataset: Path, tmp_path: Path) -> None:
    options = {"synthetic_images": 1, "output_dir": tmp_path, "relabelling": None}
    workflow(dataset, "synthesize.yaml", "synthetic_points", "blobs", **options).run()
    assert tifffile.imread(tmp_path / "labels" / "synthetic_0001_000.tif").max() > 0
