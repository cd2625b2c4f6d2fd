# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pairs painted while a segmenter trains: new at every update, the same when resumed, joined with real crops."""

from __future__ import annotations

import pytest
import torch

from bundle.data.painted_stream import JoinedStream, PaintedStream, joined_batch
from bundle.data.streams import CropStream
from bundle.data.training_images import EllipseTrainingImage, LabelledTrainingImage
from bundle.inference.painting import SyntheticImageGenerator
from bundle.networks.spade import SPADEGenerator
from transforms.augment import RandFlips
from transforms.maps.hover import hover_map
from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.ellipses import EllipseSampler

POINTS = torch.tensor([[8.0, 8.0], [22.0, 6.0], [37.0, 10.0], [12.0, 24.0], [30.0, 25.0]])
SAMPLER = EllipseSampler(UniformAreaLaw(8.0, k=0.5))
STREAM = {"crop_size": (24, 32), "updates": 3, "seed": 5}


class ShowsMap:
    """Paints m, a little brighter for a brighter real crop, so that a test sees what it was given."""

    def paint_maps(self, condition, generators, styles):
        assert len(generators) == len(condition) == len(styles)
        return condition[:, 2:].expand(-1, 3, -1, -1) * 0.5 + styles[:, :3, None, None] * 0.25 + 0.25


def real_images(brightness: float = 0.5) -> list[EllipseTrainingImage]:
    return [EllipseTrainingImage("a", torch.full((3, 40, 48), brightness), POINTS, SAMPLER, 0.5)]


def painted(image_generator, brightness: float = 0.5, **more) -> PaintedStream:
    return PaintedStream(
        image_generator=image_generator, training_images=real_images(brightness), batch_size=2, **{**STREAM, **more}
    )


def test_the_image_is_painted_over_the_crops_own_mask():
    for augmentations in ((), (RandFlips(keys=["image", "label"]),)):
        batch = painted(ShowsMap(), augmentations=augmentations).batch(1)
        assert batch["image"].shape == (2, 3, 24, 32)
        assert torch.equal(batch["hover_map"], hover_map(batch["label"]))
        torch.testing.assert_close(batch["image"], batch["hover_map"][:, 2:].expand(-1, 3, -1, -1) * 0.5 + 0.25)


def test_the_real_crop_gives_its_style():
    dark, light = (painted(ShowsMap(), brightness).batch(0)["image"] for brightness in (0.25, 0.75))
    torch.testing.assert_close(light - dark, torch.full_like(dark, 0.25))  # half of [-1, 1] times 0.25 twice


def test_every_update_has_new_masks_and_new_noise_and_a_resumed_one_the_same():
    torch.manual_seed(0)
    image_generator = SyntheticImageGenerator(SPADEGenerator(4, hidden=8, multipliers=(2, 1)))
    stream = painted(image_generator)
    first, second, third = list(stream)
    assert not torch.equal(first["label"], second["label"]) and not torch.equal(second["image"], third["image"])
    resumed = painted(image_generator)
    resumed.set_position(1)
    for batch, again in zip((second, third), resumed, strict=True):
        assert all(torch.equal(batch[key], again[key]) for key in ("image", "label", "hover_map"))
    assert stream.painting_seconds > 0 and not first["image"].requires_grad and not first["image"].is_inference()


def labelled(weight: torch.Tensor | None = None, **more) -> CropStream:
    label = torch.zeros(1, 40, 48, dtype=torch.int32)
    label[:, 5:20, 7:30] = 3
    scene = LabelledTrainingImage(
        "b", torch.rand(3, 40, 48, generator=torch.Generator().manual_seed(1)), label, 3, weight
    )
    return CropStream([scene], batch_size=3, **{**STREAM, **more})


def test_joined_batches_hold_the_crops_of_all_streams_in_order():
    parts = [painted(ShowsMap()), labelled()]
    joined = JoinedStream([painted(ShowsMap()), labelled()])
    joined.set_position(2)
    (batch,) = joined
    assert len(joined) == 3 and set(batch) == {"image", "label", "hover_map"}
    for key, value in batch.items():
        assert torch.equal(value, torch.cat([part.batch(2)[key] for part in parts]))


def test_a_part_without_weights_weighs_one():
    weighted = labelled(weight=torch.full((1, 40, 48), 0.5)).batch(0)
    weight = joined_batch([painted(ShowsMap()).batch(0), weighted])["weight"]
    assert weight.shape == (5, 1, 24, 32) and bool((weight[:2] == 1).all()) and bool((weight[2:] == 0.5).all())


def test_streams_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match=r"epochs of \[3, 4\] updates"):
        JoinedStream([painted(ShowsMap()), labelled(updates=4)])
    with pytest.raises(ValueError, match="epochs of"):
        JoinedStream([])
