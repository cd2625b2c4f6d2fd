# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tuning: it finds what a network's maps need, changes nothing without a reason, and looks at points alone."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from torch import nn

from bundle.data.folder import DataFolder
from bundle.files.manifest import StageManifest, differences
from bundle.inference.model import Model, ModelCard, describe_output, read_card, save_model, segmenter_of
from bundle.inference.outputs import ClassOutput, HoverOutput
from bundle.inference.tuning import Seen, Tuning, candidates, score, tune, validation_items, write_tuning
from bundle.networks.compact import Compact
from transforms.maps.hover import hover_map

MPP = 0.25
CENTRES = [(14, 12), (40, 15), (25, 40)]  # x, y of discs of radius 9 px
CARD = ModelCard({"_target_": "bundle.networks.compact.Compact", "channels": [4, 8]}, MPP, diameter=4.5)

WATCHED: list[list[str]] = []  # lists of opened files; a hook cannot be taken away again, so it is idle without one
sys.addaudithook(
    lambda event, arguments: WATCHED[-1].append(str(arguments[0])) if WATCHED and event == "open" else None
)


class Decoder(nn.Module):
    """A network that reads its answer off the image: red is h, green is v, blue is m."""

    def forward(self, image):
        return torch.cat((image[:, :2] * 2 - 1, (image[:, 2:] - 0.5) * 30), 1)


def add_image(folder: Path, name: str, probabilities: tuple[float, ...] = (1, 1, 1), points=CENTRES) -> None:
    """An image from which Decoder reads discs, each with its own foreground probability, and its points."""
    x, y = np.meshgrid(np.arange(60), np.arange(56))
    label, m = torch.zeros(1, 56, 60, dtype=torch.int32), torch.zeros(1, 56, 60)
    for number, (centre, probability) in enumerate(zip(CENTRES, probabilities, strict=True), 1):
        disc = torch.from_numpy(np.hypot(x - centre[0], y - centre[1]) < 9)[None]
        label[disc], m[disc] = number, probability
    blue = 0.5 + m.clamp(1e-6, 1 - 1e-6).logit() / 30
    image = torch.cat(((hover_map(label)[:2] + 1) / 2, blue)).permute(1, 2, 0)
    for part in ("images", "points"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    tags = {"resolution": (1e4 / MPP, 1e4 / MPP), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(folder / "images" / f"{name}.tif", (image * 255).round().byte().numpy(), photometric="rgb", **tags)
    if points is not None:
        lines = "".join(f"{x},{y}\n" for x, y in points)
        (folder / "points" / f"{name}.csv").write_text("x,y\n" + lines)


def test_a_pale_object_lowers_the_threshold(tmp_path):
    add_image(tmp_path, "a", (1.0, 0.44, 1.0))
    add_image(tmp_path, "b")
    tuning = tune(Model(Decoder(), CARD), DataFolder(tmp_path), ["a", "b"])
    assert tuning.output.threshold < 0.44 and tuning.score == 1.0 and tuning.names == ["a", "b"]
    assert tuning.score_before == pytest.approx((2 * 2 / 5 + 1) / 2)  # two of three in a, all in b


def test_what_is_no_object_raises_the_smallest_area(tmp_path):
    add_image(tmp_path, "a", points=CENTRES[:2])  # the third disc is as large as the others: only its place is wrong
    everything = tune(Model(Decoder(), CARD), DataFolder(tmp_path), ["a"])
    assert everything.output == segmenter_of(Model(Decoder(), CARD)).output and everything.score < 1
    views = [Seen(map_of_a_disc_and_a_speck(), (40, 40), torch.tensor([[20.0, 20.0]]), 8.0)]
    found = {output.smallest: score(views, output, 4) for output in candidates(HoverOutput(MPP), ["smallest"], 6.0)}
    assert found[None] == pytest.approx(2 / 3) and found[max(filter(None, found))] == 1.0


def map_of_a_disc_and_a_speck() -> torch.Tensor:
    label = torch.zeros(1, 40, 40, dtype=torch.int32)
    label[0, 11:30, 11:30] = 1
    label[0, 2:5, 2:5] = 2
    return hover_map(label)


def test_of_equally_good_parameters_the_models_own_stay(tmp_path):
    add_image(tmp_path, "a")
    own = HoverOutput(MPP, threshold=0.47, smoothing=0.1)
    card = ModelCard(CARD.network, MPP, diameter=4.5, output=describe_output(own))
    tuning = tune(Model(Decoder(), card), DataFolder(tmp_path), ["a"])
    assert tuning.output == own and tuning.score == tuning.score_before == 1.0


def test_tuning_opens_no_label(tmp_path):
    for name in ("a", "b"):
        add_image(tmp_path, name)
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / "labels" / f"{name}.png").write_bytes(b"this is no label and would be an error")
    (tmp_path / "split.json").write_text(json.dumps({"training": ["a"], "testing": ["b"]}))
    opened: list[str] = []
    WATCHED.append(opened)
    try:
        tune(Model(Decoder(), CARD), DataFolder(tmp_path), ["a"])
    finally:
        WATCHED.remove(opened)
    assert str(tmp_path / "points" / "a.csv") in opened  # so the hook sees
    assert not [path for path in opened if Path(path).parent.name == "labels"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "t"], "t: testing images measure"),
        (["a", "q"], "it has no q"),
        (["a", "a"], "each once"),
        ([], "name some of its images"),
        (["a", "n"], "n: no points file"),
    ],
)
def test_images_that_cannot_tell_are_refused(tmp_path, names, message):
    for name in ("a", "t", "left_out"):
        add_image(tmp_path, name)
    add_image(tmp_path, "n", points=None)
    (tmp_path / "split.json").write_text(json.dumps({"training": ["a"], "testing": ["t"]}))
    folder = DataFolder(tmp_path)
    assert [item.name for item in validation_items(folder, ["left_out", "a"])] == ["left_out", "a"]
    with pytest.raises(ValueError, match=message):
        validation_items(folder, names)


def test_candidates_vary_what_the_output_has():
    own = ClassOutput(0.5, reach=0.9)
    found = list(candidates(own, ["threshold", "reach", "smallest"], 6.0))
    assert found[0] == own and all(isinstance(each, ClassOutput) and each.mpp == 0.5 for each in found)
    assert {each.reach for each in found} > {0.5, 0.9, 1.5} and {each.threshold for each in found} > {0.3, 0.5}
    assert max(each.smallest for each in found[1:]) == pytest.approx(2 / 7 * math.pi * 9, abs=0.01)
    threshold_alone = list(candidates(own, ["threshold"], None))
    assert {each.reach for each in threshold_alone} == {0.9} and len(set(threshold_alone)) == len(threshold_alone) - 1


@pytest.mark.parametrize(("vary", "diameter"), [(["reach"], 6.0), (["colour"], 6.0), ([], 6.0), (["smallest"], None)])
def test_parameters_that_there_are_not_are_refused(vary, diameter):
    with pytest.raises(ValueError, match="choose of threshold, smoothing"):
        list(candidates(HoverOutput(), vary, diameter))


def test_an_image_of_nothing_does_not_count():
    blank = Seen(torch.zeros(3, 8, 8), (8, 8), torch.zeros(0, 2), 3.0)
    assert score([blank], HoverOutput(), 10) == 0
    right = Seen(map_of_a_disc_and_a_speck(), (40, 40), torch.tensor([[20.0, 20.0]]), 8.0)
    assert score([blank, right], HoverOutput(), 10) == 1.0


def test_the_choice_is_written_where_segmenters_find_it(tmp_path):
    network = Compact(channels=[4, 8])
    manifest = StageManifest(tmp_path, "segmentation")
    manifest.begin()
    save_model(tmp_path / "model.pt", network, CARD)
    manifest.finish()
    weights = (tmp_path / "model.pt").read_bytes()
    chosen = HoverOutput(MPP, threshold=0.4, smoothing=0.5, smallest=3.0)
    write_tuning(tmp_path / "model.pt", Tuning(chosen, 0.9, 0.8, ["a", "b"], 3.0))
    card = read_card(tmp_path / "model.pt")
    assert segmenter_of(Model(network, card)).output == chosen
    assert card.notes["tuned"] == {"images": ["a", "b"], "radius": 3.0, "detection_f1": {"before": 0.8, "after": 0.9}}
    assert (card.network, card.mpp, card.diameter) == (CARD.network, CARD.mpp, CARD.diameter)
    assert (tmp_path / "model.pt").read_bytes() == weights
    assert differences(tmp_path, manifest.settings, manifest.inputs) == []  # the stage is still whole
