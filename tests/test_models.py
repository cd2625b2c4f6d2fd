# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The weights that ship: they fit, they find nuclei, they say what they are and under which terms."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import skimage.draw
import skimage.filters
import torch

from bundle.data.folder import DataFolder
from bundle.files.provenance import sha256
from bundle.inference.model import load_network, read_card
from bundle.metrics import summarise
from bundle.nuclei import load_model
from bundle.release.weights import measure_testing_images
from bundle.release.zip_file import check_packaged_weights, model_files

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted((ROOT / "models").glob("*.pt"))
NON_COMMERCIAL = [ROOT / "models" / f"{kind}_monuseg_noncommercial.pt" for kind in ("model", "encoder")]
FREE = [ROOT / "models" / name for name in ("model.pt", "model_fluorescence.pt")]
by_name = pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)


def test_the_free_one_has_the_shortest_name():
    """MONAI Label takes that one; the bundle's configurations have to fit it, and load it strictly."""
    assert {path.name for path in MODELS} == {*(path.name for path in FREE), *(path.name for path in NON_COMMERCIAL)}
    assert min(MODELS, key=lambda path: len(path.name)).name == "model.pt"
    check_packaged_weights(ROOT, ROOT / "models" / "model.pt")


@by_name
def test_a_file_is_small_and_flat_and_its_card_is_of_it(path):
    stored = torch.load(path, weights_only=True)
    assert all(value.dtype == torch.float16 for value in stored.values())
    assert path.stat().st_size < 4e6
    network = load_network(path).network
    assert set(network.state_dict()) == set(stored)
    card = read_card(path)
    channels = 1 if "fluorescence" in path.name else 3
    assert card.notes["sha256"] == sha256(path) and (card.mpp, card.diameter, card.channels) == (0.5, 6.0, channels)


@by_name
def test_the_model_card_for_people_says_what_was_measured(path):
    notes, text = read_card(path).notes, (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    aji = notes["measured"]["aji"]
    assert path.name in text and f"{aji['mean']:.3f} ± {aji['sd']:.3f}".replace("0.", ".") in text
    assert notes["licence"] and notes["trained_on"]


def test_the_metadata_say_what_the_free_one_measures():
    metadata = json.loads((ROOT / "configs" / "metadata.json").read_text(encoding="utf-8"))
    measured = read_card(ROOT / "models" / "model.pt").notes["measured"]
    assert metadata["eval_metrics"] == {f"mean_{name}": measured[name]["mean"] for name in ("aji", "pq")}


def test_only_the_free_ones_are_under_the_licence_of_the_code():
    assert all("Apache-2.0" in read_card(path).notes["licence"] for path in FREE)
    terms = (ROOT / "models" / "LICENSE_monuseg_noncommercial.txt").read_text(encoding="utf-8")
    assert "creativecommons.org/licenses/by-nc-sa/4.0/legalcode" in terms
    for path in NON_COMMERCIAL:
        assert "CC BY-NC-SA 4.0" in read_card(path).notes["licence"] and path.name in terms


@pytest.mark.parametrize("path", [ROOT / "models" / "model.pt", NON_COMMERCIAL[0]], ids=lambda path: path.stem)
def test_it_finds_nuclei_in_a_real_image_of_neither_data_set(path):
    """Tissue in blue and brown: some hundred nuclei in view, and pale glass on which there is none."""
    found = load_model(path, device="cpu").segment(skimage.data.immunohistochemistry(), mpp=0.5)
    assert 100 < len(found) < 400
    assert found.label[260:390, :40].max() == 0  # glass
    assert found.label[350:480, 150:250].max() > 0  # stroma, whose nuclei stand alone
    typical = (found.columns()["area_um2"] > 10).mean()
    assert typical > 0.3


@pytest.mark.parametrize("diameter", [12, 24, 40])
@pytest.mark.parametrize("gain", [1.0, 0.25])
def test_bright_nuclei_are_found_whatever_their_size_and_the_exposure(gain, diameter):
    """Blurred bright discs on dark, with noise: 25 of them."""
    rng, step = np.random.default_rng(0), 2 * diameter
    truth = np.zeros((5 * step, 5 * step))
    for row in range(5):
        for column in range(5):
            middle = (np.array([row, column]) + 0.5) * step + rng.uniform(-diameter / 4, diameter / 4, 2)
            truth[skimage.draw.disk(middle, diameter / 2, shape=truth.shape)] = rng.uniform(0.5, 1)
    image = skimage.filters.gaussian(truth, diameter / 12) * 200 + 8 + rng.normal(0, 3, truth.shape)
    found = load_model(FREE[1], device="cpu").segment((image * gain).clip(0, 255).astype(np.uint8))
    assert 23 <= len(found) <= 28
    both = ((found.label > 0) & (truth > 0)).sum() / ((found.label > 0) | (truth > 0)).sum()
    assert both > 0.75


@pytest.mark.slow
@pytest.mark.skipif("MONUSEG_DIR" not in os.environ, reason="MONUSEG_DIR does not name the MoNuSeg data folder")
@pytest.mark.parametrize("path", NON_COMMERCIAL[1:], ids=lambda path: path.stem)
def test_what_the_card_claims_is_measured_again(path):
    """Of the one that has not seen the testing images; the others are measured on data of another folder."""
    folder = DataFolder(os.environ["MONUSEG_DIR"], mpp=0.25)
    split = json.loads((ROOT / "configs" / "splits" / "monuseg.json").read_text(encoding="utf-8"))
    assert sorted(item.name for item in folder.testing) == sorted(split["testing"])
    claimed = read_card(path).notes["measured"]
    for metric, entry in summarise(measure_testing_images(path, folder)).items():
        if metric in claimed:
            assert entry["mean"] == pytest.approx(claimed[metric]["mean"], abs=0.005)


def test_the_package_leaves_the_non_commercial_one_out():
    packed = model_files(ROOT / "models" / "model.pt")
    assert sorted(packed) == ["model.json", "model.pt"]
    assert not [path for path in packed.values() if "noncommercial" in path.name]
