# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Augmentations: each has an effect, keeps what it must, and draws from its own generators."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from transforms.augment import (
    ColourJitter,
    ExposureJitter,
    GaussianBlur,
    GaussianNoise,
    IntensityJitter,
    RandFlips,
    StainJitter,
)
from transforms.random_streams import generator

Augmentation = Callable[[dict[str, Tensor], list[torch.Generator]], dict[str, Tensor]]
ON_IMAGES: list[Augmentation] = [
    IntensityJitter(),
    ExposureJitter(),
    ColourJitter(),
    StainJitter(),
    GaussianBlur(probability=1.0),
    GaussianNoise((0.02, 0.03)),
]
BATCH = 4


def generators(seed: int = 0, count: int = BATCH) -> list[torch.Generator]:
    return [generator(seed, index) for index in range(count)]


@pytest.fixture
def batch() -> dict[str, Tensor]:
    image = 0.2 + 0.6 * torch.rand(BATCH, 3, 16, 20, generator=generator(7))
    label = torch.arange(BATCH * 320, dtype=torch.int32).view(BATCH, 1, 16, 20)
    return {"image": image, "label": label, "point_map": (label % 7 == 0).float()}


def by_name(augmentation: Augmentation) -> str:
    return type(augmentation).__name__


@pytest.mark.parametrize("augment", ON_IMAGES, ids=by_name)
def test_every_sample_is_changed_and_stays_in_range(augment: Augmentation, batch: dict[str, Tensor]) -> None:
    image = augment(batch, generators())["image"]
    assert image.shape == batch["image"].shape and image.dtype == torch.float32
    assert 0 <= image.min() <= image.max() <= 1
    assert ((image - batch["image"]).abs().mean(dim=(1, 2, 3)) > 1e-3).all()


@pytest.mark.parametrize("augment", ON_IMAGES, ids=by_name)
def test_only_the_image_changes_and_the_given_batch_does_not(augment: Augmentation, batch: dict[str, Tensor]) -> None:
    before = {key: tensor.clone() for key, tensor in batch.items()}
    after = augment(batch, generators())
    assert all(torch.equal(batch[key], before[key]) for key in before)
    assert torch.equal(after["label"], before["label"]) and torch.equal(after["point_map"], before["point_map"])


@pytest.mark.parametrize("augment", [*ON_IMAGES, RandFlips()], ids=by_name)
def test_a_sample_depends_on_its_own_generator_alone(augment: Augmentation, batch: dict[str, Tensor]) -> None:
    together = augment(batch, generators())["image"][2:3]
    alone = augment({key: tensor[2:3] for key, tensor in batch.items()}, generators()[2:3])["image"]
    torch.testing.assert_close(together, alone)
    again = augment({key: tensor[2:3] for key, tensor in batch.items()}, generators(1)[2:3])["image"]
    assert isinstance(augment, RandFlips) or not torch.allclose(together, again)


@pytest.mark.parametrize(
    "augment",
    [IntensityJitter(), ExposureJitter(), GaussianBlur(probability=1.0), GaussianNoise((0.02, 0.03))],
    ids=by_name,
)
def test_grey_images_are_taken(augment: Augmentation) -> None:
    image = torch.rand(2, 1, 8, 8, generator=generator(1))
    assert not torch.equal(augment({"image": image}, generators(count=2))["image"], image)


@pytest.mark.parametrize("augment", [ColourJitter(), StainJitter()], ids=by_name)
def test_colour_transforms_refuse_grey_images(augment: Augmentation) -> None:
    with pytest.raises(ValueError, match="needs RGB images, but this batch has 1 channels: use IntensityJitter"):
        augment({"image": torch.rand(2, 1, 8, 8)}, generators(count=2))


def test_flips_take_all_four_forms_and_move_every_tensor_alike(batch: dict[str, Tensor]) -> None:
    forms: set[tuple[int, ...]] = set()
    for seed in range(8):
        flipped = RandFlips()(batch, generators(seed))
        for index in range(BATCH):
            matches = [
                axes
                for axes in ((), (-1,), (-2,), (-2, -1))
                if all(torch.equal(flipped[key][index], batch[key][index].flip(axes)) for key in batch)
            ]
            assert len(matches) == 1
            forms.update(matches)
    assert len(forms) == 4


@pytest.mark.parametrize("augment", [*ON_IMAGES, RandFlips()], ids=by_name)
def test_no_device_is_asked_for_a_size(augment: Augmentation, batch: dict[str, Tensor]) -> None:
    elsewhere = {key: tensor.to("meta") for key, tensor in batch.items()}
    changed = augment(elsewhere, generators())
    assert {key: (t.device, t.shape, t.dtype) for key, t in changed.items()} == {
        key: (t.device, t.shape, t.dtype) for key, t in elsewhere.items()
    }


def test_flips_leave_other_keys_and_miss_absent_ones(batch: dict[str, Tensor]) -> None:
    other = {"image": batch["image"], "hover_map": batch["point_map"]}
    assert RandFlips()(other, generators())["hover_map"] is other["hover_map"]


def test_flips_refuse_hover_maps() -> None:
    with pytest.raises(ValueError, match="flip the label"):
        RandFlips(keys=("image", "hover_map"))


def test_brightness_multiplies() -> None:
    image = torch.full((BATCH, 3, 4, 4), 0.5)
    jittered = IntensityJitter(brightness=0.2, contrast=0)({"image": image}, generators())["image"]
    assert (jittered == jittered[:, :1, :1, :1]).all()
    assert ((jittered - 0.5).abs() <= 0.1).all() and jittered[:, 0, 0, 0].std() > 0.01


def test_contrast_keeps_the_mean_and_scales_the_spread(batch: dict[str, Tensor]) -> None:
    image = 0.4 + 0.2 * batch["image"]
    jittered = IntensityJitter(brightness=0, contrast=0.5)({"image": image}, generators())["image"]
    torch.testing.assert_close(jittered.mean(dim=(1, 2, 3)), image.mean(dim=(1, 2, 3)))
    ratio = jittered.std(dim=(1, 2, 3)) / image.std(dim=(1, 2, 3))
    assert ((ratio > 0.5) & (ratio < 1.5)).all() and ratio.std() > 0.05


def test_exposures_differ_by_factors_in_both_directions() -> None:
    image = torch.full((64, 1, 4, 4), 0.25)
    seen = ExposureJitter(gain=(0.25, 2.0), gamma=(1, 1))({"image": image}, generators(count=64))["image"]
    assert (seen == seen[:, :, :1, :1]).all()
    factor = seen[:, 0, 0, 0] / 0.25
    assert factor.min() < 0.4 and factor.max() > 1.5 and ((factor >= 0.25) & (factor <= 2)).all()
    assert factor.log().mean().item() == pytest.approx(-0.35, abs=0.25)  # the middle of both logarithms


def test_exposures_bend_grey_values_but_not_black_and_white() -> None:
    image = torch.tensor([0.0, 0.5, 1.0]).expand(16, 1, 4, 3)
    seen = ExposureJitter(gain=(1, 1), gamma=(0.5, 2.0))({"image": image}, generators(count=16))["image"]
    assert (seen[..., 0] == 0).all() and (seen[..., 2] == 1).all()
    assert seen[..., 1].min() < 0.4 and seen[..., 1].max() > 0.6


@pytest.mark.parametrize("ranges", [{"gain": (0, 1)}, {"gamma": (2, 1)}])
def test_exposures_refuse_ranges_that_are_none(ranges) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(ranges))} is .* both above 0"):
        ExposureJitter(**ranges)


def test_hue_and_saturation_keep_luma_and_leave_grey_pixels_grey(batch: dict[str, Tensor]) -> None:
    jitter = ColourJitter(brightness=0, contrast=0, saturation=0.3, hue=0.1)
    image = 0.4 + 0.2 * batch["image"]
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    changed = jitter({"image": image}, generators())["image"]
    torch.testing.assert_close((changed * weights).sum(1), (image * weights).sum(1), atol=1e-5, rtol=0)
    grey = image[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(jitter({"image": grey}, generators())["image"], grey, atol=2e-3, rtol=0)


def test_stain_jitter_of_no_strength_changes_nothing(batch: dict[str, Tensor]) -> None:
    unchanged = StainJitter(strength=0, offset=0)(batch, generators())["image"]
    torch.testing.assert_close(unchanged, batch["image"], atol=1e-5, rtol=1e-4)


def test_stain_jitter_scales_the_density_of_a_pure_stain() -> None:
    haematoxylin = torch.tensor([0.65, 0.70, 0.29]) / torch.tensor([0.65, 0.70, 0.29]).norm()
    image = torch.exp(-0.8 * haematoxylin).view(1, 3, 1, 1).expand(BATCH, 3, 4, 4)
    density = -torch.log(StainJitter(strength=0.3, offset=0)({"image": image}, generators())["image"])
    factor = density / (0.8 * haematoxylin).view(1, 3, 1, 1)  # the same in every colour
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor), atol=1e-4, rtol=1e-4)
    assert ((factor > 0.7) & (factor < 1.3)).all() and factor[:, 0, 0, 0].std() > 0.02


def test_blur_is_a_gaussian_of_its_sigma() -> None:
    image = torch.zeros(1, 1, 21, 21)
    image[0, 0, 10, 10] = 1
    blurred = GaussianBlur((1.5, 1.5), probability=1.0)({"image": image}, generators(count=1))["image"][0, 0]
    distance = torch.arange(21) - 10.0
    assert blurred.sum().item() == pytest.approx(1, abs=1e-5)
    variance = (blurred.sum(0) * distance.square()).sum()
    assert variance.sqrt().item() == pytest.approx(1.5, abs=0.05)
    torch.testing.assert_close(blurred, blurred.T)


def test_blur_leaves_a_plain_image_and_unlucky_samples_alone(batch: dict[str, Tensor]) -> None:
    plain = torch.full((BATCH, 3, 8, 8), 0.3)
    torch.testing.assert_close(GaussianBlur(probability=1.0)({"image": plain}, generators())["image"], plain)
    torch.testing.assert_close(GaussianBlur(probability=0.0)(batch, generators())["image"], batch["image"])


def test_noise_has_its_sigma() -> None:
    image = torch.full((1, 3, 64, 64), 0.5)
    noisy = GaussianNoise((0.05, 0.05))({"image": image}, generators(count=1))["image"]
    assert (noisy - image).std().item() == pytest.approx(0.05, rel=0.05)
    assert (noisy - image).mean().item() == pytest.approx(0, abs=0.003)
