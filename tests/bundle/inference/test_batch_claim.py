# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A folder of segmented images holds results of one model and one choice of settings."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bundle.files.manifest_file import read_manifest
from bundle.inference.batch_claim import claimed_batch
from bundle.inference.model import ModelCard, describe_network, read_card, save_model, write_card
from bundle.networks.compact import Compact

SETTINGS = {"image_mpp": 0.5, "augmentation": "none", "formats": [], "simplify": 0.0}


@pytest.fixture
def model(tmp_path):
    network = Compact(channels=[4, 8])
    save_model(tmp_path / "model.pt", network, ModelCard(describe_network(network), 0.5, 6.0))
    return tmp_path / "model.pt"


def segment(output, model, names=("a",), overwrite=False, **changes):
    """A run that writes an empty label for each name."""
    with claimed_batch(output, model, SETTINGS | changes, names, overwrite):
        (output / "labels").mkdir(exist_ok=True)
        for name in names:
            (output / "labels" / f"{name}.tif").touch()


def other_weights(model):
    save_model(model, Compact(channels=[4, 8]), read_card(model))


def another_spacing(model):
    write_card(model, replace(read_card(model), mpp=0.25))


def another_diameter(model):
    write_card(model, replace(read_card(model), diameter=8.0))


def tuned(model):
    about = {"_target_": "bundle.inference.outputs.HoverOutput", "mpp": 0.5, "threshold": 0.4}
    write_card(model, replace(read_card(model), output=about))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_weights, "input weights changed"),
        (another_spacing, "setting model changed"),
        (another_diameter, "setting model changed"),
        (tuned, "setting model changed"),
    ],
)
def test_another_model_is_refused(model, tmp_path, change, message):
    segment(tmp_path / "out", model)
    segment(tmp_path / "out", model, ["b"])
    change(model)
    with pytest.raises(ValueError, match=f"out holds what was made otherwise .*{message}.*name another output folder"):
        segment(tmp_path / "out", model, ["c"])
    assert not (tmp_path / "out" / "labels" / "c.tif").exists()


@pytest.mark.parametrize("change", [{"formats": ["geojson"]}, {"simplify": 1.0}])
def test_formats_are_added_to_a_finished_folder_and_not_to_a_cut_one(model, tmp_path, change):
    segment(tmp_path / "out", model)
    segment(tmp_path / "out", model, **change)
    with pytest.raises(KeyError), claimed_batch(tmp_path / "out", model, SETTINGS | change, ["b"], False):
        raise KeyError  # cut
    with pytest.raises(ValueError, match=f"setting {next(iter(change))} changed from"):
        segment(tmp_path / "out", model)
    segment(tmp_path / "out", model, **change)


@pytest.mark.parametrize("change", [{"image_mpp": None}, {"image_mpp": 0.25}, {"augmentation": "flips"}])
def test_other_settings_are_refused_by_name(model, tmp_path, change):
    segment(tmp_path / "out", model)
    with pytest.raises(ValueError, match=f"setting {next(iter(change))} changed from"):
        segment(tmp_path / "out", model, ["b"], **change)
    segment(tmp_path / "out", model, ["a"], overwrite=True, **change)  # all there is
    segment(tmp_path / "out", model, ["b"], **change)
    with pytest.raises(ValueError, match=f"setting {next(iter(change))} changed from"):
        segment(tmp_path / "out", model, ["a"], overwrite=True)  # b would stay as it is


def test_notes_of_a_model_do_not_matter(model, tmp_path):
    segment(tmp_path / "out", model)
    write_card(model, replace(read_card(model), notes={"preset": "cpu"}))
    segment(tmp_path / "out", model, ["b"])
    assert read_manifest(tmp_path / "out")["complete"]


def test_results_without_a_record_are_kept_with_a_warning(model, tmp_path, caplog):
    (tmp_path / "out" / "labels").mkdir(parents=True)
    (tmp_path / "out" / "labels" / "old.tif").touch()
    segment(tmp_path / "out", model)
    assert "1 results that do not say which model made them" in caplog.text
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["stage"] == "segment"
