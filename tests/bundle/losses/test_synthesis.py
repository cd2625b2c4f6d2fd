# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The objective: its terms, weights, and which tensors each term feels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bundle.losses.hover import HoverLoss
from bundle.losses.points import BackgroundLoss, PointLoss
from bundle.losses.synthesis import (
    BackgroundTerm,
    KnownLabelTerm,
    MapCycleTerm,
    PointTerm,
    RebuildTerm,
    SynthesisObjective,
    paper_terms,
)

FELT = {
    "adversarial_image": {"image_scores"},
    "adversarial_mask": {"map_scores"},
    "cycle": {"recovered_image"},
    "instance": {"recovered_map"},
    "point_synthetic": {"recovered_map"},
    "point_real": {"predicted_map"},
}


@pytest.fixture
def update() -> dict[str, Tensor]:
    torch.manual_seed(0)
    hover_map = torch.zeros(2, 3, 8, 8)
    hover_map[:, 2, 2:5, 2:5] = 1
    fixed = {"image": torch.rand(2, 3, 8, 8), "hover_map": hover_map, "point_map": hover_map[:, 2:].clone()}
    made = {
        "synthetic_image": torch.rand(2, 3, 8, 8),
        "recovered_image": torch.rand(2, 3, 8, 8),
        "predicted_map": torch.randn(2, 3, 8, 8),
        "recovered_map": torch.randn(2, 3, 8, 8),
        "image_scores": torch.randn(2, 1, 3, 3),
        "map_scores": torch.randn(2, 1, 3, 3),
    }
    return {**fixed, **{name: tensor.requires_grad_() for name, tensor in made.items()}}


def test_the_default_is_the_papers_weighted_sum(update: dict[str, Tensor]) -> None:
    values = SynthesisObjective()(update)
    assert list(values) == [*FELT, "total"]
    weights = {"cycle": 5.0, "instance": 5.0}
    expected = sum(weights.get(name, 1.0) * values[name].item() for name in FELT)
    assert values["total"].item() == pytest.approx(expected, rel=1e-5)


def test_terms_are_the_losses_of_their_pairs(update: dict[str, Tensor]) -> None:
    values = SynthesisObjective()(update)
    instance = sum(HoverLoss()(update["recovered_map"], update["hover_map"]).values())
    torch.testing.assert_close(values["instance"], instance)
    torch.testing.assert_close(values["point_real"], PointLoss()(update["predicted_map"], update["point_map"]))
    torch.testing.assert_close(values["cycle"], 2 * (update["recovered_image"] - update["image"]).abs().mean())
    torch.testing.assert_close(values["adversarial_mask"], 0.5 * (update["map_scores"] - 1).square().mean())


@pytest.mark.parametrize("term", FELT)
def test_a_term_feels_its_own_tensors_and_no_others(update: dict[str, Tensor], term: str) -> None:
    SynthesisObjective()(update)[term].backward()
    felt = {name for name, tensor in update.items() if tensor.grad is not None and tensor.grad.any()}
    assert felt == FELT[term]


def test_a_part_left_out_needs_none_of_its_tensors(update: dict[str, Tensor]) -> None:
    terms = paper_terms()
    del terms["adversarial_mask"], terms["cycle"]
    del update["map_scores"], update["recovered_image"]
    values = SynthesisObjective(terms)(update)
    assert set(values) == {*FELT, "total"} - {"adversarial_mask", "cycle"}


def test_weights_given_replace_the_papers(update: dict[str, Tensor]) -> None:
    objective = SynthesisObjective({"point": PointTerm("recovered_map"), "map": MapCycleTerm()}, {"map": 10.0})
    values = objective(update)
    assert values["total"].item() == pytest.approx(values["point"].item() + 10 * values["map"].item(), rel=1e-5)


def test_a_weight_of_no_term_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\['cycel'\].*'cycle'"):
        SynthesisObjective(weights={"cycel": 3.0})


def test_the_background_term_looks_at_real_images_alone(update: dict[str, Tensor]) -> None:
    values = SynthesisObjective({**paper_terms(), "background": BackgroundTerm(1.0)})(update)
    expected = BackgroundLoss(1.0)(update["predicted_map"], update["point_map"])
    torch.testing.assert_close(values["background"], expected)
    assert expected > 0
    torch.testing.assert_close(values["total"], SynthesisObjective()(update)["total"] + expected)
    values["background"].backward()
    assert {name for name, tensor in update.items() if tensor.grad is not None and tensor.grad.any()} == {
        "predicted_map"
    }


def halves(images: Tensor) -> list[Tensor]:
    """Features of two scales: the image, and its means over 2 x 2 px, ten times as large."""
    return [images, 10 * torch.nn.functional.avg_pool2d(images, 2)]


def test_rebuilding_compares_pixels_and_features_where_the_label_is_trusted() -> None:
    image = torch.full((1, 3, 4, 4), 0.5)
    rebuilt = image.clone()
    rebuilt[..., :2] += 0.1  # the left half
    update = {"image": image, "rebuilt_image": rebuilt.requires_grad_()}
    assert RebuildTerm()(update).item() == pytest.approx(0.05)
    assert RebuildTerm(pixels=2.0)(update).item() == pytest.approx(0.1)
    assert RebuildTerm(halves)(update).item() == pytest.approx(0.05 + 0.1)  # each scale: 0.05 of 0.5
    trusted = torch.zeros(1, 1, 4, 4)
    trusted[..., 2:] = 1
    assert RebuildTerm(halves)({**update, "known_weight": trusted}).item() == 0
    wrong = RebuildTerm(halves)({**update, "known_weight": 1 - trusted})
    assert wrong.item() == pytest.approx(0.1 + 0.2)
    wrong.backward()
    assert rebuilt.grad is not None and rebuilt.grad[..., :2].any() and not rebuilt.grad[..., 2:].any()


def test_a_crop_without_a_trusted_pixel_teaches_nothing() -> None:
    update = {"image": torch.rand(1, 3, 4, 4), "rebuilt_image": torch.rand(1, 3, 4, 4)}
    assert RebuildTerm(halves)({**update, "known_weight": torch.zeros(1, 1, 4, 4)}).item() == 0


def test_a_known_label_teaches_f_as_a_segmenter_learns(update: dict[str, Tensor]) -> None:
    known = {"known_map": update["hover_map"], "known_weight": torch.rand(2, 1, 8, 8)}
    expected = sum(HoverLoss()(update["predicted_map"], *known.values()).values())
    torch.testing.assert_close(KnownLabelTerm()({**update, **known}), expected)
