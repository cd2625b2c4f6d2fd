# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images with points and with labels: crops of both are of one place, flipped alike, with a hover map of each label."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bundle.data.paired_training_images import PairedTrainingImages
from bundle.data.streams import CropStream
from bundle.data.training_images import EllipseTrainingImage, LabelledTrainingImage
from transforms.augment import RandFlips
from transforms.maps.hover import hover_map
from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.ellipses import EllipseSampler

SIZE = (40, 50)


def drawn(name="tissue"):
    """An image whose red channel tells where a pixel is."""
    image = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(0))
    points = torch.tensor([[10.0, 12.0], [30.0, 25.0]])
    return EllipseTrainingImage(name, image, points, EllipseSampler(UniformAreaLaw(8.0, k=0.6)), 1.0)


def known(name="tissue", weight=True):
    """A label with an object where the image is bright, so that any crop can be checked against its image."""
    image = drawn().image
    label = (image[:1] > 0.5).int() * 3
    return LabelledTrainingImage(name, image, label, 3, (image[1:2] > 0.2).float() if weight else None)


KEYS = ["image", "label", "point_map", "known_label", "known_weight"]


def test_both_labels_are_of_the_crop_that_is_seen():
    stream = CropStream(PairedTrainingImages([drawn()], [known()]), (16, 20), 6, 5, augmentations=[RandFlips(KEYS)])
    for step in range(3):
        batch = stream.batch(step)
        assert torch.equal(batch["known_label"] > 0, batch["image"][:, :1] > 0.5)
        assert torch.equal(batch["known_weight"] > 0, batch["image"][:, 1:2] > 0.2)
        torch.testing.assert_close(batch["known_map"], hover_map(batch["known_label"]))
        torch.testing.assert_close(batch["hover_map"], hover_map(batch["label"]))
        assert batch["point_map"].shape == (6, 1, 16, 20)


def test_the_masks_are_those_of_the_points_alone():
    pairs = CropStream(PairedTrainingImages([drawn()], [known()]), (16, 20), 4, 5).batch(2)
    alone = CropStream([drawn()], (16, 20), 4, 5).batch(2)
    for key, value in alone.items():
        assert torch.equal(pairs[key], value), key
    assert "known_map" not in alone


def test_without_weights_all_pixels_of_a_label_count():
    batch = CropStream(PairedTrainingImages([drawn()], [known(weight=False)]), (16, 20), 2, 5).batch(0)
    assert torch.equal(batch["known_weight"], torch.ones(2, 1, 16, 20))


@pytest.mark.parametrize("other", [[], [known("other")], [replace(known(), image=torch.rand(3, 9, 9))]])
def test_other_images_are_refused(other):
    with pytest.raises(ValueError, match="not the same ones"):
        PairedTrainingImages([drawn()], other)
