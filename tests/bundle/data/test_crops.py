# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Crops of a batch together are the crops one by one, drawn by themselves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bundle.data.crops import EllipseCrop, LabelCrop
from bundle.data.streams import Batch, CropStream
from bundle.data.training_images import EllipseTrainingImage, LabelledTrainingImage
from transforms.augment import RandFlips
from transforms.maps.hover import hover_map
from transforms.maps.points import point_map
from transforms.random_streams import generator
from transforms.shapes.area_laws import AreaLaw, TightAreaLaw, UniformAreaLaw
from transforms.shapes.beta_area_law import BetaAreaLaw
from transforms.shapes.blobs import BlobSampler
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler

SIZES = [(60, 70), (50, 64), (90, 48)]
CROP = (40, 32)
SAMPLERS = [
    EllipseSampler(UniformAreaLaw(9.0, k=0.6)),
    EllipseSampler(TightAreaLaw(9.0, k=0.6)),
    EllipseSampler(BetaAreaLaw(9.0)),
    BlobSampler(UniformAreaLaw(9.0, k=0.6)),
]


def random_points(size: tuple[int, int], seed: int, count: int = 40) -> Tensor:
    return torch.rand(count, 2, generator=generator(seed)) * torch.tensor([size[1], size[0]]) - 0.5


def training_images(
    sampler: EllipseSampler, radii: tuple[float, float, float] = (0.5, 0.5, 0.5)
) -> list[EllipseTrainingImage]:
    return [
        EllipseTrainingImage(
            str(i), torch.rand(3, *size, generator=generator(i)), random_points(size, i), sampler, radius
        )
        for i, (size, radius) in enumerate(zip(SIZES, radii, strict=True))
    ]


def one_by_one(stream: CropStream, step: int) -> Batch:
    """A batch without augmentation, a crop at a time, from the functions for whole images."""
    (height, width), parts = stream.crop_size, []
    for index in range(stream.batch_size):
        drawn = generator(stream.seed, step, index)
        scene = stream.training_images[int(torch.randint(len(stream.training_images), (1,), generator=drawn))]
        x = int(torch.randint(scene.size[1] - width + 1, (1,), generator=drawn))
        y = int(torch.randint(scene.size[0] - height + 1, (1,), generator=drawn))
        label = draw_label(scene.sampler(scene.points, drawn), (height, width), (x, y))
        marked = point_map(scene.points.double() - torch.tensor([x, y]), (height, width), scene.point_radius)
        image = scene.image[:, y : y + height, x : x + width]
        parts.append({"image": image, "label": label, "point_map": marked, "hover_map": hover_map(label)})
    return {key: torch.stack([part[key] for part in parts]) for key in parts[0]}


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: f"{type(s).__name__}, {type(s.law).__name__}")
def test_a_batch_is_its_crops_one_by_one(sampler: EllipseSampler) -> None:
    stream = CropStream(training_images(sampler), CROP, 5, 3, seed=7)
    for step in (0, 1, 20):
        batch, expected = stream.batch(step), one_by_one(stream, step)
        assert batch.keys() == expected.keys()
        assert all(torch.equal(batch[key], expected[key]) for key in expected)
        assert batch["label"].flatten(1).amax(1).min() > 3  # there is something to see in every crop


def test_flips_turn_a_batch_that_is_otherwise_the_same() -> None:
    plain = CropStream(training_images(SAMPLERS[0]), CROP, 5, 3, seed=7)
    flipped = CropStream(training_images(SAMPLERS[0]), CROP, 5, 3, seed=7, augmentations=[RandFlips()]).batch(2)
    forms = set()
    for index, straight in enumerate(zip(*one_by_one(plain, 2).values(), strict=True)):
        image, label, marked, _ = straight
        found = [flipped[key][index] for key in ("image", "label", "point_map", "hover_map")]
        matches = [axes for axes in ((), (1,), (2,), (1, 2)) if torch.equal(image.flip(axes), found[0])]
        assert len(matches) == 1
        turned = label.flip(matches[0])
        expected = [image.flip(matches[0]), turned, marked.flip(matches[0]), hover_map(turned)]
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
        forms.update(matches)
    assert len(forms) > 1


def test_every_image_has_marks_of_its_own_radius() -> None:
    stream = CropStream(training_images(SAMPLERS[0], radii=(0.5, 1.0, 3.2)), CROP, 6, 3, seed=1)
    batch, expected = stream.batch(0), one_by_one(stream, 0)
    assert torch.equal(batch["point_map"], expected["point_map"])


def test_an_upper_bound_of_the_ids_is_known() -> None:
    tissue = training_images(SAMPLERS[0])[0]
    crop = tissue.crop((3, 4), CROP, generator(0))
    assert EllipseCrop.stack([crop])["label"].max() <= crop.largest_id == len(tissue.points)
    label = torch.arange(60, dtype=torch.int32).view(1, 6, 10)
    assert (
        LabelledTrainingImage("a", torch.rand(3, 6, 10), label, 59).crop((0, 0), (2, 2), generator(0)).largest_id == 59
    )


def test_labelled_crops_are_stacked() -> None:
    image, label = torch.rand(2, 3, 4, 5), torch.arange(40, dtype=torch.int32).view(2, 1, 4, 5)
    batch = LabelCrop.stack([LabelCrop(*pair, 39) for pair in zip(image, label, strict=True)])
    assert list(batch) == ["image", "label"]
    assert torch.equal(batch["image"], image) and torch.equal(batch["label"], label)


def test_weights_are_cut_and_flipped_with_their_labels() -> None:
    label = torch.arange(1, 2001, dtype=torch.int32).view(1, 40, 50)
    weight = (label % 7 == 0).float()
    scene = LabelledTrainingImage("a", torch.rand(3, 40, 50), label, 2000, weight)
    batch = CropStream([scene], (16, 24), 4, 2, augmentations=[RandFlips()]).batch(1)
    assert torch.equal(batch["weight"], (batch["label"] % 7 == 0).float())


def test_pixels_of_an_image_without_weights_all_count() -> None:
    label, weight = torch.ones(1, 4, 5, dtype=torch.int32), torch.zeros(1, 4, 5)
    crops = [LabelCrop(torch.rand(3, 4, 5), label, 1, each) for each in (None, weight)]
    assert LabelCrop.stack(crops)["weight"].flatten(1).mean(1).tolist() == [1, 0]
    assert "weight" not in LabelCrop.stack(crops[:1])


def test_crops_without_a_shape_are_blank() -> None:
    law: AreaLaw = UniformAreaLaw(9.0, k=0.6)
    far = EllipseTrainingImage("a", torch.rand(3, 60, 60), torch.tensor([[55.0, 55.0]]), EllipseSampler(law), 0.5)
    batch = EllipseCrop.stack([far.crop((0, 0), (9, 11), generator(i)) for i in range(3)])
    assert batch["label"].shape == (3, 1, 9, 11) and not batch["label"].any() and not batch["point_map"].any()
