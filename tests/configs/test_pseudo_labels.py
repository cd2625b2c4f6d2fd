# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Baselines whose labels are made of points, as `python -m monai.bundle run` runs them: made, then trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from monai.bundle import ConfigParser, ConfigWorkflow

from bundle.files.manifest_file import read_manifest
from bundle.inference.pasting import CopyPaster
from bundle.inference.pseudo_labels import GeodesicLabeller, MaskLabeller, VoronoiLabeller
from bundle.simulation.dataset import write_dataset

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
VARIANTS = {"voronoi": VoronoiLabeller, "geodesic": GeodesicLabeller, "copy_paste": CopyPaster, "masks": MaskLabeller}
TRAIN = ("train.json", "train_on_pseudo_labels.yaml")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training images, 80 x 80 px, whose labels are no labels; beside them masks of some other model."""
    folder = write_dataset(tmp_path_factory.mktemp("pseudo") / "data", images=2, size=(80, 80), seed=1, testing=0)
    (folder.parent / "masks").mkdir()
    for path in (folder / "labels").iterdir():
        tifffile.imwrite(folder.parent / "masks" / f"{path.stem}.tif", np.ones((1, 80, 80), np.uint8))
        path.write_bytes(b"nobody who trains on points may read this")
    return folder


def workflow(names: tuple[str, ...], variant: str, **options: object) -> ConfigWorkflow:
    """A stage at the smoke preset with a variant, initialized; the log is left to pytest."""
    files = [str(CONFIGS / name) for name in (*names, "presets/smoke.yaml", f"variants/{variant}.yaml")]
    texts = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    made = ConfigWorkflow(files, workflow_type="train", logging_file=False, bundle_root=str(CONFIGS.parent), **texts)
    made.initialize()
    return made


@pytest.mark.parametrize("variant", VARIANTS)
def test_labels_are_made_and_trained_on_without_opening_true_ones(dataset: Path, tmp_path: Path, variant: str) -> None:
    folders = {"dataset_dir": dataset, "output_dir": tmp_path / "pseudo"}
    given = {"masks_dir": dataset.parent / "masks"} if variant == "masks" else {}
    make = workflow(("pseudo_label.yaml",), variant, **folders, **given)
    make.run()
    make.finalize()
    assert type(make.parser.get_parsed_content("pseudo_labeller")) is VARIANTS[variant]
    manifest = read_manifest(tmp_path / "pseudo")
    assert manifest is not None and manifest["complete"] and manifest["stage"] == "pseudo_labels"
    ending = "_000.tif" if variant == "copy_paste" else ".tif"
    names = [f"simulated_00{i}{ending}" for i in (0, 1)]
    assert sorted(path.name for path in (tmp_path / "pseudo" / "labels").iterdir()) == names

    train = workflow(TRAIN, variant, dataset_dir=dataset, pseudo_dir=tmp_path / "pseudo", output_dir=tmp_path / "out")
    train.run()
    assert (tmp_path / "out" / "model.pt").is_file()
    batch = train.parser.get_parsed_content("train::dataloader").batch(0)
    assert ("weight" in batch) == (variant in ("voronoi", "masks"))


def test_masks_that_nobody_named_are_one_clear_error(dataset: Path, tmp_path: Path) -> None:
    make = workflow(("pseudo_label.yaml",), "masks", dataset_dir=dataset, output_dir=tmp_path / "pseudo")
    with pytest.raises(RuntimeError) as error:
        make.run()
    cause: BaseException = error.value
    while cause.__cause__ is not None:
        cause = cause.__cause__
    assert "masks_dir is not set: name the folder" in str(cause)


def test_as_many_pairs_are_pasted_as_stage_2_paints(dataset: Path, tmp_path: Path) -> None:
    options = {"dataset_dir": dataset, "output_dir": tmp_path, "pairs_per_image": 3}
    workflow(("pseudo_label.yaml",), "copy_paste", **options).run()
    assert len(list((tmp_path / "images").iterdir())) == 6
    both = [ConfigParser.load_config_file(str(CONFIGS / name)) for name in ("pseudo_label.yaml", "synthesize.yaml")]
    shared = ("pairs_per_image", "area_law", "diameter", "model_mpp", "object_radius", "object_core")
    assert [both[0][name] for name in shared] == [both[1][name] for name in shared]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("config", ["train_synthesis.yaml", "synthesize.yaml", "train.json", "evaluate.yaml"])
def test_the_variants_can_be_laid_over_every_stage(config: str, variant: str) -> None:
    names = [config, f"variants/{variant}.yaml"]
    merged = ConfigParser.load_config_files([str(CONFIGS / name) for name in names])
    assert merged.keys() >= ConfigParser.load_config_file(str(CONFIGS / config)).keys()
    assert ConfigParser(merged).get_parsed_content("bundle_root") == "."
