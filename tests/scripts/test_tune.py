# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command that tunes: it changes what the next segmentation does, and says what it cannot use."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
import torch
from skimage.draw import disk

from bundle.inference.model import ModelCard, read_card, save_model
from bundle.networks.compact import Compact
from scripts.command_line import run_command
from scripts.tune import tune_by_points

ARGUMENTS = {"channels": [4, 8], "norm": "none"}


@pytest.fixture
def model(tmp_path):
    """Weights set by hand: the darker, the more probable; the logit of m is 20 times the darkness, less 10."""
    network = Compact(**ARGUMENTS)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        network.stem.weight[0, :, 1, 1] = -1.0  # feature 0: darkness, -3 to 3
        network.exit[-1].weight[2, 0, 1, 1] = 20.0
        network.exit[-1].bias[2] = -10.0  # the logit of m
    save_model(
        tmp_path / "model.pt", network, ModelCard({"_target_": "bundle.networks.compact.Compact", **ARGUMENTS}, 0.5)
    )
    return network


def test_the_next_segmentation_uses_the_choice(model, tmp_path):
    greys = np.arange(256, dtype=np.uint8)
    seen = model(torch.from_numpy(greys).float().view(1, 1, -1, 1).expand(1, 3, -1, 4) / 255)[0, 2, :, 2].sigmoid()
    pale = int((seen - 0.44).abs().argmin())
    for part in ("images", "points"):
        (tmp_path / "data" / part).mkdir(parents=True)
    image = np.full((80, 100, 3), 250, np.uint8)
    image[disk((20, 25), 10)], image[disk((50, 70), 10)] = 10, pale
    tifffile.imwrite(tmp_path / "data" / "images" / "a.tif", image, photometric="rgb")
    (tmp_path / "data" / "points" / "a.csv").write_text("x,y\n25,20\n70,50\n")
    run_command(
        {"points": tune_by_points},
        ["points", "--model", str(tmp_path), "--dataset_dir", str(tmp_path / "data"), "--names", "a", "--mpp", "0.5"],
    )
    card = read_card(tmp_path / "model.pt")
    assert card.build_output().threshold < 0.44
    assert card.notes["tuned"]["detection_f1"] == {"before": pytest.approx(2 / 3, abs=1e-6), "after": 1.0}
    assert card.notes["tuned"]["images"] == ["a"]


@pytest.mark.parametrize(("option", "message"), [(["--radius", "0"], "radius is 0"), (["--names", "b"], "it has no b")])
def test_bad_input_is_one_line_and_changes_nothing(model, tmp_path, option, message):
    (tmp_path / "data" / "images").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "data" / "images" / "a.tif", np.zeros((20, 20, 3), np.uint8), photometric="rgb")
    before = json.loads((tmp_path / "model.json").read_text())
    arguments = ["--model", str(tmp_path / "model.pt"), "--dataset_dir", str(tmp_path / "data"), "--names", "a"]
    with pytest.raises(SystemExit, match=message):
        run_command({"points": tune_by_points}, ["points", *arguments, *option])
    assert json.loads((tmp_path / "model.json").read_text()) == before
